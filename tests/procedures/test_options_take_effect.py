"""Options that a run must not ignore: each is set away from its default, and what comes out of the run shows it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from generation_molecules import DATA, stored
from in_process import InProcess, waters

from genarris_fw.clustering import affinity_propagation
from genarris_fw.crystal import read
from genarris_fw.descriptors import distance_matrix, rdf
from genarris_fw.engines.base import Evaluation
from genarris_fw.generation import ContactRules, check_contacts, cutoff_matrix, volume_estimate
from genarris_fw.procedures.estimate_unit_cell_volume import estimate
from genarris_fw.procedures.kit.energies import energy_outcome, energy_properties, energy_record
from genarris_fw.procedures.kit.generation_plan import GenerationPlan
from genarris_fw.procedures.options.estimate_unit_cell_volume import EstimateUnitCellVolumeOptions
from genarris_fw.procedures.options.pygenarris_structure_generation import PygenarrisStructureGenerationOptions
from genarris_fw.units import KJ_PER_MOL_PER_EV

CONF = """\
[Genarris_master]
procedures = {procedures}
run_name = gly
seed = 11
[pygenarris_structure_generation]
molecule_path = glycine.in
Z = 4
generation_mode = packing
output_dir = raw
{more}
"""
GENERATED = '["Pygenarris_Structure_Generation"]'


def run(farm: InProcess, more: str, procedures: str = GENERATED) -> dict:
    (farm.folder / "glycine.in").write_text((DATA / "generation_glycine.in").read_text())
    record = farm.run(CONF.format(procedures=procedures, more=more))
    assert record["state"] == "finished", record.get("failure")
    return record


def test_the_pool_is_cut_to_the_number_asked_for(in_process: InProcess) -> None:
    more = "space_groups = [14, 19, 29, 33]\nnum_structures = 9\nvolume_mean = 380\nvolume_std = 10\n"
    record = run(in_process, more + "truncate_to_num_structures = True")
    # Three of each group would be twelve; which are kept is drawn by lot over all of them.
    assert record["summaries"]["pygenarris_structure_generation"]["structures"] == 9
    kept = list(in_process.database.structures.find({"pools": "raw"}))
    assert len(kept) == 9 and len(list((in_process.folder / "raw").glob("*.json"))) == 9
    assert {document["properties"]["attempted_spg"] for document in kept} == {14, 19, 29, 33}


def test_without_that_every_group_keeps_its_own(in_process: InProcess) -> None:
    record = run(in_process, "space_groups = [14, 19]\nnum_structures = 3\nvolume_mean = 380\nvolume_std = 10\n")
    assert record["summaries"]["pygenarris_structure_generation"]["structures"] == 4


def test_contact_rules_and_pairs_decide_what_is_too_close(in_process: InProcess) -> None:
    more = "space_groups = [14, 19]\nnum_structures = 8\nvolume_mean = 420\nvolume_std = 10\nsr = 0.8\n"
    run(in_process, more + 'contact_rules = vdw\ncustom_radii = {"C": 1.9}\ncustom_radii_by_pairs = {"C-O": 3.2}')
    glycine = stored("glycine")
    cutoffs = cutoff_matrix(glycine, 0.8, ContactRules("vdw", {"C": 1.9}, {"C-O": 3.2}))
    assert np.loadtxt(in_process.folder / "cutoff_matrix") == pytest.approx(np.tile(cutoffs, (4, 4)))
    structures = [read(path)[0] for path in (in_process.folder / "raw").glob("*.json")]
    assert len(structures) == 8
    rules = ContactRules("vdw", {"C": 1.9}, {"C-O": 3.2})
    assert min(check_contacts(structure, 0.8, rules=rules) for structure in structures) > 0


def test_the_press_keeps_the_fraction_and_the_rules_it_is_given(in_process: InProcess) -> None:
    more = "space_groups = [14, 19]\nnum_structures = 4\nvolume_mean = 480\nvolume_std = 10\nsr = 0.85\n"
    more += '[rigid_press]\nsr = 1.0\ncustom_radii_by_pairs = {"O-H": 2.5}\noutput_dir = pressed'
    run(in_process, more, '["Pygenarris_Structure_Generation", "Rigid_Press"]')
    structures = [read(path)[0] for path in (in_process.folder / "pressed").glob("*.json")]
    assert len(structures) == 4
    rules = ContactRules(pairs={"O-H": 2.5})
    for structure in structures:
        # Pressed until they touch: no closer than asked for, and not much farther.
        assert 0 < check_contacts(structure, 1.0, rules=rules) < 0.3


def options(**given: object) -> EstimateUnitCellVolumeOptions:
    return EstimateUnitCellVolumeOptions.resolved({"Z": 4, **given})


def campaign(**given: object) -> SimpleNamespace:
    generation = PygenarrisStructureGenerationOptions.resolved({"Z": 4, **given})
    return SimpleNamespace(options=generation, molecule=stored("glycine"), seed=1, log=lambda *_, **__: None)


def test_the_volume_is_multiplied_and_spread_as_asked_for() -> None:
    per_molecule = volume_estimate(stored("glycine")).volume
    plain = estimate(campaign(), options())
    assert plain["volume_mean"] == pytest.approx(4 * per_molecule)
    assert plain["volume_std"] == pytest.approx(0.075 * 4 * per_molecule)
    more = estimate(campaign(), options(volume_multiplier=1.3, std_of_predicted_errors=0.04))
    assert more["volume_mean"] == pytest.approx(1.3 * 4 * per_molecule)
    assert more["volume_std"] == pytest.approx(0.12 * 1.3 * 4 * per_molecule)
    assert estimate(campaign(), options(volume_mean=400.0))["volume_std"] == pytest.approx(30.0)
    assert estimate(campaign(), options(volume_mean=400.0, volume_std=5.0))["volume_std"] == 5.0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"volume_mean": 400.0}, (400.0, 30.0)),
        ({"volume_mean": 400.0, "volume_std": 0.0}, (400.0, 0.0)),
        ({"volume_std": 7.0}, (None, 7.0)),
    ],
)
def test_the_generator_spreads_the_volume_by_the_manuals_default(given: dict, expected: tuple) -> None:
    plan = GenerationPlan(campaign(**given))
    mean = expected[0] or 4 * volume_estimate(stored("glycine")).volume
    assert (plan.volume_mean, plan.volume_std) == (pytest.approx(mean), pytest.approx(expected[1]))


class Settled:
    """An engine as far as a record needs it."""

    name, version, settings_hash = "tblite", "tblite 1", "aa"


def test_the_lattice_energy_is_that_of_one_molecule() -> None:
    """Four molecules in the cell, -10.5 eV each; the molecule alone -10 eV: -0.5 eV, in kJ/mol."""
    evaluation = Evaluation(
        energy=-42.0, forces=None, stress=None, structure=waters(1)[0], converged=True, seconds=1.0, details={}
    )
    record = energy_record(evaluation, Settled(), 4)
    assert (record["value"], record["per_molecule"]) == (-42.0, -10.5)
    summary = {"engine": "tblite", "engine_version": "tblite 1", "settings_hash": "aa", "energy": -10.0}
    runs = SimpleNamespace(get=lambda run: {"summaries": {"relax_single_molecule": summary}})
    step = SimpleNamespace(
        run="run",
        options=SimpleNamespace(energy_name="e"),
        relaxation_step="relax_single_molecule",
        steps=[],
        catalogue=SimpleNamespace(runs=runs),
    )
    found = energy_properties(step, record, "e")
    assert found == {"e": -42.0, "e_per_molecule": -10.5, "lattice_energy": pytest.approx(-0.5 * 96.485, abs=1e-2)}
    assert found["lattice_energy"] == pytest.approx(-0.5 * KJ_PER_MOL_PER_EV)
    outcome = energy_outcome(step, "one", record)
    assert outcome.fields["one"]["properties.lattice_energy"] == found["lattice_energy"]
    assert (outcome.fields["one"]["energies.e"], outcome.summary["energy"]) == (record, -42.0)


def test_part_of_a_matrix_is_the_rows_of_its_structures(in_process: InProcess) -> None:
    """What duplicates were removed from is clustered by the rows that stay, not by the first ones."""
    pool = waters(24)
    for copied, name in ((2, "water_0002b"), (9, "water_0009b")):
        twin = pool[copied].copy()
        twin.struct_id, twin.properties = name, dict(twin.properties, energy=9.0)
        pool.append(twin)
    pool.sort(key=lambda structure: structure.struct_id)
    in_process.write_pool(pool)
    record = in_process.run(
        """\
[Genarris_master]
procedures = ["Run_Rdf_Calc", "Remove_Duplicates", "Affinity_Propagation_Fixed_Clusters"]
run_name = part
[run_rdf_calc]
structure_dir = raw
normalize_rdf_vectors = True
standardize_distance_matrix = True
[affinity_propagation_fixed_clusters]
num_of_clusters = 5
output_dir = clustered
exemplars_output_dir = exemplars
"""
    )
    assert record["state"] == "finished", record.get("failure")
    kept = [row for row, structure in enumerate(pool) if not structure.struct_id.endswith("b")]
    ids = [pool[row].struct_id for row in kept]
    whole = distance_matrix(rdf(pool), normalize=True, standardize=True)
    alone = affinity_propagation(np.ascontiguousarray(whole[np.ix_(kept, kept)]), 5)
    summary = record["summaries"]["affinity_propagation_fixed_clusters"]
    assert [tuple(one) for one in summary["tried"]] == alone.tried
    assert summary["exemplars"] == [ids[row] for row in alone.exemplars]
