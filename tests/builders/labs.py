"""Skips a lab test only where this machine lacks something that can be named; a broken lab fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from segaudit.lab import preflight
from segaudit.lab.lab_folder import new_key
from segaudit.lab.plan import plan_lab
from segaudit.lab.scenario import materialised


def skip_without_lab(path: Path) -> None:
    """Skip, naming all that is missing to run the lab at ``path`` here."""
    with materialised(path) as source:
        topology = source.read()
        lacking = preflight.missing(plan_lab(topology, topology.name, new_key))
    if lacking:
        pytest.skip(f"no lab here: {'; '.join(str(problem) for problem in lacking)}")
