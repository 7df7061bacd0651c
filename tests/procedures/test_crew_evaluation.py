"""Evaluating with all ranks of a crew, under a real MPI launcher, with the stand-in for FHI-aims' library."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aims_library_build import build_module
from command import environment
from mpi import mpi_launcher

RANKS = Path(__file__).parents[1] / "tools" / "crew_evaluation_ranks.py"
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("crew")


@pytest.fixture(scope="module")
def found(place: Path) -> dict[str, Any]:
    """What the leader of three ranks has met, one evaluation after the other."""
    library = build_module(place / "library", "mpich")
    command = [*mpi_launcher("mpich"), "-n", "3", sys.executable, str(RANKS), str(library), str(place)]
    more = environment(OMP_NUM_THREADS="1")
    done = subprocess.run(command, env=more, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads((place / "found.json").read_text())


def test_a_relaxation_reports_to_the_leader(found: dict[str, Any], place: Path) -> None:
    """What does not travel is there: checkpoints and the structure's properties."""
    expected = {"energy": -2.0, "reached": ["pair"], "properties": {"spg": 7}, "reason": "converged"}
    assert found["relaxed"] == expected
    assert "Using        3 parallel tasks." in (place / "relaxed" / "aims.out").read_text()
    assert (found["point"]["energy"], found["point"]["reason"]) == (-2.0, "single point")


@pytest.mark.parametrize(
    ("case", "kind", "permanent", "words"),
    [
        ("input", "input", True, "pair: a single point is wanted, but control.in asks for a relaxation"),
        ("late", "walltime", False, "pair: deadline before FHI-aims began"),
        ("stopped", "walltime", False, "pair: stopped before FHI-aims began"),
    ],
)
def test_errors_are_the_engines_own(found: dict[str, Any], case: str, kind: str, permanent: bool, words: str) -> None:
    """Said once, not once by each rank; and the crew is there for the next evaluation."""
    error = found[case]
    assert (error["kind"], error["permanent"]) == (kind, permanent)
    assert error["words"].startswith(words) and "rank" not in error["words"]


def test_a_failure_of_another_rank_alone(found: dict[str, Any]) -> None:
    """It names the rank."""
    error = found["other"]
    assert (error["kind"], error["permanent"]) == ("missing", True)
    assert "rank 1 on " in error["words"] and "this rank has no engine" in error["words"]
