"""The end of an update: nothing is done before all of it was verified."""

from __future__ import annotations

import pytest

from fixtures.plan import item


@item("MNT-6", expects="every other check of postdeploy passed, waived or signed off, and none left out")
@pytest.mark.postdeploy
@pytest.mark.usefixtures("other_verdicts")
def test_all_systems_are_verified() -> None:
    """All systems were verified: postdeploy is green, and was selected whole.

    A release would count as done that nobody has looked at. There is nothing to look at here: the check is judged
    last, from the verdicts of the others; where they do not allow it to pass, it could not be verified.
    """
