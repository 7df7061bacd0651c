import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from ui_conf import ROBUST, generation, problems, resolve

from genarris_fw.options import OptionsError, load
from genarris_fw.options.names import REPLACED
from genarris_fw.options.problems import MOST_PROBLEMS
from genarris_fw.options.registered import models

SECTION = "[pygenarris_structure_generation]"


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("num_structure = 4", "unknown option 'num_structure'"),
        ("num_structure = 4", "did you mean 'num_structures'?"),
        ("cutoff = 4", "it belongs to [run_rdf_calc]"),
        ("sr = big", "sr = 'big': expected a number from 0.01 to 2"),
        ("sr = -1", "expected a number from 0.01 to 2"),
        ("sr = nan", "expected a number"),
        ("sr = 1e999", "expected a number"),
        ("sr = True", "expected a number"),
        ("tol = 'a", "expected a number from 1e-08 to 1 (Å)"),
        ("num_cores = 2.5", "expected a whole number from 1 to"),
        ("num_replicas = 0", "expected a whole number from 1 to"),
        ("num_cores = __import__('os').getpid()", "expected a whole number"),
        ("num_cores = 1 + 1", "expected a whole number"),
        ("truncate_to_num_structures = yes", "expected True or False"),
        ("truncate_to_num_structures = 1", "expected True or False"),
        ("output_format = jsn", "expected both, geometry (or geo) or json (did you mean 'json'?)"),
        ("sr = 0", "expected a number from 0.01 to 2"),
        ("sr = 3", "sr = '3': expected a number from 0.01 to 2"),
        ("space_groups = [0, 14]", "expected all, chiral, racemic, csd or a list of numbers from 1 to 230"),
        ("space_groups = [14, 231]", "or a list of numbers from 1 to 230"),
        ("space_groups = []", "or a list of numbers from 1 to 230"),
        ("space_groups = ['all']", "or a list of numbers from 1 to 230"),
        ("space_groups = chirl", "(did you mean 'chiral'?)"),
        ("generation_mode = magic", "expected rejection, packing or auto"),
        ("contact_rules = 2", "contact_rules = '2': expected 2.0, 3.x or vdw"),
        ("contact_rules = 3.0", "expected 2.0, 3.x or vdw"),
        ("custom_radii = 1.1", 'expected {"H": 1.1, ...}: elements and radii from 0.001 to 5 (Å)'),
        ("custom_radii = {'Q': 1.1}", "custom_radii = '{'Q': 1.1}': expected"),
        ("custom_radii = {'X': 1.1}", "expected"),
        ("custom_radii = {1: 1.1}", "expected"),
        ("custom_radii = {'H': 0}", "expected"),
        ("custom_radii = {'H': 5.1}", "expected"),
        ("custom_radii = {'H': 1e999}", "expected"),
        ("custom_radii = {'H': '1.1'}", "expected"),
        ("custom_radii = {'H': True}", "expected"),
        ("custom_radii = {'H': [1]}", "expected"),
        ("custom_radii = dict(H=1.1)", "expected"),
        ("custom_radii_by_pairs = {'OH': 1.5}", 'expected {"O-H": 1.5, ...}: pairs of elements, each once'),
        ("custom_radii_by_pairs = {'O-H-O': 1.5}", "expected"),
        ("custom_radii_by_pairs = {'O-': 1.5}", "expected"),
        ("custom_radii_by_pairs = {'O-H': 11}", "from 0.001 to 10 (Å)"),
        ("custom_radii_by_pairs = {'O-H': 1.5, 'H-O': 1.5}", "each once"),
        ("max_deformation = -1", "expected a number from 0 to 1 (Å)"),
        ("duplicate_tolerance = -0.1", "expected a number from 0 to 10 (Å)"),
        ("press_sr = 0", "expected a number from 0.01 to 2"),
        ("rigid_press = 1", "expected True or False"),
        ("volume_mean = 0", "expected a number from 1 to 10000000 (Å3)"),
        ("output_dir = .", "ui.conf's own folder cannot be a pool"),
        ("molecule_path = other.in", "option 'molecule_path' was given before at line 5"),
        ("max_attempts_per_spg = 1\nmax_attempts_per_spg_per_rank = 2", "exclude each other"),
    ],
)
def test_one_line_says_what_and_where(tmp_path, option, words):
    lines = problems(tmp_path, generation(option))
    assert len(lines) == 1
    assert lines[0].startswith(("8: ", "9: ")) and SECTION in lines[0] and words in lines[0], lines


BOUNDED = [
    (model, name)
    for model in models()
    for name in model.declared()
    if model.said(name).words in ("a number", "a whole number")
]


@pytest.mark.parametrize(("model", "name"), BOUNDED, ids=lambda x: x if isinstance(x, str) else x.procedure)
def test_every_number_has_a_range_that_the_message_names(model, name):
    limits = {key: value for mark in model.marks(name) for key, value in vars_of(mark).items()}
    least, most = limits.get("ge"), limits.get("le", limits.get("lt"))
    assert least is not None and most is not None
    assert f"{least}" in model.expected(name) and f"{most}" in model.expected(name)
    outside = [
        2 * most + 1,
        -(10**18),
        1e-300 if least > 0 else least - 1,
        10**30,
        "nan",
        "inf",
        "-inf",
        "1e999",
        "True",
    ]
    for value in outside:
        with pytest.raises(ValidationError):
            model.model_validate({name: str(value)})
    default = model.info(name).default
    for value in {least, *([default] if isinstance(default, (int, float)) else [])}:
        assert getattr(model.model_validate({name: str(value)}), name) == value


def vars_of(mark):
    return {sign: getattr(mark, sign) for sign in ("ge", "gt", "le", "lt") if hasattr(mark, sign)}


@pytest.mark.parametrize(
    "option",
    [
        *("eta_range = [-1, 1]", "eta_range = [0, 1e4]", "Rs_range = [0, 1e18]", "Rs_range = [0, nan]"),
        *("cutoff = 1e-300", "cutoff = 1e18", "n_D_inter = 1e18"),
    ],
)
def test_ranges_of_the_descriptor(tmp_path, option):
    (line,) = problems(tmp_path, ROBUST + "[run_rdf_calc]\n" + option)
    assert " from 0" in line or " from 1" in line


@pytest.mark.parametrize(
    "option",
    [
        *("affinity_type = ['power', -1]", "affinity_type = ['power', 1e18]", "num_of_clusters = 1e-300"),
        *("num_of_clusters = 1e18", "preference_range = [-1e18, 0]", "num_cores = 1e18"),
    ],
)
def test_ranges_of_the_clustering(tmp_path, option):
    (line,) = problems(tmp_path, ROBUST + option + "\n")
    assert " from " in line and " to " in line


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "x/y",
        ".x",
        "-x",
        "x" * 101,
        "字" * 40,
        "x\u200by",
        "ﬁne",
        "e\u0301",
        "a\x1b[31m",
        "a b",
        "<b>",
        "$HOME",
        "''",
    ],
)
def test_names_of_runs(tmp_path, name):
    (line,) = problems(tmp_path, generation(master=f"run_name = {name}"))
    assert "expected letters, digits and any of _ . + = @ , -, starting with" in line and line.isprintable()


@pytest.mark.parametrize("name", ["urea", "Molekül", "尿素_2", "a.b-c+d", "9", "_x"])
def test_names_that_a_run_may_have(tmp_path, name):
    assert resolve(tmp_path, generation(master=f"run_name = {name}")).run_name == name


@pytest.mark.parametrize("z", ["0", "300", "193", "-1", "two", "2.5", "[2]"])
def test_molecules_per_cell(tmp_path, z):
    lines = problems(tmp_path, generation().replace("Z = 2", f"Z = {z}"))
    assert lines == [f"6: {SECTION} Z = '{z}': expected a whole number from 1 to 192"]


def test_all_problems_at_once_in_the_order_of_the_lines(tmp_path):
    lines = problems(
        tmp_path,
        """\
        [Genarris_master]
        procedures = ["Pygenarris_Structure_Generation", "Run_Rdf_Cal"]
        sed = 4
        [pygenaris_structure_generation]
        Z = 2
        [pygenarris_structure_generation]
        molecule_path = nowhere.in
        tol = x
        """,
    )
    assert [line.split(":")[0] for line in lines] == ["2", "3", "4", "6", "7", "8"]
    assert "did you mean 'Run_Rdf_Calc'?" in lines[0]
    assert "did you mean 'seed'?" in lines[1]
    assert "did you mean 'pygenarris_structure_generation'?" in lines[2]
    assert "missing required option Z" in lines[3]
    assert "no such file" in lines[4] and "tol = 'x'" in lines[5]


def test_missing_things(tmp_path):
    lines = problems(tmp_path, "[Genarris_master]\nprocedures = ['Relax_Single_Molecule']\n")
    assert ["molecule_path" in lines[0], "engine" in lines[1]] == [True, True] and len(lines) == 2
    assert problems(tmp_path, "[Genarris_master]\n")[0].startswith("1: [Genarris_master] missing required option proc")
    assert "missing required option procedures" in problems(tmp_path, "")[0]
    (line,) = problems(tmp_path, "[Genarris_master]\nprocedures = Run_Rdf_Calc\n")
    assert "expected a list of names" in line
    (line,) = problems(tmp_path, "[Genarris_master]\nprocedures = ['Run_Rdf_Calc']\n")
    assert "missing structure_dir" in line


@pytest.mark.parametrize("name", REPLACED)
def test_procedures_of_other_versions(tmp_path, name):
    (line,) = problems(tmp_path, f"[Genarris_master]\nprocedures = ['{name}']\n[{name.lower()}]\nx = 1\n")
    assert line.startswith(f"2: [Genarris_master] procedures: {name} ")
    assert "not part of Genarris 2.0's manual" in line
    assert name not in {model.procedure for model in models()}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[run_rdf_calc]\ndist_mat_fpath = m.npy\n", "a file that ends in .dat"),
        ("[run_rdf_calc]\nstructure_dir = rw\n", "(did you mean 'raw'?)"),
        ("[run_rdf_calc]\noutput_dir = relax_single_molecule\n", "is there already"),
        ("exemplars_output_dir = raw\n", "is there already"),
        ("cluster_on_energy = TRUE\n", "no earlier procedure computes 'energy' for the pool"),
        ("energy_name_2 = mace\n", "no earlier procedure computes 'mace' for the pool"),
        ("affinity_type = ['additive', 3]\n", '[kind, number] with kind "multiplicative"'),
        (
            "preference_range = [3, -3]\n",
            "expected two numbers from -1000000000000000 to 1000000000000000, [low, high]",
        ),
        ("damping = 1\n", "not below 0.5 and below 1"),
        ("num_of_clusters = 2.5\n", "a whole number from 1 to 10^9 or a fraction from 1e-9 to below 1"),
        ("dist_mat_input_file = m.dat\n", "no such file; expected a distance matrix"),
        ("property_key = a.b\n", "a name of letters, digits and underscores"),
        (
            "[run_fhi_aims_batch]\nengine = tblight\n",
            "expected one of aims, ase, gfnff, lapw, lattice, sevennet, so3lr, tblite (did you mean 'tblite'?)",
        ),
        ("[run_fhi_aims_batch]\nengine = ase\n", "engine = ase needs calculator"),
        ("[run_fhi_aims_batch]\nengine = aims\n", "missing required option control_path"),
        ("[run_fhi_aims_batch]\nengine = aims\ncontrol_path = c.in\n", "expected FHI-aims' control.in"),
        ("[run_fhi_aims_batch]\nZ = 4\n", "expected the same number of molecules per cell everywhere"),
        (
            "[run_fhi_aims_batch]\ncalculator = os.system\n",
            "expected module:factory or one of the potentials installed: checked_cp2k",
        ),
        ("[run_fhi_aims_batch]\ncalculator_settings = {'a': 1j}\n", "of plain values"),
        ("[RUN_RSF_CALC]\n[run_rdf_calc]\n", "this section was there before: [RUN_RSF_CALC]"),
        ("[rigid_press]\nsymprec = 0\n", "expected a number from 1e-08 to 1 (Å)"),
        ("[rigid_press]\nmax_steps = 0\n", "max_steps = '0': expected a whole number from 1"),
        ("[rigid_press]\nsr = 2.1\n", "expected a number from 0.01 to 2"),
        ("[rigid_pres]\nsr = 0.9\n", "(did you mean 'rigid_press'?)"),
        ("[relax_single_molecule_1]\n", "unknown section"),
        ("[genarris_master_2]\n", "unknown section"),
    ],
)
def test_problems_of_a_workflow(tmp_path, text, words):
    lines = problems(tmp_path, ROBUST + text)
    assert len(lines) == 1 and words in lines[0], lines


@pytest.mark.parametrize("symmetry", ["C7x", "nothing", "mm3"])
def test_symmetry_of_the_molecule(tmp_path, symmetry):
    text = ROBUST.replace("molecule.in\n", f"molecule.in\nmolecule_symmetry = {symmetry}\n")
    assert "point group" in problems(tmp_path, text)[0]


@pytest.mark.parametrize(
    ("written", "read"), [("C2V", "C2v"), ("mmm", "mmm"), ("2", "2"), ("Relax", "relax"), ("d6h", "D6h")]
)
def test_symmetries_that_exist(tmp_path, written, read):
    text = ROBUST.replace("molecule.in\n", f"molecule.in\nmolecule_symmetry = {written}\n")
    assert resolve(tmp_path, text).steps[0].options["molecule_symmetry"] == read


def test_relaxed_structures_have_no_distances_yet(tmp_path):
    text = ROBUST.replace('"Run_FHI_Aims_Batch"]', '"Run_FHI_Aims_Batch", "Affinity_Propagation_Fixed_Clusters"]')
    (line,) = problems(tmp_path, text)
    assert "no distance matrix of the pool 'run_fhi_aims_batch'" in line


NAMES = sorted({name for model in models() for name in model.declared()})
WORDS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["TRUE", "None", "[1, 2]", "0", "-3", "1e400", "((((", "{'a': 1}", "molecule.in", "9" * 5000, "1_0"]
    ),
    st.sampled_from([f"{model.procedure!r}" for model in models()]).map(lambda name: f"[{name}]"),
    st.floats().map(str),
)
LINES = st.one_of(
    st.text(max_size=30),
    st.sampled_from([f"[{model.procedure}]" for model in models()] + ["[affinity_propagation_fixed_clusters_2]"]),
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["", "_2"]), WORDS).map(lambda t: f"{t[0]}{t[1]} = {t[2]}"),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(), st.lists(LINES).map("\n".join), st.lists(LINES).map(lambda x: ROBUST + "\n".join(x))))
@example("[Genarris_master]\nprocedures = ['Run_Rdf_Calc']\n[run_rdf_calc]\nstructure_dir = " + "x/" * 4000)
@example(generation("calculator_settings = " + "[" * 3000))
@example(generation("sr = " + "-" * 10000 + "1"))
def test_whatever_the_file_holds_only_options_errors_are_raised(tmp_path, text):
    path = tmp_path / "ui.conf"
    (tmp_path / "molecule.in").write_text("atom 0 0 0 H\n")
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        configuration = load(path)
    except OptionsError as error:
        assert error.problems and all(len(line.splitlines()) == 1 for line in error.problems)
    else:
        assert all(len(line.splitlines()) == 1 for line in configuration.notices)


def test_choices_without_a_criterion_or_that_exclude_each_other(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.json").write_text("{}")
    head = "[Genarris_master]\nprocedures = ['{}']\n[{}]\nstructure_dir = raw\n"
    (line,) = problems(tmp_path, head.format("Select_Structures", "select_structures"))
    assert "nothing to select by; expected one or more of energy_window" in line
    text = head.format("Remove_Duplicates", "remove_duplicates") + "method = structure_matcher\nmirror_images = False\n"
    (line,) = problems(tmp_path, text)
    assert "structure_matcher cannot tell mirror images apart" in line


def test_of_very_many_problems_the_first_are_told(tmp_path):
    lines = problems(tmp_path, "[Genarris_master]\n" + "".join(f"odd_{i} = 1\n" for i in range(MOST_PROBLEMS + 50)))
    assert len(lines) == MOST_PROBLEMS + 1
    assert "odd_0" in lines[1] and lines[-1].endswith("and 51 more problems; correct these first")
