"""Every planted fault changes one line that is there, and names tests that are there; planting them takes hours."""

from pathlib import Path

import pytest
from planted_faults import FAULTS, Fault

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{Path(fault.file).name}: {fault.about}")
def test_a_planted_fault_can_be_planted(fault: Fault) -> None:
    assert (ROOT / fault.file).read_text().count(fault.old) == 1
    assert fault.new != fault.old
    named = [word.partition("::")[0] for word in fault.tests.split() if word.startswith("tests/")]
    assert named and all((ROOT / name).exists() for name in named)
