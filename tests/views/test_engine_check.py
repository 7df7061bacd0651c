"""Trying the engines of a run on a molecule and a crystal, and estimating the run from it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from command import EXAMPLES, TOOLS, python_path
from ui_conf import ROBUST, resolve

from genarris_fw import engines
from genarris_fw.crystal import Structure, read_molecule, write
from genarris_fw.engines import Context, engine_class
from genarris_fw.engines.aims.control import Control
from genarris_fw.engines.programs.process import Ended, Limits
from genarris_fw.generation import check_contacts, volume_estimate
from genarris_fw.options import Configuration
from genarris_fw.options.configuration import Step
from genarris_fw.options.sizes import Count
from genarris_fw.trials import trial as engine_trial
from genarris_fw.trials.engines import check_engines, missing_engines, trial_lines, uses
from genarris_fw.trials.estimates import (
    MOLECULE_FACTOR,
    RELAXATION_FACTOR,
    estimate,
    estimate_lines,
    groups_of,
    pool_sizes,
    said,
)
from genarris_fw.trials.samples import GAP, SPREAD, packed, sample_crystal, side_by_side
from genarris_fw.trials.trial import Trial, carry_out_apart

UREA = read_molecule(EXAMPLES / "urea" / "urea.in")
# The Robust workflow, but for the sections of its clusterings and energies.
PLAIN = ROBUST.partition("[affinity_propagation_fixed_clusters]")[0]
PAIR = Structure(None, ["H", "H"], [[0, 0, 0], [0, 0, 0.74]], struct_id="molecule")


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trials' processes find the tests' calculators."""
    monkeypatch.setenv("PYTHONPATH", python_path(TOOLS))


def odd(habit: str, **more: str) -> Trial:
    settings = {"calculator": "odd_calculators:Odd", "calculator_settings": {"habit": habit} | more}
    return Trial("ase", settings, [PAIR])


@pytest.mark.parametrize("Z", [1, 2, 3, 4, 8])
def test_the_crystal_is_packed_at_the_estimated_volume_and_always_the_same(Z: int) -> None:
    sample = packed(UREA, Z)
    structure = sample.structure
    assert structure.species == UREA.species * Z
    volume = Z * volume_estimate(UREA).volume
    assert abs(structure.cell_volume - volume) < 5 * SPREAD * volume
    assert check_contacts(structure, 0.85) >= 0
    assert np.array_equal(structure.positions, packed(UREA, Z).structure.positions)
    assert f"{8 * Z} atoms" in sample.about and "space group" in sample.about


def test_where_no_common_group_has_room_the_molecules_stand_side_by_side() -> None:
    sample = packed(UREA, 7)
    assert "loose cell of 56 atoms" in sample.about
    structure = side_by_side(UREA, 7)
    assert np.array_equal(structure.positions, sample.structure.positions)
    owner = np.repeat(np.arange(7), len(UREA))
    shifts = np.array([(i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)])
    nearest = np.inf
    for shift in shifts:
        vectors = structure.positions[None] + shift @ structure.lattice - structure.positions[:, None]
        apart = np.linalg.norm(vectors, axis=2)
        if not shift.any():
            apart = apart[owner[:, None] != owner[None]]
        nearest = min(nearest, float(apart.min()))
    assert nearest >= GAP - 1e-9


def test_engines_with_the_same_settings_are_tried_once(tmp_path: Path) -> None:
    text = ROBUST + "[run_fhi_aims_batch]\nfmax = 0.01\n"
    [use] = uses(resolve(tmp_path, text))
    assert use.steps == ["relax_single_molecule", "fhi_aims_energy_evaluation", "run_fhi_aims_batch"]
    assert use.molecule and use.crystal
    text = text.replace("engine = tblite", "engine = tblite\nmethod = GFN1-xTB")
    other = uses(resolve(tmp_path, text + "method = GFN2-xTB\nnum_cores = 4\nnum_replicas = 2\n"))
    assert [(u.settings["method"], u.cores, u.molecule, u.crystal) for u in other] == [
        ("GFN1-xTB", 1, True, True),
        ("GFN2-xTB", 2, False, True),
    ]


def test_a_trial_gives_the_engines_energies_and_leaves_nothing(tmp_path: Path) -> None:
    crystal = packed(UREA, 1).structure
    molecule = UREA.to_structure("molecule")
    settings = {"accuracy": 10.0, "min_width": 3.0}  # quick; the bare cell
    tried = carry_out_apart(Trial("tblite", settings, [molecule, crystal]), 120, tmp_path)
    engine = engines.get("tblite", **settings)
    assert (tried.kind, tried.error, tried.version) == ("", "", engine.version)
    assert [point["struct_id"] for point in tried.points] == ["molecule", "crystal"]
    for point, structure in zip(tried.points, (molecule, crystal)):
        assert point["energy"] == pytest.approx(engine.evaluate(structure).energy, abs=1e-6)
        assert point["seconds"] > 0 and point["converged"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("trial", "kind", "words"),
    [
        (odd("killed"), "memory", "was killed"),
        (odd("exit"), "crash", "status 3: the library has had enough"),
        (odd("leave"), "crash", "status 0"),
        (odd("nonsense"), "crash", "AssertionError"),
        (Trial("tblite", {"metod": 1}, [PAIR]), "input", "did you mean 'method'"),
        (Trial("aims", {"control": "xc pbe\n"}, [PAIR]), "missing", "aims_command"),
    ],
    ids=["killed", "exits", "leaves", "raises", "wrong setting", "missing"],
)
def test_how_a_trial_fails(tmp_path: Path, trial: Trial, kind: str, words: str) -> None:
    tried = carry_out_apart(trial, 120, tmp_path)
    assert tried.kind == kind and words in tried.error and "\n" not in tried.error
    assert not tried.points and not list(tmp_path.iterdir())


def test_a_trial_that_hangs_is_ended(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    for limit in (4, 16, 64):  # s; a busy machine may need the first for loading alone
        tried = carry_out_apart(odd("hang", pid_file=str(pid_file)), limit, tmp_path)
        assert tried.kind == "walltime" and not tried.points
        if pid_file.exists():
            break
    assert tried.error.startswith(f"no energy within {limit} s; give it more time")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_a_failure_is_one_line_with_its_class_and_what_to_do(tmp_path: Path) -> None:
    text = ROBUST.replace("engine = tblite", "engine = ase\ncalculator = odd_calculators:Odd").replace(
        "procedures =", 'calculator_settings = {"habit": "exit"}\nprocedures ='
    )
    configuration = resolve(tmp_path, text)
    found = check_engines(configuration, 120)
    [problem] = found["problems"]
    assert problem.startswith("engine ase failed its trial (class crash; for relax_single_molecule, ")
    assert "status 3" in problem and problem.endswith("try the engine on its own, in a folder of its own")
    assert "failed (class crash)" in trial_lines(found)[0][1].plain
    estimated = estimate(configuration, found["trials"], {"pygenarris_structure_generation": 2}, 2)
    assert estimated["seconds"] is None
    lines = [text.plain for _, text in estimate_lines(estimated)]
    assert lines[0] == "relax_single_molecule: 1 molecule x an unknown time = unknown"
    assert lines[-1] == "not known, without generation and clustering"


def test_an_engine_that_is_missing_is_named_with_those_that_are_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = resolve(tmp_path, ROBUST)
    assert missing_engines(configuration) == []
    here = {"tblite": (False, "not installed; pip install x"), "ase": (True, "ase 3")}
    monkeypatch.setattr("genarris_fw.engines.installed", lambda names=None: here)
    monkeypatch.setattr("genarris_fw.trials.engines.installed", lambda names=None: here)
    assert missing_engines(configuration) == [
        "engine tblite is missing here (not installed; pip install x); install it, or set engine to one of: ase"
    ]


def test_a_control_file_for_relaxations_is_tried_without_the_relaxation(tmp_path: Path) -> None:
    path = tmp_path / "control.in"
    path.write_text("xc pbe\nrelax_geometry bfgs 1e-2\nrelax_unit_cell full\nk_grid 3 3 3\n")
    settings = {"control_path": str(path)}
    control = Control(engine_class("aims").for_single_points(settings)["control"])
    assert not control.relaxes and control.value("relax_unit_cell") == ["none"]
    assert control.value("k_grid") == ["3", "3", "3"] and control.value("xc") == ["pbe"]
    assert engine_class("tblite").for_single_points(settings) == settings
    missing = {"control_path": str(tmp_path / "none")}
    assert engine_class("aims").for_single_points(missing) == missing


@pytest.mark.parametrize(("settings", "gigabytes"), [({"max_gigabytes": 50.0}, 200.0), ({}, 80.0)])
def test_a_trial_may_write_what_its_engine_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict, gigabytes: float
) -> None:
    seen = []

    def run(command: list, folder: Path, output: str, context: Context, limits: Limits) -> Ended:
        seen.append(limits)
        return Ended(153, "size", 1.0)

    monkeypatch.setattr(engine_trial, "run", run)
    tried = engine_trial.carry_out_apart(engine_trial.Trial("lapw", settings, []), 5.0, tmp_path)
    assert [limits.gigabytes for limits in seen] == [gigabytes]
    assert tried.kind == "output" and f"larger than {gigabytes:g} GB" in tried.error


def test_the_sizes_of_the_pools_follow_the_steps(tmp_path: Path) -> None:
    text = PLAIN + "[affinity_propagation_fixed_clusters]\nnum_of_clusters = 4\nnum_of_clusters_2 = 0.5\n"
    configuration = resolve(tmp_path, text)
    generation, first, second = (configuration.steps[i].options for i in (2, 4, 6))
    sizes = pool_sizes(configuration, {"pygenarris_structure_generation": 4})
    assert sizes[generation["output_pool"]] == Count(12, "at most")  # 10 over 4 groups, each rounded up
    assert sizes[first["output_pool"]] == Count(12, "at most")
    assert sizes[first["exemplars_pool"]] == Count(4, "about")
    assert sizes[second["exemplars_pool"]] == Count(2, "about")
    assert said(Count(None)) == "an unknown number of structures"


def test_a_curve_takes_a_point_for_each_volume_and_a_series_an_unknown_time() -> None:
    trial = {"steps": ["curve", "series"], "points": [{"struct_id": "crystal", "seconds": 2.0}], "error": ""}
    curve = {"engine": "lapw", "input_pool": "p", "volume_scales": [0.96, 0.98, 1.0, 1.04]}
    series = {"engine": "lapw", "input_pool": "p", "rkmax_values": [6.0, 7.0]}
    made = {"output_pool": "p", "num_structures": 5, "truncate_to_num_structures": True}
    steps = [
        Step("made", "Pygenarris_Structure_Generation", 1, made),
        Step("curve", "LAPW_Equation_Of_State", 1, curve),
        Step("series", "LAPW_Convergence", 1, series),
    ]
    configuration = Configuration("ui.conf", ".", "", "run", 1, "manual", {}, None, 2, steps)
    found = estimate(configuration, [trial], {}, 1)
    assert [step["seconds"] for step in found["steps"]] == [5 * 4 * 2.0, None]
    assert found["seconds"] is None


def test_a_selection_is_no_larger_than_its_limits(tmp_path: Path) -> None:
    text = (
        '[Genarris_master]\nprocedures = ["Pygenarris_Structure_Generation", "FHI_Aims_Energy_Evaluation", '
        '"Remove_Duplicates", "Select_Structures"]\nengine = tblite\n'
        "[pygenarris_structure_generation]\nmolecule_path = molecule.in\nZ = 2\nnum_structures = 100\n"
        "[select_structures]\nbest_per_space_group = 3\n"
    )
    for groups, number in ((4, 12), (50, 100)):
        configuration = resolve(tmp_path, text)
        sizes = pool_sizes(configuration, {"pygenarris_structure_generation": groups})
        before, after = (sizes[step.options["output_pool"]] for step in configuration.steps[2:])
        assert (before, after) == (Count(100, "at most"), Count(number, "at most"))


def test_a_folder_to_be_imported_is_counted_by_structures(tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    folder.mkdir()
    for name in ("b.in", "b.json", "notes.txt"):
        (folder / name).write_text("{}")
    text = (
        '[Genarris_master]\nprocedures = ["Select_Structures", "FHI_Aims_Energy_Evaluation"]\nengine = tblite\nZ = 2\n'
        "[select_structures]\nstructure_dir = pool\nmost_diverse = 1\n[fhi_aims_energy_evaluation]\nZ = 2\n"
    )
    configuration = resolve(tmp_path, text.replace("engine = tblite\nZ = 2\n", "engine = tblite\n"))
    structure = packed(UREA, 2).structure
    structure.struct_id = "a"
    write([structure], folder, "json")
    sample = sample_crystal(configuration)
    assert sample is not None and sample.about == "a.json, 16 atoms"
    sizes = pool_sizes(configuration, {})
    assert sizes["pool"] == Count(2, "about")
    assert sizes[configuration.steps[0].options["output_pool"]] == Count(1, "at most")


def test_the_estimate_is_the_structures_times_the_time_of_one_over_the_replicas(tmp_path: Path) -> None:
    text = PLAIN + (
        "[affinity_propagation_fixed_clusters]\nnum_of_clusters = 5\nnum_of_clusters_2 = 3\n"
        "[fhi_aims_energy_evaluation]\nnum_replicas = 2\n[run_fhi_aims_batch]\nnum_replicas = 100\n"
    )
    configuration = resolve(tmp_path, text)
    points = [{"struct_id": "molecule", "seconds": 0.5}, {"struct_id": "crystal", "seconds": 3.0}]
    steps = ["relax_single_molecule", "fhi_aims_energy_evaluation", "run_fhi_aims_batch"]
    groups = groups_of([{"step": "pygenarris_structure_generation", "sites": [1]}] * 3)
    found = estimate(configuration, [{"steps": steps, "points": points, "error": ""}], groups, 8)
    molecule, single, relaxed = found["steps"]
    assert molecule["seconds"] == 0.5 * MOLECULE_FACTOR
    assert (single["replicas"], single["seconds"]) == (2, 3 * 3.0)  # three rounds of two
    assert (relaxed["replicas"], relaxed["seconds"]) == (3, 3.0 * RELAXATION_FACTOR)
    assert found["seconds"] == sum(step["seconds"] for step in found["steps"])
    lines = [text.plain for _, text in estimate_lines(found)]
    assert lines[1] == "fhi_aims_energy_evaluation: about 5 structures x 3.0 s / 2 replicas = 9.0 s"
    assert f"a crystal's relaxation takes {RELAXATION_FACTOR} single points" in lines[-1]
