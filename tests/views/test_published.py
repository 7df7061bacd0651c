"""The published calculations that a cluster is verified with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from shared_data import shared

from genarris_fw.crystal.formats.geometry_in import parse_geometry_in
from genarris_fw.engines.aims.output import parse_output, repeated_input
from genarris_fw.trials.published import Case, other_settings, published

PLACES = {
    "molecule": "molecule",
    "geometry_00c3602574": "scf/geometry_00c3602574",
    "geometry_1d32b19e61": "scf/geometry_1d32b19e61",
    "geometry_1f0f30abd3": "relaxation/geometry_1f0f30abd3",
}
SCF = """
xc pbe
vdw_correction_hirshfeld
k_grid 3 3 3
spin none
charge 0
occupation_type gaussian 1d-2
sc_accuracy_rho 1E-4
sc_accuracy_eev 0.01
sc_accuracy_etot 1e-6   # comments, order, layout and mixing do not matter
mixer pulay
  charge_mix_param 0.05
species X
  nucleus 1
"""


def test_every_case_is_there() -> None:
    assert [case.name for case in published().cases] == list(PLACES)
    assert {case.control for case in published().cases} == set(published().controls)


@pytest.mark.parametrize("case", published().cases, ids=lambda case: case.name)
def test_a_case_is_what_the_published_output_says(case: Case) -> None:
    folder = shared("benzene_tutorial") / "aims" / PLACES[case.name]
    output = parse_output(folder / "aims.out")
    text = repeated_input((folder / "aims.out").read_text(), "geometry.in") or ""
    sent = parse_geometry_in(
        [line for line in text.splitlines() if line.strip().startswith(("atom", "lattice_vector"))], "aims.out"
    )
    assert (case.energy, case.seconds, published().version) == (output.energy, output.seconds, output.version)
    assert case.relax == (output.relaxation_converged is not None)
    assert case.structure.species == sent.species and len(sent) == 12 * case.molecules
    assert np.allclose(case.structure.positions, sent.positions, atol=1e-9)
    if sent.lattice is None:
        assert case.structure.lattice is None
    else:
        assert np.allclose(case.structure.lattice, sent.lattice, atol=1e-9)


@pytest.mark.parametrize("case", published().cases, ids=lambda case: case.name)
def test_the_published_control_files_do_not_differ_from_themselves(case: Case) -> None:
    path: Path = shared("benzene_tutorial") / "aims" / PLACES[case.name] / "control.in"
    assert other_settings(path.read_text(), case.control) == ([], [])


def test_what_changes_no_energy_is_no_difference() -> None:
    assert other_settings(SCF, "control_scf.in") == ([], [])
    # The published version took this where nothing was said, and warned.
    assert other_settings("relativistic none\n" + SCF, "control_scf.in") == ([], [])


def test_other_settings_are_named() -> None:
    text = SCF.replace("xc pbe", "xc pbe0").replace("k_grid 3 3 3\n", "") + "relativistic atomic_zora scalar\n"
    more, lacking = other_settings(text, "control_scf.in")
    assert more == ["relativistic atomic_zora scalar", "xc pbe0"]
    assert lacking == ["k_grid 3.0 3.0 3.0", "xc pbe"]
