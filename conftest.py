"""The plugins of the runbook: the engine first, then one for each surface that checks look through."""

pytest_plugins = [
    "fixtures.acceptance",
    "fixtures.settings",
    "fixtures.run",
    "fixtures.source",
    "fixtures.cli",
    "reports.html_table",
]
