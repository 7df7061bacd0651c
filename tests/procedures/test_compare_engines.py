"""Compare_Engines: differences of relative energies, what is refused, and equations of state."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from in_process import InProcess, waters
from scipy.stats import kendalltau

from genarris_fw.crystal import Structure
from genarris_fw.energetics.equation_of_state import EquationOfState, delta, wien2k
from genarris_fw.units import KJ_PER_MOL_PER_EV

LJ = {"sigma": 2.28, "epsilon": 0.4, "rc": 6.0}
TWO_ENGINES = f"""\
[Genarris_master]
procedures = ["FHI_Aims_Energy_Evaluation", "Run_LAPW_Batch", "Compare_Engines"]
run_name = two
max_attempts = 1
[fhi_aims_energy_evaluation]
structure_dir = raw
Z = 4
engine = ase
calculator = ase.calculators.emt:EMT
[run_lapw_batch]
engine = ase
calculator = ase.calculators.lj:LennardJones
calculator_settings = {LJ}
"""
COMPARE = """\
[Genarris_master]
procedures = ["Compare_Engines"]
run_name = comparison
[compare_engines]
structure_dir = raw
{options}
"""


def distorted(number: int) -> list[Structure]:
    found = []
    for i in range(number):
        atoms = bulk("Cu", "fcc", 3.61 + 0.01 * i, cubic=True)
        atoms.rattle(0.08, seed=i)
        found.append(Structure.from_ase(atoms, f"cu_{i:02d}"))
    return found


def per_molecule(pool: list[Structure], calculator: object) -> np.ndarray:
    energies = []
    for structure in pool:
        atoms = structure.to_ase()
        atoms.calc = calculator
        energies.append(atoms.get_potential_energy() / 4 * KJ_PER_MOL_PER_EV)
    return np.array(energies)


def test_two_engines(in_process: InProcess) -> None:
    pool = distorted(8)
    in_process.write_pool(pool)
    record = in_process.run(TWO_ENGINES)
    assert record["state"] == "finished", record.get("failure")
    summary = record["summaries"]["compare_engines"]
    emt, lj = per_molecule(pool, EMT()), per_molecule(pool, LennardJones(**LJ))
    differences = (lj - lj.mean()) - (emt - emt.mean())
    assert summary["structures"] == 8 and summary["without_both"] == 0
    assert summary["energy_names"] == ["energy", "lapw_energy"]
    assert "EMT" in summary["sources"][0] and "LennardJones" in summary["sources"][1]
    assert summary["root_mean_square"] == pytest.approx(np.std(differences), abs=1e-6)
    assert summary["largest"] == pytest.approx(np.abs(differences).max(), abs=1e-6)
    assert summary["kendall_tau"] == pytest.approx(kendalltau(emt, lj).statistic)
    assert summary["lowest"] == [pool[int(emt.argmin())].struct_id, pool[int(lj.argmin())].struct_id]
    assert summary["rank_of_lowest"] == 1 + sorted(emt).index(emt[lj.argmin()])
    folder = in_process.folder / "compare_engines"
    with (folder / "energies.csv").open(encoding="utf-8") as file:
        rows = {row["struct_id"]: row for row in csv.DictReader(file)}
    for i, structure in enumerate(pool):
        row = rows[structure.struct_id]
        assert float(row["energy relative to the lowest (kJ/mol per molecule)"]) == pytest.approx(
            emt[i] - emt.min(), abs=1e-3
        )
        assert float(row["difference (kJ/mol per molecule)"]) == pytest.approx(differences[i], abs=1e-3)
    assert (folder / "energies.png").stat().st_size > 5000
    # The pool is what it was, and no structure has an energy of both.
    assert {tuple(d["energies"]) for d in in_process.database.structures.find()} == {("energy", "lapw_energy")}


@pytest.mark.parametrize(("epsilon", "warned"), [(LJ["epsilon"], True), (2 * LJ["epsilon"], False)])
def test_one_engine_with_two_settings_is_no_comparison_with_itself(
    in_process: InProcess, epsilon: float, warned: bool
) -> None:
    in_process.write_pool(distorted(3))
    settings = {**LJ, "epsilon": epsilon}
    first = f"calculator = ase.calculators.lj:LennardJones\ncalculator_settings = {settings}"
    record = in_process.run(TWO_ENGINES.replace("calculator = ase.calculators.emt:EMT", first))
    assert record["state"] == "finished", record.get("failure")
    said = "".join(path.read_text() for path in (in_process.folder / "logs").glob("*.log"))
    assert ("both energies come from one engine with the same settings" in said) is warned


def imported(energies: dict[str, tuple[float, ...]], number: int = 4) -> list[Structure]:
    pool = waters(number)
    for i, structure in enumerate(pool):
        structure.properties |= {name: values[i] for name, values in energies.items() if i < len(values)}
    return pool


def test_imported_energies_and_those_without(in_process: InProcess) -> None:
    in_process.write_pool(imported({"one": (0.0, 0.2, 0.4, 0.6), "other": (0.0, 0.1, 0.4)}))
    record = in_process.run(COMPARE.format(options='energy_names = ["one", "other"]'))
    assert record["state"] == "finished", record.get("failure")
    summary = record["summaries"]["compare_engines"]
    assert summary["structures"] == 3 and summary["without_both"] == 1
    assert summary["sources"] == ["a file", "a file"] and summary["kendall_tau"] == 1.0
    # Z = 2: 0, 0.1, 0.2 and 0, 0.05, 0.2 eV per molecule, less their means: 0.1 and 0.25 / 3.
    expected = (np.array([0.0, 0.05, 0.2]) - 0.25 / 3) - (np.array([0.0, 0.1, 0.2]) - 0.1)
    assert summary["largest"] == pytest.approx(np.abs(expected).max() * KJ_PER_MOL_PER_EV)


def test_three_energies_side_by_side_with_error_bars(in_process: InProcess) -> None:
    """Z = 2. What the spread of the three does not decide has a range of ranks."""
    energies = {"one": (0.0, 0.2, 0.4, 0.6), "other": (5.0, 5.3, 5.2, 5.7), "third": (0.0, 0.1, 0.5, 0.5)}
    in_process.write_pool(imported(energies))
    options = 'energy_names = ["one", "other", "third"]\nleast_error = {0}'
    record = in_process.run(COMPARE.format(options=options.format(0.5)))
    assert record["state"] == "finished", record.get("failure")
    summary = record["summaries"]["compare_engines"]
    assert summary["energy_names"] == ["one", "other", "third"] and summary["sources"] == ["a file"] * 3
    assert set(summary["others"]) == {"other"} and summary["lowest"] == ["water_0000", "water_0000"]
    assert summary["lowest_of_mean"] == "water_0000" and summary["undecided"] == 0
    assert [row["rank"] for row in summary["side_by_side"]] == ["1", "2-3", "2-4", "3-4"]
    assert summary["side_by_side"][1]["relative"] == pytest.approx([x * KJ_PER_MOL_PER_EV for x in (0.1, 0.15, 0.05)])
    per_molecule = np.array(list(energies.values())) / 2 * KJ_PER_MOL_PER_EV
    relative = per_molecule - per_molecule[:, [0]]
    folder = in_process.folder / "compare_engines"
    with (folder / "energies.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    unit = "(kJ/mol per molecule)"
    assert [row["struct_id"] for row in rows] == [f"water_000{i}" for i in range(4)]
    for i, row in enumerate(rows):
        assert float(row[f"mean {unit}"]) == pytest.approx(relative[:, i].mean(), abs=1e-3)
        bar = max(0.5, np.std(relative[:, i], ddof=1)) if i else 0.0
        assert float(row[f"error bar {unit}"]) == pytest.approx(bar, abs=1e-3)
        assert float(row[f"other relative to the lowest {unit}"]) == pytest.approx(relative[1, i], abs=1e-3)
    # Of a cell: the third less the second 0.2, -0.1 and 0.4 eV, on the mean 0.17 with a spread of 0.25; the fourth less
    # the third 0.2, 0.5 and 0, 0.23 with 0.25; the fourth less the second 0.4 by all.
    assert [row["rank"] for row in rows] == ["1", "2-3", "2-4", "3-4"]
    assert (folder / "energies.png").is_file() and (folder / "energies_other.png").is_file()


@pytest.mark.parametrize(
    ("energies", "words"),
    [
        ({"one": (1.0, 2.0, 3.0, 4.0)}, "0 of 4 structures have both energies, 'one' and 'other'"),
        ({"one": (1.0, 2.0, 3.0, 4.0), "other": (1.0,)}, "1 of 4 structures have both energies"),
    ],
)
def test_too_few(in_process: InProcess, energies: dict, words: str) -> None:
    pool = imported(energies)
    for structure in pool:
        structure.properties.pop("energy")
    in_process.write_pool(pool)
    record = in_process.run(COMPARE.format(options='energy_names = ["one", "other"]'))
    assert record["state"] == "failed" and words in record["failure"] and "\n" not in record["failure"]


def test_one_name_of_two_engines_is_refused(in_process: InProcess) -> None:
    """What EMT cannot compute keeps the energy that came with its file: the two are not to be compared."""
    pool = [*distorted(3), Structure.from_ase(bulk("Si", "diamond", 5.43, cubic=True), "si", {"Z": 8})]
    for i, structure in enumerate(pool):
        structure.properties |= {"energy": -1.0 - i, "other": float(i)}
    in_process.write_pool(pool)
    record = in_process.run(
        TWO_ENGINES.replace('"Run_LAPW_Batch", ', "")
        + '[compare_engines]\nstructure_dir = raw\nenergy_names = ["energy", "other"]\n'
    )
    assert record["state"] == "failed"
    assert "the energies 'energy' of these structures are not to be compared: 3 by ase (ase " in record["failure"]
    assert "1 by a file" in record["failure"]


def test_two_compositions_are_refused(in_process: InProcess) -> None:
    pool = imported({"other": (0.0, 0.1, 0.4, 0.5)})
    pool[2].species[0] = "S"
    in_process.write_pool(pool)
    record = in_process.run(COMPARE.format(options='energy_names = ["energy", "other"]'))
    assert record["state"] == "failed"
    assert (
        "one composition per molecule, and these differ: water_0000 (H 2 O 1), water_0002 (H 2 O 0.5 S 0.5)"
        in (record["failure"])
    )


CURVES = """\
[Genarris_master]
procedures = ["LAPW_Equation_Of_State", "LAPW_Equation_Of_State", "Compare_Engines"]
run_name = curves
[lapw_equation_of_state]
structure_dir = raw
engine = ase
calculator = ase.calculators.emt:EMT
[lapw_equation_of_state_2]
calculator = ase.calculators.lj:LennardJones
calculator_settings = {"sigma": 2.31, "epsilon": 0.4, "rc": 7.0}
"""


def test_delta_of_two_engines_and_of_each_with_wien2k(in_process: InProcess) -> None:
    in_process.write_pool([Structure.from_ase(bulk("Cu", "fcc", 3.6), "cu")])
    record = in_process.run(CURVES)
    assert record["state"] == "finished", record.get("failure")
    [document] = in_process.database.structures.find()
    one, other = (
        EquationOfState(*(document["properties"][name][k] for k in ("V0", "E0", "B0", "B1")))
        for name in ("eos", "eos_2")
    )
    summary = record["summaries"]["compare_engines"]
    found = {(row["first"], row["second"]): row["delta"] for row in summary["deltas"]}
    reference = "WIEN2k PBE (Delta project)"
    assert found == {
        ("eos", "eos_2"): pytest.approx(delta(one, other)),
        ("eos", reference): pytest.approx(delta(one, wien2k("Cu"))),
        ("eos_2", reference): pytest.approx(delta(other, wien2k("Cu"))),
    }
    assert summary["mean_delta_wien2k"] == pytest.approx((found["eos", reference] + found["eos_2", reference]) / 2)
    assert "root_mean_square" not in summary
    folder = in_process.folder / "compare_engines"
    assert len((folder / "delta.csv").read_text().splitlines()) == 4
    assert (folder / "eos_cu.png").stat().st_size > 5000
