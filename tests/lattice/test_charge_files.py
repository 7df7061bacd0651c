"""Files of charges and multipoles, laid upon the molecule by its geometry."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule as built
from scipy.spatial.transform import Rotation
from shared_data import shared

from genarris_fw.crystal import Molecule
from genarris_fw.errors import InputError
from genarris_fw.lattice.charges.electrostatics import Electrostatics, check_neutral
from genarris_fw.lattice.charges.files import FORMAT, read_charges, to_json, write_charges
from genarris_fw.lattice.charges.punch import element_of, parse_punch
from genarris_fw.lattice.charges.shells import shell_points
from genarris_fw.lattice.molecule.superposition import superposed
from genarris_fw.lattice.multipoles import BOHR, from_atomic_units

TURN = Rotation.from_rotvec([0.3, -1.1, 0.7]).as_matrix()
MIRROR = TURN @ np.diag([1.0, 1.0, -1.0])
SHIFT = np.array([3.0, -7.0, 11.0])

# The forms of GDMA's punch file and of DMACRYS' .dma, with numbers of our own.
GDMA = """\
! made up
Units angstrom
O_F1_1____   0.0  0.0  0.12  Rank 1
 -0.70
  0.10  0.0  0.0
H_F2_1____   0.0  0.76 -0.48  Rank 0
  0.35
H_F2_2____   0.0 -0.76 -0.48  Rank 0
  0.35D0

#ENDMOL
"""
DMACRYS = """\
!  made up

  1   O_F1_1____    0.000000  0.000000  0.226767    Next   2   Limit  1
  -0.700000
   0.100000   0.000000   0.000000

  2   H_F2_1____    0.000000  1.436192 -0.907069    Next   3   Limit  0
   0.350000

  3   H_F2_2____    0.000000 -1.436192 -0.907069    Next   0   Limit  0
   0.350000
"""
WATER = Molecule(["O", "H", "H"], [[0, 0, 0.12], [0, 0.76, -0.48], [0, -0.76, -0.48]])


def golden(name: str) -> tuple[Molecule, Electrostatics, list[dict]]:
    """The molecule of a golden case of DMACRYS with its multipoles."""
    sites = json.loads(shared(f"lattice/dmacrys/{name}").read_text())["molecule"]["sites"]
    places = np.array([site["position_bohr"] for site in sites]) * BOHR
    values = from_atomic_units([site["multipoles"]["components"] for site in sites])
    return Molecule([site["element"] for site in sites], places), Electrostatics(places, values), sites


def punch(sites: list[dict]) -> str:
    lines = ["! written by a test"]
    for site in sites:
        x, y, z = np.array(site["position_bohr"]) * BOHR
        values = site["multipoles"]["components"]
        lines.append(f"{site['label']} {x:14.10f} {y:14.10f} {z:14.10f}  Rank 4")
        lines += [
            " ".join(f"{v:.10f}" for v in values[i * i + j : min(i * i + j + 5, (i + 1) ** 2)])
            for i in range(5)
            for j in range(0, 2 * i + 1, 5)
        ]
    return "\n".join([*lines, "", "#ENDMOL", ""])


def dma(sites: list[dict]) -> str:
    lines = ["!  written by a test", ""]
    for number, site in enumerate(sites, 1):
        x, y, z = site["position_bohr"]
        following = 0 if number == len(sites) else number + 1
        lines.append(f"{number:3d}   {site['label']}  {x:.8f} {y:.8f} {z:.8f}    Next {following:3d}   Limit  4")
        for i in range(5):
            values = site["multipoles"]["components"][i * i : (i + 1) ** 2]
            lines += [" ".join(f"{v:.10f}" for v in values[j : j + 7]) for j in range(0, len(values), 7)]
        lines.append(" ")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "text", [GDMA, DMACRYS, GDMA.replace("Units angstrom\n", ""), GDMA.replace("  Rank", "\nRank")]
)
def test_all_forms_are_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "water.dma"
    path.write_text(text)
    found = read_charges(path, WATER)
    assert found.multipoles[:, 0] == pytest.approx([-0.7, 0.35, 0.35])
    assert found.multipoles[0, 1:] == pytest.approx([0.1 * BOHR, 0, 0], abs=1e-6)
    assert found.multipoles[1:, 1:] == pytest.approx(np.zeros((2, 3)))
    assert found.sites == pytest.approx(WATER.positions, abs=1e-5)
    assert found.method == "file water.dma"


def test_without_units_bohr_is_recognised_by_the_molecule(tmp_path: Path) -> None:
    in_bohr = GDMA.replace("Units angstrom\n", "").replace("0.76", "1.436192").replace("0.48", "0.907069")
    (tmp_path / "a.punch").write_text(in_bohr.replace("0.12 ", "0.226767 "))
    assert read_charges(tmp_path / "a.punch", WATER).sites == pytest.approx(WATER.positions, abs=1e-5)


@pytest.mark.parametrize("form", [punch, dma])
@pytest.mark.parametrize(
    "name", ["01.lem_fit_AXOSOW.json", "02.lem_will01_AXOSOW.json", "04.lem_custom_nospli_SOXLEX.json"]
)
def test_a_golden_case_laid_upon_its_molecule(tmp_path: Path, name: str, form) -> None:
    one, own, sites = golden(name)
    path = tmp_path / "golden.dma"
    path.write_text(form(sites))
    rng = np.random.default_rng(3)
    points = shell_points(one.species, one.positions)[::20]
    for matrix in (np.eye(3), TURN, MIRROR):
        order = rng.permutation(len(one))
        other = Molecule([one.species[i] for i in order], one.positions[order] @ matrix.T + SHIFT)
        found = read_charges(path, other)
        check_neutral(found)
        assert found.rank == 4
        assert np.abs(found.sites - other.positions).max() < 2e-3  # a flat molecule may be laid on its other side
        # kJ/mol per e: the same potential where the molecule was turned to.
        assert found.potential(points @ matrix.T + SHIFT) == pytest.approx(own.potential(points), abs=0.1)
        if form is punch and (matrix == np.eye(3)).all():
            assert found.potential(points + SHIFT) == pytest.approx(own.potential(points), abs=1e-3)


def test_hydrogens_stay_where_the_file_has_them(tmp_path: Path) -> None:
    one, _, sites = golden("02.lem_will01_AXOSOW.json")
    (tmp_path / "w99.dma").write_text(dma(sites))
    hydrogens = [i for i, name in enumerate(one.species) if name == "H"]
    nuclei = one.positions.copy()
    for i in hydrogens:
        distances = np.linalg.norm(one.positions - one.positions[i], axis=1)
        j = np.argsort(distances)[1]
        nuclei[i] += 0.1 * (one.positions[i] - one.positions[j]) / distances[j]
    found = read_charges(tmp_path / "w99.dma", Molecule(one.species, nuclei @ TURN.T))
    moved = np.linalg.norm(found.sites - nuclei @ TURN.T, axis=1)
    assert moved[hydrogens] == pytest.approx(np.full(len(hydrogens), 0.1), abs=5e-3)
    assert np.delete(moved, hydrogens).max() < 3e-3


def test_elements_of_labels() -> None:
    assert element_of("Cl01_1____", ["C", "Cl", "H"]) == "Cl"
    assert element_of("CL1", ["C", "Cl"]) == "Cl"
    assert element_of("C_F1_1____", ["C", "Cl"]) == "C"
    assert element_of("C1", ["C"]) == "C"
    assert element_of("X1", ["C", "H"]) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no multipoles"),
        ("C 0 0 0 Rank 0\nnonsense\n", "line 2: neither a site"),
        ("C 0 0 0 Rank 1\n 0.1 0.2\n", "site C has 2 multipoles, and rank 1 has 4"),
        ("C 0 0 0 Rank 5\n 0.1\n", "rank 5; at most 4"),
        (GDMA.replace("0.76", "0.99"), "none of its 1 molecules is H2O"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "bad.dma").write_text(text)
    with pytest.raises(InputError, match=words) as refused:
        read_charges(tmp_path / "bad.dma", WATER)
    assert "\n" not in str(refused.value) and "bad.dma" in str(refused.value)


def test_of_several_molecules_the_one_that_fits(tmp_path: Path) -> None:
    (tmp_path / "two.dma").write_text("C1 0 0 0 Rank 0\n 0.1\nO1 0 0 1.1 Rank 0\n -0.1\n#ENDMOL\n" + GDMA)
    assert len(parse_punch((tmp_path / "two.dma").read_text(), "two")) == 2
    assert len(read_charges(tmp_path / "two.dma", WATER).sites) == 3


@pytest.mark.parametrize("matrix", [np.eye(3), TURN, MIRROR])
def test_json_comes_back(tmp_path: Path, matrix: np.ndarray) -> None:
    atoms = built("CH3CONH2")
    one = Molecule(atoms.get_chemical_symbols(), atoms.positions)
    rng = np.random.default_rng(4)
    values = rng.normal(size=(12, 9))
    values[:, 0] -= values[:, 0].mean()
    own = Electrostatics(np.concatenate([one.positions, rng.normal(size=(3, 3))]), values, 0.5, "a method")
    write_charges(tmp_path / "charges.json", one, own)
    order = rng.permutation(len(one))
    other = Molecule([one.species[i] for i in order], one.positions[order] @ matrix.T + SHIFT)
    found = read_charges(tmp_path / "charges.json", other)
    assert (found.error, found.method, found.rank) == (0.5, "a method", 2)
    assert found.sites[:9] == pytest.approx(other.positions, abs=1e-6)
    points = shell_points(one.species, one.positions)[::20]
    assert found.potential(points @ matrix.T + SHIFT) == pytest.approx(own.potential(points), rel=1e-6, abs=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "other"}, "expected a json file with"),
        ({"version": 2}, "version 2 of the format"),
        ({"sites": [[0, 0, 0]]}, "do not fit together"),
        ({"multipoles": [[-0.7], [0.35], ["x"]]}, "could not convert"),
        ({"multipoles": [[-0.7], [0.35], [0.45]]}, "sum to"),
        ({"species": ["O", "H", "F"]}, "is not H2O"),
        ({"positions": None}, "charges.json"),
    ],
)
def test_json_that_cannot_be_used(tmp_path: Path, change: dict, words: str) -> None:
    record = to_json(WATER, Electrostatics(WATER.positions, [-0.7, 0.35, 0.35]))
    assert record["format"] == FORMAT
    (tmp_path / "charges.json").write_text(json.dumps(record | change))
    with pytest.raises(InputError, match=words) as refused:
        read_charges(tmp_path / "charges.json", WATER)
    assert "\n" not in str(refused.value)


def test_missing_and_broken_files(tmp_path: Path) -> None:
    for name in ("none.json", "none.dma"):
        with pytest.raises(InputError, match="cannot be read"):
            read_charges(tmp_path / name, WATER)
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(InputError, match="no json"):
        read_charges(tmp_path / "broken.json", WATER)


def test_superpositions() -> None:
    chiral = Molecule(
        ["C", "H", "F", "Cl", "Br"],
        [[0, 0, 0], [0, 0, 1.1], [1.3, 0, -0.4], [-0.8, 1.5, -0.5], [-0.9, -1.6, -0.6]],
    )
    for matrix in (TURN, MIRROR):
        found = superposed(chiral, Molecule(chiral.species, chiral.positions @ matrix.T + SHIFT))
        assert found is not None and found.deviation < 1e-9
        assert found.rotation == pytest.approx(matrix.T)
    for name in ("CO2", "C6H6", "H2O", "N2", "C60"):
        atoms = built(name)
        one = Molecule(atoms.get_chemical_symbols(), atoms.positions)
        order = np.random.default_rng(5).permutation(len(one))
        other = Molecule([one.species[i] for i in order], one.positions[order] @ TURN.T + SHIFT)
        found = superposed(one, other)
        assert found is not None and found.deviation < 1e-9
        assert other.positions[found.order] @ found.rotation.T + found.shift == pytest.approx(one.positions, abs=1e-8)
        assert np.linalg.det(found.rotation) == pytest.approx(1.0)
    assert superposed(WATER, Molecule(["O", "H", "F"], WATER.positions)) is None
    assert superposed(WATER, Molecule(WATER.species, 1.2 * WATER.positions)) is None
    assert superposed(Molecule(["Ar"], [[0, 0, 0]]), Molecule(["Ar"], [[1, 2, 3]])) is not None
