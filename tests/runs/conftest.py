"""Real molecules with truth."""

from pathlib import Path

import pytest
from run_molecules import Known, known_molecules


@pytest.fixture(scope="session")
def human(human_1m: Path) -> list[Known]:
    """The six molecules of at least five passes, with kinetics and draft qualities."""
    return known_molecules(human_1m, 5)


@pytest.fixture(scope="session")
def bases_only(shared: Path) -> list[Known]:
    """Eight molecules without kinetics and draft qualities."""
    return known_molecules(shared / "data" / "human_bases_only", 1)
