"""The measured crystal among those of a pool: found whatever it is written like, and what has to be said of it."""

import numpy as np
import pytest
from planted import pool, turned

from genarris_fw.comparing import experiment as reading
from genarris_fw.comparing.experiment import Experiment, common_form, of_crystal, read_experiment, without_hydrogens
from genarris_fw.comparing.pool import BATCH, compare_pool
from genarris_fw.crystal import Structure, niggli_reduce, write
from genarris_fw.errors import InputError

NAMES = ["glycine", "urea", "benzene", "CO2", "chiral"]
OTHER_CELL = [[1, 0, 0], [1, 1, 0], [-1, 2, 1]]


def named(name: str) -> list[Structure]:
    crystals = [one.copy() for one in pool(name, 14, 10) + pool(name, 19, 10)]
    for number, one in enumerate(crystals):
        one.struct_id = f"crystal_{number}"
    return crystals


def with_hydrogens_moved(crystal: Structure, rng: np.random.Generator) -> Structure:
    """As X-rays see them: 0.15 Å from where they are."""
    other = crystal.copy()
    rows = [k for k, name in enumerate(crystal.species) if name == "H"]
    away = rng.normal(size=(len(rows), 3))
    other.positions[rows] += 0.15 * away / np.linalg.norm(away, axis=1, keepdims=True)
    return other


def without_some(crystal: Structure, rng: np.random.Generator) -> Structure:
    """Half of the hydrogens of every molecule missing."""
    size = int(crystal.properties["number_of_atoms_in_molecule"])
    hydrogens = [k for k in range(size) if crystal.species[k] == "H"]
    gone = set(hydrogens[: len(hydrogens) // 2 + 1])
    kept = [k for k in range(len(crystal)) if k % size not in gone]
    return Structure(crystal.cell, [crystal.species[k] for k in kept], crystal.positions[kept])


def niggli(crystal: Structure, rng: np.random.Generator) -> Structure:
    return niggli_reduce(crystal, int(crystal.properties["Z"]))


WORDS = {
    "turned": lambda one, rng: turned(one, rng, 0.02),
    "mirrored": lambda one, rng: turned(one, rng, 0.02, mirror=True),
    "niggli": niggli,
    "other cell": lambda one, rng: turned(one, rng, 0.02, cell=OTHER_CELL, by_molecule=False),
    "supercell": lambda one, rng: turned(one, rng, 0.01, repeat=(1, 2, 1)),
    "noise": lambda one, rng: turned(one, rng, 0.05),
    "hydrogens moved": lambda one, rng: turned(with_hydrogens_moved(one, rng), rng),
    "no hydrogens": lambda one, rng: without_hydrogens(turned(one, rng, 0.02)),
    "some hydrogens": without_some,
    "everything": lambda one, rng: turned(
        with_hydrogens_moved(one, rng), rng, 0.02, True, OTHER_CELL, (2, 1, 1), by_molecule=False
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_planted_crystals_are_found(name: str) -> None:
    """Two in each of ten words, of five molecules: 100 of 100."""
    crystals, rng = named(name), np.random.default_rng(5)
    missed = []
    for words, change in WORDS.items():
        for planted in rng.choice(len(crystals), 2, replace=False):
            found = compare_pool(crystals, change(crystals[planted], rng), nearest=1).found
            if found is None or found.index != planted:
                missed.append((words, planted, found))
    assert missed == []


def test_what_is_not_there_is_not_found() -> None:
    crystals = named("glycine")
    experiment = crystals.pop(3)
    found = compare_pool(crystals, experiment)
    assert found.found is None and found.matching == 0 and len(found.nearest) == 5
    assert [one.matched for one in found.nearest] == sorted((one.matched for one in found.nearest), reverse=True)
    most = found.nearest[0].matched
    assert found.words == f"not among them (the nearest has {most} of 15 molecules in place)"
    summary = found.summary()
    assert not summary["found"] and "structure" not in summary
    assert summary["nearest"][0]["struct_id"] == found.nearest[0].struct_id


def test_ranks_and_energies() -> None:
    crystals = named("urea")
    energies: list[float | None] = [-80.0 - one.density for one in crystals]
    energies[4] = None
    planted = 7
    found = compare_pool(crystals, turned(crystals[planted], np.random.default_rng(1), 0.02), energies=energies)
    one = found.found
    assert one is not None and one.struct_id == "crystal_7" and found.energies == len(crystals) - 1
    known = [value for value in energies if value is not None]
    assert one.rank == 1 + sum(value < known[planted - 1] for value in known)
    assert one.above_lowest == pytest.approx(energies[planted] - min(known))
    assert one.rank_density == 1 + sum(other.density > crystals[planted].density for other in crystals)
    assert one.powder == pytest.approx(1, abs=0.01) and one.powder_variable_cell >= one.powder
    summary = found.summary()
    assert [row.pop("struct_id") for row in summary.pop("nearest")] == [other.struct_id for other in found.nearest]
    assert summary == {
        "words": found.words,
        "found": True,
        "structure": "crystal_7",
        "rank": one.rank,
        "above_lowest": one.above_lowest,
        "rank_density": one.rank_density,
        "rmsd": one.rmsd,
        "molecules": 15,
        "of": 15,
        "structures": len(crystals),
        "matching": 1,
        "powder": one.powder,
        "powder_variable_cell": one.powder_variable_cell,
        "remarks": list(found.remarks),
    }
    above = f"{one.above_lowest:.2f} kJ/mol above the lowest"
    assert found.words == f"rank {one.rank}, {above}, RMSD_15 {one.rmsd:.2f} Å"


def test_without_energies_the_rank_is_by_density() -> None:
    crystals = named("urea")
    found = compare_pool(crystals, crystals[0], nearest=2)
    assert found.energies == 0 and found.found is not None
    assert (found.found.rank, found.found.above_lowest) == (None, None)
    assert found.words.startswith(f"rank {found.found.rank_density} by density, RMSD_15 ")


def test_a_large_pool_is_not_held_in_memory() -> None:
    crystals = named("chiral")
    alive: list[int] = []

    def endless():
        for number in range(2 * BATCH + 10):
            alive.append(number)
            yield crystals[number % len(crystals)]

    told: list[int] = []
    found = compare_pool(endless(), crystals[3], nearest=3, watch=told.append)
    assert told == [BATCH, 2 * BATCH, 2 * BATCH + 10] and found.structures == 2 * BATCH + 10
    assert found.matching == len([number for number in alive if number % len(crystals) == 3])
    assert [one.index for one in found.nearest] == [3, 3 + len(crystals), 3 + 2 * len(crystals)]


def test_missing_and_other_hydrogens_are_said() -> None:
    crystals = named("urea")
    bare = compare_pool(crystals, without_hydrogens(crystals[2]))
    assert bare.found is not None and bare.found.index == 2
    assert "it has no hydrogens: compared by the other atoms" in bare.remarks
    rng = np.random.default_rng(0)
    some = compare_pool(crystals, without_some(crystals[2], rng))
    assert some.found is not None and some.found.index == 2
    assert any(
        "its hydrogens are not those of the pool (CHN2O here, CH4N2O there)" in remark for remark in some.remarks
    )


def test_a_proton_at_another_place_is_said() -> None:
    crystals = named("glycine")  # the neutral molecule, or the zwitterion: the other one is made of it
    crystal = crystals[1].copy()
    size = int(crystal.properties["number_of_atoms_in_molecule"])
    names = crystal.species[:size]

    def near(points: np.ndarray, atom: int, element: str) -> list[int]:
        away = np.linalg.norm(points - points[atom], axis=1)
        return [k for k in np.argsort(away) if names[k] == element and 0 < away[k] < 1.4]

    for first in range(0, len(crystal), size):
        points = crystal.positions[first : first + size]
        nitrogen = names.index("N")
        oxygen = next(k for k in range(size) if names[k] == "O" and not near(points, k, "H"))
        moving = near(points, nitrogen, "H")[0]
        carbon = near(points, oxygen, "C")[0]
        away = points[oxygen] - points[carbon]
        points[moving] = points[oxygen] + away / np.linalg.norm(away)
    del crystal.properties["number_of_atoms_in_molecule"]
    found = compare_pool(crystals, crystal)
    assert found.found is not None and found.found.index == 1
    assert any("bonded to other atoms than those of the pool" in remark for remark in found.remarks)


def test_several_independent_molecules_are_said() -> None:
    rng = np.random.default_rng(3)
    crystals = named("chiral")
    apart = turned(crystals[5], rng, 0.05)  # no symmetry is left
    [remark] = of_crystal(apart).remarks
    assert remark == "Z' = 4: 4 independent molecules, each taken as the middle of a cluster"
    assert of_crystal(crystals[5]).remarks == ()
    assert compare_pool(crystals, apart).remarks == (remark,)
    assert reading.independent_molecules(crystals[5]) == (1, 1.0)


def test_other_compounds_are_refused_with_both_formulas() -> None:
    with pytest.raises(InputError) as refused:
        compare_pool(named("urea"), pool("benzene")[0], pool="pool 'raw'")
    words = "the experiment is of C6H6, pool 'raw' is of CH4N2O: they cannot be compared"
    assert str(refused.value).startswith(words)


def test_a_solvate_is_refused() -> None:
    crystals = named("urea")
    crystal = crystals[0]
    corner = crystal.positions.mean(axis=0) + 0.5 * crystal.cell.sum(axis=0)
    water = corner + np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    big = 1.6 * crystal.cell
    hydrate = Structure(big, [*crystal.species, "O", "H", "H"], np.concatenate([crystal.positions, water]))
    with pytest.raises(InputError, match="is of a hydrate: 4 CH4N2O and 1 H2O, the pool is of CH4N2O"):
        common_form(Experiment(hydrate), crystal)


def test_an_isomer_is_refused() -> None:
    urea = pool("urea")[0]
    # Ammonium cyanate, C-N-O in a row: the same atoms, bonded in another way.
    line = np.array([[0, 0, 0], [1.2, 0, 0], [2.4, 0, 0], [1.2, 3.2, 0]])
    hydrogens = line[3] + np.array([[0.6, 0.6, 0.6], [-0.6, -0.6, 0.6], [0.6, -0.6, -0.6], [-0.6, 0.6, -0.6]])
    isomer = Structure(np.diag([8.0, 8.0, 8.0]), ["O", "C", "N", "N", *"HHHH"], np.concatenate([line, hydrogens]))
    with pytest.raises(InputError, match="cannot be compared"):
        common_form(Experiment(isomer), urea)


@pytest.mark.parametrize(
    ("structures", "energies", "words"),
    [
        ([], None, "the pool has no structures to compare the experiment with"),
        (["urea"], [1.0, 2.0], "there are 1 structures and 2 energies"),
        (["a molecule"], None, "holds molecules, not crystals"),
    ],
)
def test_what_cannot_be_compared(structures: list[str], energies: list[float] | None, words: str) -> None:
    urea = pool("urea")[0]
    size = int(urea.properties["number_of_atoms_in_molecule"])
    known = {"urea": urea, "a molecule": Structure(None, urea.species[:size], urea.positions[:size])}
    with pytest.raises(InputError, match=words):
        compare_pool([known[name] for name in structures], urea, energies=energies)


def test_torn_and_other_structures_are_left_out_and_said() -> None:
    crystals = named("urea")
    crystals[3] = Structure(2 * crystals[3].cell, crystals[3].species, 2 * crystals[3].positions)  # no bonds are left
    crystals[4] = pool("benzene")[0]
    found = compare_pool(crystals, crystals[0])
    assert found.found is not None and found.found.index == 0
    assert "2 of 20 structures are of other molecules, or bonded otherwise: not compared" in found.remarks


def test_disorder_is_read_by_its_largest_part_and_said(tmp_path) -> None:
    crystals = named("urea")
    [file] = write(crystals[0], tmp_path, "cif")
    lines = file.read_text().splitlines()
    last = max(k for k, line in enumerate(lines) if line.split()[1:2] == ["H"])
    label, element, *_, x, y, z, _ = lines[last].split()
    shifted = f"{label}B {element} 1 {float(x) + 0.03:.6f} {y} {z} 0.3"
    lines[last] = lines[last].rsplit(" ", 1)[0] + " 0.7"
    file.write_text("\n".join([*lines[: last + 1], shifted, *lines[last + 1 :]]) + "\n")
    experiment = read_experiment(file)
    assert any("the largest part is taken" in remark for remark in experiment.remarks)
    found = compare_pool(crystals, experiment)
    assert found.found is not None and found.found.index == 0 and found.remarks == experiment.remarks


def test_files_that_hold_no_one_crystal(tmp_path) -> None:
    crystals = named("urea")
    several = tmp_path / "several.cif"
    texts = [write(one, tmp_path, "cif")[0].read_text() for one in crystals[:2]]
    several.write_text("".join(texts))
    with pytest.raises(InputError, match="holds 2 crystals; say which one \\(--record 1 to 2\\)"):
        read_experiment(several)
    assert read_experiment(several, 2).crystal.cell_volume == pytest.approx(crystals[1].cell_volume, rel=1e-5)
    molecule = tmp_path / "molecule.xyz"
    molecule.write_text("1\n\nAr 0 0 0\n")
    with pytest.raises(InputError, match="holds a structure without a cell"):
        read_experiment(molecule)


def test_what_resembles_the_experiment_is_not_it() -> None:
    """Chains of molecules that are bonded alike, packed in another way: neighbours at right centres are not enough."""
    crystals = named("aspirin")
    for number in (0, 4, 13):
        found = compare_pool(crystals, turned(crystals[number], np.random.default_rng(2), 0.02), nearest=3)
        assert found.found is not None and found.found.index == number and found.matching == 1
        assert all(one.rmsd is None or one.rmsd < 1.2 for one in found.nearest)
