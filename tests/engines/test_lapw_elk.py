"""Elk itself: energies, forces, loops that converge or are refused."""

from __future__ import annotations

import time

import numpy as np
import pytest
from ase.build import bulk
from ase.units import Bohr, Hartree
from lapw_made_up import AL, AL_COARSE, COARSE, SI, SPECIES

from genarris_fw import engines
from genarris_fw.crystal import Structure
from genarris_fw.energetics.equation_of_state import delta, fit, wien2k
from genarris_fw.engines import Context
from genarris_fw.engines.lapw import LAPWEngine
from genarris_fw.errors import EngineError


@pytest.mark.elk
def test_elk_is_installed_and_says_its_version():
    available, remark = engines.installed()["lapw"]
    assert available and remark.startswith("Elk ")


@pytest.mark.elk
def test_aluminium_in_seconds(tmp_path):
    engine = engines.get("lapw", forces=True, **COARSE)
    found = engine.evaluate(AL, context=Context(folder=tmp_path))
    assert found.energy == pytest.approx(AL_COARSE, abs=1e-3)
    assert found.forces == pytest.approx(np.zeros((1, 3)), abs=1e-6)
    assert found.converged and found.stress is None
    assert found.details["loops"] <= 25
    assert found.details["method"] == "APW+lo PBE"
    assert found.details["version"] == engine.version
    assert found.details["k_grid"] == [2, 2, 2]
    assert found.details["corrections"] == [] and found.details["warnings"] == []
    kept = {path.name for path in tmp_path.iterdir()}
    assert {"elk.in", "Al.in", "INFO.OUT", "TOTENERGY.OUT"} <= kept
    assert not any(name.startswith(("STATE", "EVEC", "lapw-")) for name in kept)


@pytest.mark.elk
def test_two_threads_do_not_hang(tmp_path):
    context = Context(folder=tmp_path, cores=2, deadline=time.time() + 120)
    found = engines.get("lapw", **COARSE).evaluate(AL, context=context)
    assert found.energy == pytest.approx(AL_COARSE, abs=1e-3)
    assert "OpenMP threads per MPI process :    2" in (tmp_path / "elk.out").read_text()


@pytest.mark.elk
def test_the_given_and_the_primitive_cell_have_the_same_energy_per_atom():
    """Al in its cubic cell, computed in its primitive one."""
    cubic = Structure.from_ase(bulk("Al", a=7.6534 * Bohr, cubic=True))
    one = engines.get("lapw", **COARSE).evaluate(AL)
    four = engines.get("lapw", primitive=True, forces=True, **COARSE).evaluate(cubic)
    assert four.energy == pytest.approx(4 * one.energy, abs=4e-3)
    assert four.forces.shape == (4, 3)
    assert four.details["atoms_computed"] == 1


@pytest.mark.elk
def test_the_bases_are_of_one_solid():
    """Without linearisation the energy is the highest; the others are within 1 eV of 6,600 and differ."""
    coarse = {"k_grid": [1, 1, 1], "rkmax": 5.0, "l_max": 4}
    energies = {b: engines.get("lapw", basis=b, **coarse).evaluate(AL).energy for b in ("apw+lo", "lapw", "apw")}
    semicore = engines.get("lapw", core="semicore", **coarse).evaluate(AL).energy
    linearised = [energies["apw+lo"], energies["lapw"], semicore]
    assert energies["apw"] > max(linearised) + 0.1
    assert len({round(energy, 4) for energy in linearised}) == 3
    assert max(linearised) - min(linearised) < 1.0


@pytest.mark.elk
def test_a_loop_that_does_not_converge_is_corrected_or_refused():
    with pytest.raises(EngineError, match="did not converge in 3 loops") as caught:
        engines.get("lapw", max_loops=3, auto_correct=False, **COARSE).evaluate(AL)
    assert caught.value.kind == "scf"
    found = engines.get("lapw", max_loops=10, **COARSE).evaluate(AL)
    assert found.details["corrections"] == ["scf: adaptive mixing", "scf: 30 loops"]
    assert found.energy == pytest.approx(AL_COARSE, abs=1e-3)


@pytest.mark.elk
def test_elks_own_words_on_a_wrong_input_are_bad_input(tmp_path):
    """A species file that reads well and makes no sense to Elk: a muffin tin beyond the atomic mesh."""
    text = (SPECIES / "Al.in").read_text()
    (tmp_path / "Al.in").write_text(text.replace("57.4918", "1.0000"))
    with pytest.raises(EngineError, match="rmaxsp < rmt") as caught:
        engines.get("lapw", species_dir=str(tmp_path), **COARSE).evaluate(AL)
    assert (caught.value.kind, caught.value.permanent) == ("input", True)


@pytest.mark.elk
def test_forces_come_back_in_the_order_of_the_atoms():
    """LiH with its H moved, in both orders of the atoms: the forces are swapped."""
    rock_salt = bulk("LiH", "rocksalt", a=4.0)
    rock_salt.positions[1] += [0.15, 0.0, 0.0]
    crystal = Structure.from_ase(rock_salt)
    swapped = Structure(crystal.lattice, crystal.species[::-1], crystal.positions[::-1])
    engine = engines.get("lapw", forces=True, k_grid=[2, 2, 2], rkmax=3.0, l_max=4)
    one, other = engine.evaluate(crystal), engine.evaluate(swapped)
    assert other.forces[::-1] == pytest.approx(one.forces, abs=2e-4)
    assert abs(one.forces[1, 0]) > 0.05


def _displaced(step: float) -> Structure:
    positions = SI.positions.copy()
    positions[1] += [0.12 + step, 0.05, 0.0]
    return Structure(SI.lattice, SI.species, positions)


def _force_and_difference(**settings: object) -> tuple[float, float]:
    """The force on a displaced Si atom (eV/Å), and the difference of energies over 0.04 Å."""
    engine = engines.get("lapw", forces=True, muffin_tin={"Si": 1.1}, energy_tolerance=1e-5, **settings)
    force = engine.evaluate(_displaced(0.0)).forces[1, 0]
    return float(force), (engine.evaluate(_displaced(-0.02)).energy - engine.evaluate(_displaced(0.02)).energy) / 0.04


@pytest.mark.elk
def test_forces_are_the_slope_of_the_energy():
    force, difference = _force_and_difference(k_grid=[1, 1, 1], rkmax=4.0)
    assert force == pytest.approx(difference, rel=0.01)
    assert abs(force) > 0.1


@pytest.mark.elk
@pytest.mark.slow
@pytest.mark.parametrize("basis", ["apw+lo", "lapw"])
def test_forces_are_the_slope_of_the_energy_in_both_bases(basis):
    force, difference = _force_and_difference(k_grid=[2, 2, 2], rkmax=6.0, basis=basis)
    assert force == pytest.approx(difference, rel=0.005)


@pytest.mark.elk
@pytest.mark.slow
def test_aluminium_as_published():
    """Al at 8^3 k points: -242.8204 Ha within 25 loops."""
    found = engines.get("lapw", k_grid=[8, 8, 8], rkmax=7.0).evaluate(AL)
    assert found.energy / Hartree == pytest.approx(-242.8204, abs=1e-3)
    assert found.details["loops"] <= 25


@pytest.mark.elk
@pytest.mark.slow
def test_the_equation_of_state_of_silicon():
    """Against WIEN2k: 20.45 Å3 per atom and 88.5 GPa."""
    reference = wien2k("Si")
    series = [
        Structure.from_ase(bulk("Si", a=(8 * reference.V0 * part) ** (1 / 3))) for part in np.linspace(0.94, 1.06, 7)
    ]
    settings = {"k_grid": [4, 4, 4], "k_offset": [0.5, 0.5, 0.5], "rkmax": 7.0}
    engine = engines.get("lapw", muffin_tin=LAPWEngine().muffin_tins(series), **settings)
    found = fit([crystal.cell_volume for crystal in series], [engine.evaluate(crystal).energy for crystal in series])
    per_atom = found.per_atom(2)
    assert abs(per_atom.V0 - 20.45) <= 0.10
    assert abs(per_atom.B0 - 88.5) <= 2.0
    assert per_atom.residual < 1e-4
    assert delta(per_atom, reference) < 1.0
