"""The runbook: one file a chapter, in the order of the document it replaces."""
