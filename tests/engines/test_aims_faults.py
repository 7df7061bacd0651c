"""The engine aims against a program that misbehaves in every way: the class of failure, the attempts, no energy."""

from __future__ import annotations

import pytest
from aims_misbehaviours import CASES, WATER, Case, carry_out

from genarris_fw import engines
from genarris_fw.crystal.formats.geometry_in import parse_geometry_in
from genarris_fw.engines.aims import parse_output
from genarris_fw.errors import EngineError

PERMANENT = {"scf", "relaxation"}


@pytest.fixture(scope="module")
def energies() -> dict[bool, float]:
    """What GFN1-xTB says of the molecule as it is, and of the relaxed one (eV)."""
    engine = engines.get("tblite", fmax=0.01)
    return {relax: engine.evaluate(WATER, relax=relax).energy for relax in (False, True)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_misbehaviour(tmp_path, case: Case, energies) -> None:
    found = carry_out(case, tmp_path)
    assert (found.kind, found.attempts) == (case.kind, case.attempts), found.message
    assert "\n" not in found.message
    if case.kind is None:
        assert found.energy == pytest.approx(energies[case.relax], abs=1e-3 if case.relax else 1e-6)
        assert parse_output(tmp_path / "results" / "aims.out").energy == found.energy
        return
    assert found.energy is None and "water" in found.message
    assert found.permanent is (case.kind in PERMANENT)
    whole = ("wrong_geometry", "relaxation_limit")
    if case.mood in whole:
        # A whole output: what is wrong with it is for the engine to find.
        assert "Have a nice day." in (tmp_path / "results" / "aims.out").read_text()
    elif case.mood != "launcher":
        with pytest.raises(EngineError):
            parse_output(tmp_path / "results" / "aims.out")


@pytest.mark.parametrize("mood", ["crash", "memory", "relaxation_limit"])
def test_what_was_reached_is_kept(tmp_path, mood: str, energies) -> None:
    """A relaxation that fails leaves its last geometry, from which the next attempt goes on."""
    case = Case(mood, True, None, 2, {"max_restarts": 0}, always=False)
    assert carry_out(case, tmp_path).energy is None
    left = parse_geometry_in((tmp_path / "results" / "geometry.in.next_step").read_text().splitlines())
    assert abs(left.positions - WATER.positions).max() > 1e-3
    again = carry_out(case, tmp_path)
    assert again.energy == pytest.approx(energies[True], abs=1e-3)
    sent = parse_geometry_in((tmp_path / "results" / "geometry.in").read_text().splitlines())
    assert sent.positions == pytest.approx(left.positions, abs=1e-9)
