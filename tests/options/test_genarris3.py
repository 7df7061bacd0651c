"""Configurations of Genarris 3: recognised, and translated into a ui.conf that can be loaded."""

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from command_line import call

from genarris_fw.crystal import Structure, read_molecule, write
from genarris_fw.errors import InputError
from genarris_fw.options import OptionsError, load
from genarris_fw.options.genarris3 import Surroundings, is_genarris_3, parse, translate

FAULT = Path(__file__).parents[1] / "data" / "faults" / "genarris3_conf"
DATA = Path(__file__).parents[1] / "data"
ABOUT = Surroundings(
    n_groups=lambda wanted, Z, tol: 5,
    engine="tblite",
    matcher=True,
    settings=lambda path: {"xc": "pbe", "spin": "none"},
)
EVERYTHING = """
[master]
name = aspirin
molecule_path = ["mol.xyz", "other.xyz"]
Z = 4
log_level = debug
[workflow]
tasks = ['generation', 'rigid_press', 'dedup', 'lbfgs_maceoff', 'dedup', 'acsf', 'ap_window', 'kmeans_center', 'uma']
[generation]
num_structures_per_spg = 40
unit_cell_volume_mean = 600.0
spg_distribution_type = [14, 19]
lattice_angle_std = 8
seed = 7
[rigid_press]
sr = 0.8
maxiter = 300
[dedup]
stol = 0.3
[dedup_2]
energy_key = lbfgs_maceoff
group_by_spg = False
[lbfgs]
energy_method = maceoff
fmax = 0.02
steps = 100
cell_opt = True
fix_sym = False
[maceoff]
model_size = small
[acsf]
r_cut = 8.0
g2_params = [[1, 1], [1, 2]]
[ap]
n_clusters = 20
clusters_tol = 0.5
[window]
filter = lbfgs_maceoff
energy_window = 10.0
n_structs_per_cluster = 3
[kmeans]
n_clusters = 0.1
[center]
filter = lbfgs_maceoff
[experimental_structure]
path = exp.cif
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ui.conf", "mol.xyz"):
        shutil.copy(FAULT / name, tmp_path)
    return tmp_path


def test_it_is_recognised_in_one_line(folder: Path) -> None:
    with pytest.raises(OptionsError) as caught:
        load(folder / "ui.conf")
    [line] = caught.value.problems
    assert line == f"{folder}/ui.conf: this is a Genarris 3 ui.conf: genarris-fw convert {folder}/ui.conf translates it"


def test_the_conf_of_the_report_is_translated(folder: Path, capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, "convert", folder / "ui.conf")
    assert done.code == 0
    configuration = load(folder / "ui_genarris_fw.conf")
    assert [step.procedure for step in configuration.steps] == [
        "Estimate_Unit_Cell_Volume",
        "Pygenarris_Structure_Generation",
        "Rigid_Press",
        "Remove_Duplicates",
        "Run_Rdf_Calc",
        "Affinity_Propagation_Fixed_Clusters",
    ]
    options = configuration.steps[1].options
    # Methanol with four molecules per cell fits into 53 groups at tol = 0.01 Å.
    assert (options["num_structures"], options["sr"], options["contact_rules"]) == (530, 0.95, "3.x")
    text = (folder / "ui_genarris_fw.conf").read_text()
    for option in ("max_attempts_per_volume", "generation_type", "natural_cutoff_mult", "method = BFGS"):
        assert option in text
    again = call(capsys, "convert", folder / "ui.conf")
    assert again.code == 2 and "there already" in again.err
    assert call(capsys, "convert", folder / "ui.conf", "--force").code == 0
    checked = call(capsys, "check", "--no-engine-test", folder / "ui_genarris_fw.conf")
    assert checked.code == 0, checked.err


def test_every_option_is_used_or_named(folder: Path) -> None:
    conf = parse(EVERYTHING, "x")
    made = translate(conf, ABOUT, "x.conf")
    (folder / "new.conf").write_text(made.text)
    methanol = read_molecule(folder / "mol.xyz")
    write([Structure(np.eye(3) * 8.0, methanol.species, methanol.positions, {}, "exp")], folder, "cif")
    configuration = load(folder / "new.conf")
    assert configuration.experiment is not None
    steps = {step.name: step.options for step in configuration.steps}
    assert configuration.seed == 7 and configuration.Z == 4
    assert steps["estimate_unit_cell_volume"]["volume_mean"] == 600
    assert steps["estimate_unit_cell_volume"]["volume_std"] == pytest.approx(30)  # 0.05 of the mean, the default of 3.x
    assert steps["pygenarris_structure_generation"]["space_groups"] == [14, 19]
    assert steps["pygenarris_structure_generation"]["num_structures"] == 200
    assert steps["rigid_press"]["sr"] == 0.8 and steps["rigid_press"]["max_steps"] == 300
    assert steps["remove_duplicates"]["stol"] == 0.3
    assert steps["remove_duplicates_2"]["energy_name"] == "lbfgs_maceoff"
    relaxed = steps["run_fhi_aims_batch"]
    assert relaxed["energy_name"] == "lbfgs_maceoff"
    settings = made.text.partition("[run_fhi_aims_batch]")[2]
    assert "fmax = 0.02" in settings and "max_steps = 100" in settings and "keep_symmetry = False" in settings
    assert steps["affinity_propagation_fixed_clusters"]["num_of_clusters_tolerance"] == 10
    assert steps["affinity_propagation_fixed_clusters"]["affinity_type"] == ["power", 2]
    assert steps["select_structures"]["energy_window"] == 10
    assert steps["affinity_propagation_fixed_clusters_2"]["cluster_method"] == "minibatch_kmeans"
    for section, option, _ in conf.left():
        assert f"#   [{section}] {option} = " in made.text
    assert {("acsf", "g2_params"), ("generation", "lattice_angle_std"), ("dedup_2", "group_by_spg")} <= {
        (section, option) for section, option, _ in conf.left()
    }
    assert "other.xyz" in made.text and "[experimental_structure]\npath = exp.cif" in made.text


def test_json_and_yaml_say_the_same(folder: Path, capsys: pytest.CaptureFixture) -> None:
    conf = parse((FAULT / "ui.conf").read_text(), "x")
    wanted = translate(conf, ABOUT, "x").text
    yaml = "\n".join(
        f"{section}:\n" + "\n".join(f"  {option}: {json.dumps(value)}" for option, value in options.items())
        for section, options in conf.sections.items()
    )
    for text in (json.dumps(conf.sections), yaml):
        assert translate(parse(text, "x"), ABOUT, "x").text == wanted
    (folder / "ui.yaml").write_text(yaml)
    assert call(capsys, "convert", folder / "ui.yaml", "--output", folder / "new.conf").code == 0
    with pytest.raises(OptionsError, match=r"this is a Genarris 3 ui\.conf"):
        load(folder / "ui.yaml")


def test_fhi_aims_gets_a_control_in(folder: Path, capsys: pytest.CaptureFixture) -> None:
    text = (FAULT / "ui.conf").read_text().replace("'ap_center'", "'aims', 'bfgs_aims'")
    text += (
        "\n[aims]\ncommand = /opt/aims.x\nspecies_dir = species\nenergy_settings_path = aims.json\nnum_cores = 8\n"
        "mpi_launcher = srun\ndft_mode = serial\n[bfgs]\nfmax = 0.05\nsteps = 20\ncell_opt = True\nfix_sym = True\n"
    )
    (folder / "ui.conf").write_text(text)
    (folder / "aims.json").write_text(json.dumps({"xc": "pbe", "k_grid": [3, 3, 3], "compute_forces": True}))
    assert call(capsys, "convert", folder / "ui.conf").code == 0
    assert (folder / "control_scf.in").read_text().splitlines()[1:] == [
        "xc pbe",
        "k_grid 3 3 3",
        "compute_forces .true.",
    ]
    assert (folder / "control_relax.in").read_text().splitlines()[-2:] == [
        "relax_geometry bfgs 0.05",
        "relax_unit_cell full",
    ]
    assert "aims_command = srun -n {cores} /opt/aims.x" in (folder / "ui_genarris_fw.conf").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("'acsf'", "'dance'"), "the task 'dance', which has no counterpart"),
        (("Z                           = 4", "Z = many"), "no number of molecules"),
        (("num_structures_per_spg      = 10", "num_structures_per_spg = few"), "no number of structures"),
        (("natural_cutoff_mult", "stoichiometry = [1, 1]\nnatural_cutoff_mult"), "several components"),
        (('["mol.xyz"]', "[]"), "names no molecule_path"),
    ],
)
def test_what_cannot_be_translated(change: tuple[str, str], message: str) -> None:
    text = (FAULT / "ui.conf").read_text()
    assert change[0] in text
    with pytest.raises(InputError, match=message):
        translate(parse(text.replace(*change), "x"), ABOUT, "x")


@pytest.mark.parametrize(
    "text", ["", "{", "workflow: [", "[workflow]\n", "[a]\nb = 1\n", "workflow: {tasks: 5}", "\x00"]
)
def test_what_is_none(text: str) -> None:
    assert not is_genarris_3(text)
    with pytest.raises(InputError, match="no configuration of Genarris 3"):
        parse(text, "x")


def test_ours_is_none() -> None:
    text = (DATA / "options_manual_example.conf").read_text()
    assert not is_genarris_3(text) and not is_genarris_3(text + "\n[workflow]\ntasks = ['generation']\n")


TASKS = [
    *("rigid_press", "symm_rigid_press", "dedup", "acsf", "ap_center", "ap_window", "kmeans_center", "kmeans_window"),
    *("maceoff", "uma", "aimnet", "vasp", "dftb", "bfgs_maceoff", "lbfgs_uma", "lbfgs_dftb"),
]


@pytest.mark.parametrize("number", range(15))
def test_any_order_of_tasks_becomes_a_ui_conf(folder: Path, number: int) -> None:
    chance = random.Random(number)
    tasks = [chance.choice(["generation", "crystal_generation"]), *chance.choices(TASKS, k=chance.randrange(1, 9))]
    sections = {
        "master": {"name": "x", "molecule_path": ["mol.xyz"], "z": 4},
        "workflow": {"tasks": tasks},
        tasks[0]: {"num_structures_per_spg": 5},
        "window": {"energy_window": 5.0, "filter": chance.choice(["maceoff", "lbfgs_uma"])},
        "center": {"filter": chance.choice(["center", "maceoff"])},
        "dedup": {"energy_key": "maceoff"},
    }
    made = translate(parse(json.dumps(sections), "x"), ABOUT, "x.json")
    (folder / "new.conf").write_text(made.text)
    assert load(folder / "new.conf").steps, tasks
