"""The output of Elk: read whole, or refused."""

from __future__ import annotations

import numpy as np
import pytest
from ase.units import Bohr, Hartree
from lapw_made_up import DATA, recorded

from genarris_fw.engines.lapw.elk_output import parse_output
from genarris_fw.errors import EngineError


def test_a_recorded_run_is_read(tmp_path):
    """The numbers as they stand in the files, in Hartree and bohr."""
    found = parse_output(recorded(tmp_path), atoms=2, forces=True)
    assert found.energy == pytest.approx(float((DATA / "TOTENERGY.OUT").read_text().split()[-1]) * Hartree)
    assert found.version == "8.4.30"
    assert (found.loops, found.basis_size, found.k_points) == (11, 31, 6)
    assert found.fermi_energy == pytest.approx(0.932899, abs=1e-5)
    force = np.array([0.00195234, 0.00081848, 0.0]) * Hartree / Bohr
    assert found.forces == pytest.approx(np.array([force, -force]), abs=1e-8)
    assert found.warnings == []


def test_a_truncated_output_is_never_an_energy(tmp_path):
    folder = recorded(tmp_path)
    for name in ("INFO.OUT", "TOTENERGY.OUT"):
        whole = (DATA / name).read_text()
        # What is cut off last is a frame and blanks, without which all is said.
        for part in np.arange(0.0, 0.99, 0.01):
            (folder / name).write_text(whole[: int(part * len(whole.rstrip(" \n+-")))])
            with pytest.raises(EngineError) as caught:
                parse_output(folder, atoms=2, forces=True)
            assert caught.value.kind in ("crash", "scf")
        (folder / name).write_text(whole)
    assert parse_output(folder, atoms=2, forces=True).loops == 11


def test_an_unconverged_output_is_never_an_energy(tmp_path):
    folder = recorded(tmp_path)
    whole = (DATA / "INFO.OUT").read_text()
    (folder / "INFO.OUT").write_text(whole.replace("Convergence targets achieved", ""))
    with pytest.raises(EngineError, match="did not converge in 11 loops") as caught:
        parse_output(folder, atoms=2, forces=True)
    assert caught.value.kind == "scf"


@pytest.mark.parametrize("word", ["NaN", "************", "Infinity"])
def test_numbers_that_are_none_are_refused(tmp_path, word):
    folder = recorded(tmp_path)
    energy = (DATA / "TOTENERGY.OUT").read_text().split()[-1]
    for name in ("INFO.OUT", "TOTENERGY.OUT"):
        (folder / name).write_text((DATA / name).read_text().replace(energy, word))
    with pytest.raises(EngineError, match="cannot be read") as caught:
        parse_output(folder, atoms=2, forces=True)
    assert caught.value.kind == "crash"


def test_missing_forces_are_refused(tmp_path):
    with pytest.raises(EngineError, match="2 forces for 3 atoms"):
        parse_output(recorded(tmp_path), atoms=3, forces=True)
