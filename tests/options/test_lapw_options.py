"""The options of the engine lapw, and of the procedures around it."""

from __future__ import annotations

import pytest
from ui_conf import problems, resolve

from genarris_fw.engines.lapw.settings import (
    BASES,
    CORES,
    FUNCTIONALS,
    LEAST_L_MAX,
    MIXING,
    MOST_L_MAX,
    RADII,
    RELATIVITY,
    SMEARING,
    LAPWSettings,
)
from genarris_fw.options.tables import model_named


@pytest.fixture(autouse=True)
def with_lapw(engines):
    engines["lapw"] = (True, "Elk")


def conf(procedures: str, sections: str, master: str = "") -> str:
    return f"[Genarris_master]\nprocedures = [{procedures}]\n{master}\n{sections}"


def pool(tmp_path, name="raw"):
    (tmp_path / name).mkdir(parents=True)
    (tmp_path / name / "a.json").write_text("{}")


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("basis", BASES),
        ("rkmax_radius", RADII),
        ("functional", FUNCTIONALS),
        ("relativity", RELATIVITY),
        ("core", CORES),
        ("smearing", SMEARING),
        ("mixing", MIXING),
    ],
)
def test_words_are_those_of_the_engine(option, words):
    for word in words:
        assert LAPWSettings.read(option, word.upper()) == word
    said = model_named("Run_LAPW_Batch").expected(option)
    assert all(word in said for word in words)


def test_bounds_are_those_of_the_engine():
    assert f"from {LEAST_L_MAX} to {MOST_L_MAX}" in LAPWSettings.expected("l_max")


def test_lapw_is_the_engine_of_its_procedures_alone(tmp_path):
    pool(tmp_path)
    names = '"FHI_Aims_Energy_Evaluation", "Run_LAPW_Batch", "LAPW_Equation_Of_State", "LAPW_Convergence"'
    text = conf(
        names,
        "[fhi_aims_energy_evaluation]\nstructure_dir = raw\nZ = 2\n"
        "[run_lapw_batch]\nk_grid = [2, 3, 4]\nforces = True\n",
        "engine = tblite\nrkmax = 8",
    )
    configuration = resolve(tmp_path, text)
    assert [step.options["engine"] for step in configuration.steps] == ["tblite", "lapw", "lapw", "lapw"]
    first, batch, curves, convergence = (step.options for step in configuration.steps)
    assert "rkmax" not in first["engine_settings"]
    settings = batch["engine_settings"]
    assert (settings["rkmax"], settings["k_grid"], settings["forces"]) == (8, [2, 3, 4], True)
    assert batch["Z"] == 2 and batch["energy_name"] == "lapw_energy"
    assert "k_grid" not in curves["engine_settings"] and curves["engine_settings"]["rkmax"] == 8
    assert not {"rkmax", "k_grid", "k_spacing"} & set(convergence["engine_settings"])
    assert LAPWSettings(**{k: v for k, v in settings.items() if v is not None}).rkmax == 8
    # The structures stay the same through all of them.
    assert [o["input_pool"] for o in (batch, curves, convergence)] == [
        "fhi_aims_energy_evaluation",
        "run_lapw_batch",
        "lapw_equation_of_state",
    ]
    assert "output_pool" not in convergence


def test_another_engine_for_a_procedure_of_lapw(tmp_path):
    pool(tmp_path)
    section = "[run_lapw_batch]\nstructure_dir = raw\nengine = tblite\nmethod = gfn2\nrkmax = 7\n"
    configuration = resolve(tmp_path, conf('"Run_LAPW_Batch"', section))
    [step] = configuration.steps
    assert step.options["engine"] == "tblite" and step.options["engine_settings"]["method"] == "GFN2-xTB"
    assert any("'rkmax' has no effect with engine = tblite" in notice for notice in configuration.notices)


@pytest.mark.parametrize(
    ("procedure", "words"),
    [
        ("Relax_Single_Molecule", "engine = lapw computes no molecules"),
        ("FHI_Aims_Energy_Evaluation", "engine = lapw is for Run_LAPW_Batch"),
        ("Run_FHI_Aims_Batch", "engine = lapw relaxes nothing"),
    ],
)
def test_what_lapw_does_not_do(tmp_path, procedure, words):
    pool(tmp_path)
    (tmp_path / "molecule.in").write_text("atom 0 0 0 H\natom 0 0 0.74 H\n")
    section = f"[{procedure.lower()}]\nstructure_dir = raw\nmolecule_path = molecule.in\nZ = 2\nengine = lapw\n"
    [problem] = [line for line in problems(tmp_path, conf(f'"{procedure}"', section)) if "lapw" in line]
    assert words in problem and "take another engine here: aims, ase, gfnff, lattice, sevennet" in problem


def test_volumes_of_the_equation_of_state(tmp_path):
    def scales(options):
        text = conf('"LAPW_Equation_Of_State"', f"[lapw_equation_of_state]\nstructure_dir = raw\n{options}\n")
        return resolve(tmp_path, text).steps[0].options["volume_scales"]

    pool(tmp_path)
    assert scales("") == [0.94, 0.96, 0.98, 1.0, 1.02, 1.04, 1.06]
    assert scales("eos_range = [0.9, 1.1]\neos_points = 5") == [0.9, 0.95, 1.0, 1.05, 1.1]
    assert scales("volume_scales = [1.1, 0.9, 1, 0.97]") == [0.9, 0.97, 1.0, 1.1]


def test_a_second_equation_of_state_has_its_own_name(tmp_path):
    pool(tmp_path)
    text = conf(
        '"LAPW_Equation_Of_State", "LAPW_Equation_Of_State", "Compare_Engines"',
        "[lapw_equation_of_state]\nstructure_dir = raw\n[lapw_equation_of_state_2]\nfunctional = lda\n",
    )
    one, other, comparison = (step.options for step in resolve(tmp_path, text).steps)
    assert (one["eos_name"], other["eos_name"]) == ("eos", "eos_2")
    assert other["engine_settings"]["functional"] == "LDA" and one["engine_settings"]["functional"] == "PBE"
    assert comparison["eos_names"] == ["eos", "eos_2"] and comparison["energy_names"] is None


def test_what_two_engines_have_computed_is_compared(tmp_path):
    pool(tmp_path)
    sections = "[fhi_aims_energy_evaluation]\nstructure_dir = raw\nZ = 2\nengine = tblite\n"
    text = conf('"FHI_Aims_Energy_Evaluation", "Run_LAPW_Batch", "Compare_Engines"', sections)
    comparison = resolve(tmp_path, text).steps[-1].options
    assert comparison["energy_names"] == ["energy", "lapw_energy"] and not comparison["eos_names"]
    assert comparison["input_pool"] == "run_lapw_batch"


@pytest.mark.parametrize(
    ("procedure", "options", "words"),
    [
        ("Run_LAPW_Batch", "k_grid = [2, 2]", "k_grid = '[2, 2]': expected three whole numbers from 1 to 1000"),
        ("Run_LAPW_Batch", "k_grid = [2, 2, 0]", "expected three whole numbers"),
        ("Run_LAPW_Batch", "k_offset = [0.5, 0.5, 1]", "expected three numbers from 0 to below 1"),
        ("Run_LAPW_Batch", "muffin_tin = big", "muffin_tin = 'big': expected auto or"),
        ("Run_LAPW_Batch", 'muffin_tin = {"Xx": 1.0}', "expected auto or"),
        ("Run_LAPW_Batch", "basis = plane", "expected apw+lo, lapw or apw"),
        ("Run_LAPW_Batch", "functional = B3LYP", "expected PBE, PBEsol"),
        ("Run_LAPW_Batch", "rkmax = 0", "rkmax = '0': expected a number from 1 to 20"),
        ("Run_LAPW_Batch", "l_max = 2", "l_max = '2': expected a whole number from 3 to 20"),
        ("LAPW_Equation_Of_State", "eos_points = 3", "eos_points = '3': expected a whole number from 4 to 1000"),
        ("LAPW_Equation_Of_State", "eos_range = [1, 1]", "expected two different numbers from 0.5 to 2"),
        ("LAPW_Equation_Of_State", "eos_range = [0.1, 1]", "expected two different numbers from 0.5 to 2"),
        ("LAPW_Equation_Of_State", "volume_scales = [0.9, 1, 1.1]", "expected four or more different numbers"),
        ("LAPW_Equation_Of_State", "volume_scales = [0.9, 1, 1, 1.1]", "expected four or more different numbers"),
        ("LAPW_Convergence", "engine = tblite", "has no rkmax; expected ase or lapw"),
        ("LAPW_Convergence", "rkmax_values = []", "expected different numbers from"),
        ("LAPW_Convergence", "rkmax_values = [7, 7]", "expected different numbers from"),
        ("LAPW_Convergence", "k_grids = [2, 4]", "expected different k grids, [[2, 2, 2], [4, 4, 4]]"),
        ("LAPW_Convergence", "k_grids = [[2, 2, 2], [2, 2, 2]]", "expected different k grids"),
        ("LAPW_Convergence", "k_spacings = [0.3, -1]", "expected different numbers from"),
        ("LAPW_Convergence", "energy_tolerance_per_atom = 0", "expected a number from 1e-06 to 1000000"),
        ("Compare_Engines", 'energy_names = ["energy"]', "expected two names of energies"),
        ("Compare_Engines", 'energy_names = ["a", "a"]', "expected two names of energies"),
        ("Compare_Engines", 'eos_names = ["a b"]', "expected a list of names"),
    ],
)
def test_bad_values(tmp_path, procedure, options, words):
    pool(tmp_path)
    section = f"[{procedure.lower()}]\nstructure_dir = raw\n{options}\n"
    [line] = problems(tmp_path, conf(f'"{procedure}"', section))
    assert words in line


def test_a_comparison_needs_two_energies_of_the_pool(tmp_path):
    pool(tmp_path)
    text = (
        '[Genarris_master]\nprocedures = ["Pygenarris_Structure_Generation", "Compare_Engines"]\n'
        "[pygenarris_structure_generation]\nmolecule_path = molecule.in\nZ = 2\nnum_structures = 2\n"
    )
    [line] = problems(tmp_path, text)
    assert "no earlier procedure computes energies for the pool" in line


def test_nothing_else_writes_the_folder_of_a_comparison(tmp_path):
    pool(tmp_path)
    section = "[compare_engines]\nstructure_dir = raw\noutput_dir = .\n"
    [line] = problems(tmp_path, conf('"Compare_Engines"', section))
    assert "own folder cannot be a pool" in line


def test_axes_that_have_no_effect_are_told(tmp_path):
    pool(tmp_path)
    section = "[lapw_convergence]\nstructure_dir = raw\nrkmax = 7\nk_grids = [[2, 2, 2]]\nk_spacings = [0.5]\n"
    notices = " ".join(resolve(tmp_path, conf('"LAPW_Convergence"', section)).notices)
    assert "rkmax has no effect here, rkmax_values has" in notices
    assert "k_spacings has no effect, since k_grids are given" in notices


def test_tables_name_the_units():
    model = model_named("lapw_convergence")
    assert model.info("energy_tolerance_per_atom").unit == "meV" and model.info("k_spacings").unit == "1/Å"
