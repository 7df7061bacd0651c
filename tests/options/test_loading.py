import shutil
from pathlib import Path

import pytest
from how_to_pages import package_of
from installed_packages import installed
from ui_conf import ROBUST, generation, problems, resolve, write

from genarris_fw.options import Configuration, OptionsError, difference, load, options_hash

HERE = Path(__file__).resolve()
TUTORIAL = HERE.parents[3] / "shared" / "data" / "benzene_tutorial"


def test_the_manuals_own_example_passes_as_printed(tmp_path):
    shutil.copy(HERE.parents[1] / "data" / "options_manual_example.conf", tmp_path / "ui.conf")
    (tmp_path / "relaxed_molecule.in").write_text("atom 0 0 0 H\n")
    configuration = load(tmp_path / "ui.conf")
    (step,) = configuration.steps
    options = step.options
    assert (step.name, step.procedure) == ("pygenarris_structure_generation", "Pygenarris_Structure_Generation")
    assert (options["num_structures"], options["Z"], options["sr"], options["tol"]) == (5000, 4, 0.85, 1e-5)
    assert options["max_attempts"] == 56 * 10**9 and options["ranks"] == 56
    assert options["volume_mean"] is options["volume_step"] is options["molecule_step"] is None
    assert options["output_pool"] == "glycine_4mpc_raw_jsons"
    assert options["geometry_out_filename"] == str(tmp_path / "glycine_4mpc.out")
    assert any("cell volume will be estimated" in notice for notice in configuration.notices)
    assert configuration.Z == 4 and configuration.molecule_path == str(tmp_path / "relaxed_molecule.in")


@pytest.fixture
def tutorial(tmp_path):
    """The tutorial's folder as its ui.conf expects it: the control files and the molecule beside it."""
    if not TUTORIAL.is_dir():
        pytest.skip("the tutorial's files are not on this machine (../shared/data/benzene_tutorial)")
    for name in ("control_relax_single_molecule.in", "control_scf.in", "control_relax_structs.in"):
        (tmp_path / "controls").mkdir(exist_ok=True)
        (tmp_path / "controls" / name).write_text("xc pbe\n")
    (tmp_path / "single_molecule").mkdir()
    shutil.copy(TUTORIAL / "benzene.in", tmp_path / "single_molecule")
    (tmp_path / "run").mkdir()
    text = (TUTORIAL / "ui.conf").read_text()

    def load_with(line=""):
        (tmp_path / "run" / "ui.conf").write_text(
            text.replace("[Genarris_master]\n", f"[Genarris_master]\n{line}\n", 1)
        )
        return load(tmp_path / "run" / "ui.conf")

    return load_with


@pytest.mark.parametrize("defaults", ["", "defaults = 2.0"])
def test_the_tutorial_passes_as_printed(tutorial, tmp_path, defaults):
    configuration = tutorial(defaults)
    assert [step.name for step in configuration.steps] == [
        "relax_single_molecule",
        "estimate_unit_cell_volume",
        "pygenarris_structure_generation",
        "run_rdf_calc",
        "affinity_propagation_fixed_clusters",
        "fhi_aims_energy_evaluation",
        "affinity_propagation_fixed_clusters_2",
        "run_fhi_aims_batch",
    ]
    pools = {
        step.name: (step.options.get("input_pool"), step.options.get("output_pool")) for step in configuration.steps
    }
    assert pools["run_rdf_calc"] == ("benzene_2mpc_raw_jsons", "benzene_2mpc_0_he_rsf")
    assert pools["affinity_propagation_fixed_clusters"] == ("benzene_2mpc_0_he_rsf", "sample_structures_clustered")
    assert pools["fhi_aims_energy_evaluation"] == ("sample_structures_exemplars", "benzene_2mpc_with_energies")
    assert pools["affinity_propagation_fixed_clusters_2"] == (
        "benzene_2mpc_with_energies",
        "sample_structures_clustered_2",
    )
    assert pools["run_fhi_aims_batch"] == ("sample_structures_exemplars_2", "benzene_2mpc_relaxed")
    first, second = (configuration.step("affinity_propagation_fixed_clusters" + n) for n in ("", "_2"))
    run = tmp_path / "run"
    assert first.options["matrix_step"] == "run_rdf_calc"
    assert second.options["matrix_step"] == "affinity_propagation_fixed_clusters"
    assert first.options["exemplars_matrix_file"] == second.options["dist_mat_input_file"]
    assert second.options["dist_mat_input_file"] == str(run / "rsf_distance_matrix1.dat")
    assert second.options["affinity_matrix_path"] == str(run / "affinity_matrix1.dat")
    assert (first.options["num_of_clusters"], second.options["num_of_clusters"]) == (10, 3)
    assert (first.options["cluster_on_energy"], second.options["cluster_on_energy"]) == (False, True)
    assert (first.options["property_key"], second.options["property_key"]) == ("AP_cluster", "AP_cluster_2")
    assert (first.options["exemplar_key"], second.options["exemplar_key"]) == ("AP_exemplar", "AP_exemplar_2")
    assert second.options["exemplars_pool"] == "sample_structures_exemplars_2"
    rdf = configuration.step("run_rdf_calc").options
    new = bool(defaults)
    assert rdf["property_name"] == ("RSF" if new else "RDF")
    assert rdf["Rs_range"] == ([1, 10] if new else [0.1, 12])
    assert rdf["normalize_rdf_vectors"] is rdf["standardize_distance_matrix"] is new
    generator = configuration.step("pygenarris_structure_generation").options
    assert generator["max_attempts"] == 10**6
    assert generator["volume_step"] == "estimate_unit_cell_volume"
    assert generator["molecule_step"] == "relax_single_molecule"
    assert configuration.unavailable_engines() == ["aims"]
    assert any("aims_lib_dir" in notice for notice in configuration.notices)
    for name, control in (
        ("relax_single_molecule", "control_relax_single_molecule.in"),
        ("fhi_aims_energy_evaluation", "control_scf.in"),
        ("run_fhi_aims_batch", "control_relax_structs.in"),
    ):
        settings = configuration.step(name).options["engine_settings"]
        assert settings["control_path"] == str(tmp_path / "controls" / control)
        assert settings["aims_lib_dir"] == str(run / "aims_lib")


def test_the_two_sets_of_defaults_differ_where_they_should(tutorial):
    lines = difference(tutorial().to_dict(), tutorial("defaults = 2.0").to_dict())
    assert lines == [
        'Genarris_master.defaults: "manual" -> "2.0"',
        "run_rdf_calc.normalize_rdf_vectors: false -> true",
        "run_rdf_calc.standardize_distance_matrix: false -> true",
        "run_rdf_calc.Rs_range: [0.1, 12.0] -> [1.0, 10.0]",
        'run_rdf_calc.property_name: "RDF" -> "RSF"',
        'affinity_propagation_fixed_clusters.vectors_name: "RDF" -> "RSF"',
        'affinity_propagation_fixed_clusters_2.vectors_name: "RDF" -> "RSF"',
    ]


def test_what_is_required_only_by_the_last_code(tmp_path):
    lines = problems(tmp_path, generation(master="defaults = 2.0"))
    assert [line.split(";")[0] for line in lines] == [
        "4: [pygenarris_structure_generation] missing required option sr",
        "4: [pygenarris_structure_generation] missing required option tol",
    ]


def test_names_do_not_depend_on_case_and_both_generations_are_known(tmp_path):
    (tmp_path / "jsons").mkdir()
    (tmp_path / "jsons" / "a.json").write_text("{}")
    configuration = resolve(
        tmp_path,
        """
        [GENARRIS_MASTER]
        Procedures = ["run_rsf_calc"]
        [Run_RSF_Calc]
        STRUCTURE_DIR = jsons
        Normalize_RSF_Vectors = true
        n_d_inter = 6
        output_format = geo
        verbose_output = TRUE
        """,
    )
    options = configuration.steps[0].options
    assert configuration.steps[0].procedure == "Run_Rdf_Calc"
    assert options["normalize_rdf_vectors"] is True and options["n_D_inter"] == 6 and options["verbose"] is True
    assert options["output_format"] == "geometry"
    assert (options["input_pool"], options["output_pool"]) == ("jsons", "jsons")
    # What is imported stays as it is.
    assert options["import_folder"] == str(tmp_path / "jsons")
    assert options["output_dir"] == str(tmp_path / "run_rdf_calc")


def test_no_new_output_dir_means_something_for_the_descriptor_only(tmp_path):
    configuration = resolve(
        tmp_path,
        ROBUST + "output_dir = no_new_output_dir\n[run_rdf_calc]\noutput_dir = NO_new_output_dir\n",
    )
    rdf = configuration.step("run_rdf_calc").options
    assert rdf["output_dir"] is None and rdf["output_pool"] == rdf["input_pool"] == "raw"
    clustering = configuration.step("affinity_propagation_fixed_clusters").options
    assert clustering["output_dir"] == str(tmp_path / "no_new_output_dir")


def test_a_pool_of_an_earlier_step_wins_over_a_folder_on_disk(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "left_over.json").write_text("{}")
    configuration = resolve(tmp_path, ROBUST + "\n[run_rdf_calc]\nstructure_dir = raw\n")
    assert configuration.step("run_rdf_calc").options["input_pool"] == "raw"
    assert configuration.step("run_rdf_calc").options["import_folder"] is None


def test_inference_does_not_look_at_the_disk(tmp_path):
    before = resolve(tmp_path, ROBUST).to_dict()
    for name in ("raw", "affinity_propagation_fixed_clusters", "affinity_propagation_fixed_clusters_2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.json").write_text("{}")
    (tmp_path / "AP_cluster.info").write_text("an earlier run")
    assert resolve(tmp_path, ROBUST).to_dict() == before


def test_the_robust_workflow_needs_little(tmp_path):
    configuration = resolve(tmp_path, ROBUST)
    relax = configuration.step("relax_single_molecule").options
    assert relax["molecule_symmetry"] == "keep" and relax["engine"] == "tblite" and relax["Z"] == 2
    assert relax["engine_settings"]["method"] == "GFN1-xTB" and relax["engine_settings"]["min_width"] == 9.0
    first, second = (configuration.step("affinity_propagation_fixed_clusters" + n).options for n in ("", "_2"))
    assert first["exemplars_pool"] == "affinity_propagation_fixed_clusters_exemplars"
    assert first["exemplars_output_dir"] is None
    assert first["output_pool"] == "affinity_propagation_fixed_clusters"
    assert second["output_pool"] == "affinity_propagation_fixed_clusters_2"
    assert second["input_pool"] == "fhi_aims_energy_evaluation"
    assert configuration.step("run_fhi_aims_batch").options["relax"] is True
    assert configuration.step("run_fhi_aims_batch").options["input_pool"] == second["exemplars_pool"]
    assert configuration.step("fhi_aims_energy_evaluation").options["relax"] is False
    assert configuration.unavailable_engines() == []


def test_a_second_occurrence_by_suffix_and_by_its_own_section(tmp_path):
    text = ROBUST + (
        "exemplars_output_dir = best\ndamping = 0.7\nnum_of_clusters = 7\ndamping_2 = 0.8\nmax_iter_2 = 5\n"
        "[affinity_propagation_fixed_clusters_2]\nmax_iter = 9\noutput_format = json\n"
    )
    configuration = resolve(tmp_path, text)
    first, second = (configuration.step("affinity_propagation_fixed_clusters" + n).options for n in ("", "_2"))
    assert (first["damping"], second["damping"]) == (0.7, 0.8)
    assert (first["max_iter"], second["max_iter"]) == (1000, 9)
    assert (first["num_of_clusters"], second["num_of_clusters"]) == (7, 0.1)
    assert (first["output_format"], second["output_format"]) == ("both", "json")
    assert (first["exemplars_pool"], second["exemplars_pool"]) == ("best", "best_2")
    origins = configuration.step("affinity_propagation_fixed_clusters_2").origins
    assert origins["max_iter"] == f"ui.conf line {text.splitlines().index('max_iter = 9') + 1}"
    assert origins["exemplars_output_dir"].startswith("inferred from [affinity_propagation_fixed_clusters]")


@pytest.mark.parametrize(
    ("generator", "estimate", "expected"),
    [
        ("volume_mean = 200", "", (200, 15, None)),
        ("volume_mean = 200\nvolume_std = 3", "", (200, 3, None)),
        ("volume_mean = 200", "volume_mean = 300\nvolume_std = 4", (200, 4, None)),
        ("", "volume_mean = 300\nvolume_std = 4", (None, None, "estimate_unit_cell_volume")),
        ("volume_std = 3", "", (None, 3, "estimate_unit_cell_volume")),
        ("volume_mean = 200", "std_of_predicted_errors = 0.01", (200, 6, None)),
    ],
)
def test_where_the_volume_comes_from(tmp_path, generator, estimate, expected):
    text = (
        generation(generator).replace('["Pyg', '["Estimate_Unit_Cell_Volume", "Pyg')
        + f"[estimate_unit_cell_volume]\n{estimate}\n"
    )
    options = resolve(tmp_path, text).steps[1].options
    mean, std, step = expected
    assert options["volume_mean"] == mean and options["volume_step"] == step
    assert options["volume_std"] == (None if std is None else pytest.approx(std))


def test_a_given_volume_spreads_by_three_times_the_error(tmp_path):
    text = generation().replace('["Pyg', '["Estimate_Unit_Cell_Volume", "Pyg')
    text += "[estimate_unit_cell_volume]\nvolume_mean = 400\nstd_of_predicted_errors = 0.04\n"
    options = resolve(tmp_path, text).steps[0].options
    assert (options["volume_mean"], options["volume_std"]) == (400, pytest.approx(48))


def test_the_estimates_own_section_gives_the_volume_without_the_procedure(tmp_path):
    text = generation() + "[estimate_unit_cell_volume]\nvolume_mean = 300\n"
    options = resolve(tmp_path, text).steps[0].options
    assert (options["volume_mean"], options["volume_std"]) == (300, pytest.approx(22.5))


def test_numbers_per_rank(tmp_path):
    options = (
        resolve(
            tmp_path,
            generation(
                "num_cores = 4\nmax_attempts_per_spg_per_rank = 1e6\nnum_structures_per_allowed_SG_per_rank = 3\n"
            ),
        )
        .steps[0]
        .options
    )
    assert (options["max_attempts"], options["structures_per_group"]) == (4 * 10**6, 12)
    assert "max_attempts_per_spg_per_rank" not in options
    options = resolve(tmp_path, generation().replace("num_structures = 10\n", "")).steps[0].options
    assert options["structures_per_group"] == 1 and options["max_attempts"] == 10**9


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("all", "all"),
        ("CSD", "csd"),
        ("'racemic'", "racemic"),
        ("chiral", "chiral"),
        ("14", [14]),
        ("[19, 4]", [4, 19]),
    ],
)
def test_the_choice_of_space_groups(tmp_path, written, read):
    options = resolve(tmp_path, generation(f"space_groups = {written}")).steps[0].options
    assert options["space_groups"] == read


def test_what_the_generator_is_asked_when_nothing_is_said(tmp_path):
    options = resolve(tmp_path, generation()).steps[0].options
    assert {name: options[name] for name in ("space_groups", "generation_mode", "contact_rules")} == {
        "space_groups": "all",
        "generation_mode": "rejection",
        "contact_rules": "2.0",
    }
    assert options["custom_radii"] is options["custom_radii_by_pairs"] is options["press_sr"] is None
    assert (options["max_deformation"], options["duplicate_tolerance"]) == (1e-3, 0.01)
    assert options["site_combinations"] is options["rigid_press"] is False


def test_contact_rules_of_the_generator_hold_for_the_press(tmp_path):
    rules = "contact_rules = 3.X\ncustom_radii = {'Fe': 2, 'H': 1.1}\ncustom_radii_by_pairs = {\"O-H\": 1.5}"
    text = ROBUST.replace('"Run_Rdf_Calc", ', '"Rigid_Press", "Run_Rdf_Calc", ').replace("Z = 2\n", f"Z = 2\n{rules}\n")
    configuration = resolve(tmp_path, text + "[rigid_press]\ncustom_radii = {'H': 1.2}\n")
    options = configuration.step("pygenarris_structure_generation").options
    assert options["contact_rules"] == "3.x" and options["custom_radii"] == {"Fe": 2.0, "H": 1.1}
    press = configuration.step("rigid_press")
    assert press.options["contact_rules"] == "3.x" and press.options["custom_radii_by_pairs"] == {"O-H": 1.5}
    assert press.options["custom_radii"] == {"H": 1.2}
    assert press.origins["contact_rules"].startswith("inferred from [pygenarris_structure_generation] contact_rules")
    assert (press.options["sr"], press.options["symprec"], press.options["max_steps"]) == (0.85, 1e-3, 400)
    assert (press.options["input_pool"], press.options["output_pool"]) == ("raw", "rigid_press")
    assert press.options["output_dir"] == str(tmp_path / "rigid_press") and "structure_dir" not in press.options
    assert configuration.step("run_rdf_calc").options["input_pool"] == "rigid_press"


def test_the_press_works_on_any_pool_and_twice(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.json").write_text("{}")
    text = (
        "[Genarris_master]\nprocedures = ['Rigid_Press', 'Rigid_Press']\n"
        "[rigid_press]\nstructure_dir = mine\noutput_dir = pressed\nsr_2 = 0.8\n"
    )
    first, second = resolve(tmp_path, text).steps
    assert first.options["import_folder"] == str(tmp_path / "mine") and first.options["contact_rules"] == "2.0"
    assert (first.options["output_pool"], second.options["input_pool"]) == ("pressed", "pressed")
    assert (second.options["output_pool"], second.options["sr"]) == ("pressed_2", 0.8)


def test_pressed_structures_have_no_energies_and_no_distances_yet(tmp_path):
    text = ROBUST.replace('"Run_Rdf_Calc",', '"Run_Rdf_Calc", "Rigid_Press",')
    lines = problems(tmp_path, text)
    assert len(lines) == 1 and "no distance matrix of the pool 'rigid_press'" in lines[0]


def test_restart_after_the_press_imports_the_pressed_structures(tmp_path):
    for folder in ("raw", "pressed"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.json").write_text("{}")
    sections = ROBUST[ROBUST.index("\n[relax") :] + "[rigid_press]\noutput_dir = pressed\n"
    options = resolve(tmp_path, "[Genarris_master]\nprocedures = ['Run_Rdf_Calc']\n" + sections).steps[0].options
    assert options["import_folder"] == str(tmp_path / "pressed")


def test_restart_by_hand_imports_what_the_finished_procedures_wrote(tmp_path):
    """The manual's way to restart: finished procedures leave the list, their sections stay."""
    for folder in ("best_2", "rdf"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.json").write_text("{}")
    (tmp_path / "rdf.dat").write_bytes(b"")
    sections = ROBUST[ROBUST.index("\n[relax") :] + (
        "exemplars_output_dir_2 = best_2\n[run_rdf_calc]\noutput_dir = rdf\ndist_mat_fpath = rdf.dat\n"
    )
    head = '[Genarris_master]\nengine = tblite\nprocedures = ["Run_FHI_Aims_Batch"]\n'
    options = resolve(tmp_path, head + sections).steps[0].options
    assert options["import_folder"] == str(tmp_path / "best_2") and options["Z"] == 2
    head = '[Genarris_master]\nengine = tblite\nprocedures = ["Affinity_Propagation_Fixed_Clusters"]\n'
    options = resolve(tmp_path, head + sections).steps[0].options
    assert options["import_folder"] == str(tmp_path / "rdf")
    assert options["dist_mat_input_file"] == str(tmp_path / "rdf.dat") and options["matrix_step"] is None


def test_by_hand_what_was_selected_goes_before_exemplars(tmp_path):
    for folder in ("best_2", "chosen"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.json").write_text("{}")
    sections = ROBUST[ROBUST.index("\n[relax") :] + (
        "exemplars_output_dir_2 = best_2\n[select_structures]\noutput_dir = chosen\n"
    )
    head = '[Genarris_master]\nengine = tblite\nprocedures = ["Run_FHI_Aims_Batch"]\n'
    assert resolve(tmp_path, head + sections).steps[0].options["import_folder"] == str(tmp_path / "chosen")


def test_engine_and_its_settings_are_inferred_from_earlier_sections(tmp_path):
    text = (
        ROBUST.replace("engine = tblite\n", "").replace(
            "molecule_path = molecule.in", "molecule_path = molecule.in\nengine = TBLITE\nmethod = gfn2\nfmax = 0.01"
        )
        + "[run_fhi_aims_batch]\nfmax = 0.1\n"
    )
    configuration = resolve(tmp_path, text)
    batch = configuration.step("run_fhi_aims_batch")
    assert batch.options["engine"] == "tblite" and batch.origins["engine"].startswith("inferred from [relax_single")
    assert batch.options["engine_settings"]["method"] == "GFN2-xTB"
    assert batch.options["engine_settings"]["fmax"] == 0.1
    assert configuration.step("fhi_aims_energy_evaluation").options["engine_settings"]["fmax"] == 0.01


def test_any_ase_calculator(tmp_path):
    text = ROBUST.replace(
        "engine = tblite",
        "engine = ase\ncalculator = ase.calculators.emt:EMT\n"
        "calculator_settings = {'asap_cutoff': True, 'x': [1, 2.5]}",
    )
    settings = resolve(tmp_path, text).step("run_fhi_aims_batch").options["engine_settings"]
    assert settings["calculator"] == "ase.calculators.emt:EMT"
    assert settings["calculator_settings"] == {"asap_cutoff": True, "x": [1, 2.5]}
    assert "method" not in settings and "aims_command" not in settings


def test_a_potential_and_a_format_that_packages_bring(tmp_path):
    text = ROBUST.replace("engine = tblite", "engine = ase\ncalculator = ARGON").replace(
        "[pygenarris_structure_generation]", "[pygenarris_structure_generation]\noutput_format = gen"
    )
    with installed(tmp_path, package_of("add-a-potential.md"), package_of("add-a-format.md")):
        configuration = resolve(tmp_path, text)
    assert configuration.step("run_fhi_aims_batch").options["engine_settings"]["calculator"] == "argon"
    assert configuration.step("pygenarris_structure_generation").options["output_format"] == "gen"
    lines = "\n".join(problems(tmp_path, text))
    assert "calculator = 'ARGON': expected module:factory or one of the potentials installed" in lines
    assert "output_format = 'gen': expected both, geometry (or geo) or json" in lines


def test_without_effect_is_a_notice(tmp_path):
    configuration = resolve(
        tmp_path,
        generation("prop_figname = x.pdf\nnum_structures_2 = 4", master="working_dir = .\ninfo_level = 3")
        + "[rcd_calculation]\nclose_picks = 8\n[structure_generation_batch]\nNMPC = 2\n[FHI-aims]\nx = 1\n"
        + "[run_rdf_calc]\ndevice = cpu\n",
    )
    text = "\n".join(configuration.notices)
    for words in (
        "working_dir",
        "info_level",
        "prop_figname",
        "num_structures_2",
        "RCD_Calculation is not among",
        "device",
    ):
        assert words in text
    assert "[structure_generation_batch] this section has no effect" in text and "[FHI-aims]" in text
    assert "Run_Rdf_Calc is not among the procedures" in text


def test_to_dict_is_plain_json_and_comes_back(tmp_path):
    import json

    configuration = resolve(tmp_path, ROBUST)
    record = json.loads(json.dumps(configuration.to_dict(), allow_nan=False))
    assert Configuration.from_dict(record) == configuration
    assert options_hash(Configuration.from_dict(record)) == options_hash(configuration)
    rows = configuration.describe()
    assert ("pygenarris_structure_generation", "num_structures", 10, "ui.conf line 12") in rows
    assert ("Genarris_master", "seed", 0, "default") in rows


def test_run_name_and_folder(tmp_path):
    assert resolve(tmp_path / "a b", generation()).run_name == "a_b"
    assert resolve(tmp_path, generation(master="run_name = 007")).run_name == "007"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("num_replicas = 4", None),
        ("verbose = TRUE", None),
        ("output_dir = elsewhere", None),
        ("output_format = both", None),
        ("geometry_out_filename = g.out", None),
        ("# only a remark", None),
        ("sr = 0.85", None),
        ("sr = 0.8", "pygenarris_structure_generation.sr: 0.85 -> 0.8"),
        ("space_groups = [14, 19]", 'pygenarris_structure_generation.space_groups: "all" -> [14, 19]'),
        ("contact_rules = 2.0", None),
        ("contact_rules = vdw", 'pygenarris_structure_generation.contact_rules: "2.0" -> "vdw"'),
        ("rigid_press = TRUE", "pygenarris_structure_generation.rigid_press: false -> true"),
    ],
)
def test_the_hash_follows_what_changes_results(tmp_path, change, line):
    old, new = resolve(tmp_path, generation()), resolve(tmp_path, generation(change))
    assert difference(old.to_dict(), new.to_dict()) == ([line] if line else [])
    assert (options_hash(old) == options_hash(new)) is (line is None)


def test_the_hash_follows_the_content_of_the_molecule_and_not_its_place(tmp_path):
    one, two = resolve(tmp_path / "one", generation()), resolve(tmp_path / "two", generation())
    assert options_hash(one) == options_hash(two)
    path = write(tmp_path / "two", generation())
    (tmp_path / "two" / "molecule.in").write_text("atom 0 0 0 He\n")
    two = load(path)
    assert options_hash(one) != options_hash(two)
    (line,) = difference(one.to_dict(), two.to_dict())
    assert line.startswith("pygenarris_structure_generation.molecule_path: ")


def test_renaming_a_pool_in_the_middle_changes_nothing(tmp_path):
    old = resolve(tmp_path, ROBUST)
    new = resolve(tmp_path, ROBUST.replace("./raw/", "first/pool") + "exemplars_output_dir = best\n")
    assert options_hash(old) == options_hash(new)


@pytest.mark.parametrize("what", ["missing", "folder", "binary", "nul", "empty"])
def test_a_file_that_is_no_ui_conf(tmp_path, what):
    path = tmp_path / "ui.conf"
    if what == "folder":
        path.mkdir()
    elif what != "missing":
        path.write_bytes({"binary": b"[a]\n\xff\xfe\x01", "nul": b"[a]\nx = \0\n", "empty": b""}[what])
    with pytest.raises(OptionsError) as caught:
        load(path)
    assert len(caught.value.problems) == 1 and str(path) in str(caught.value)


def test_resolved_settings_are_what_the_engines_take(tmp_path):
    from genarris_fw import engines

    options = (
        resolve(tmp_path, ROBUST.replace("= tblite", "= ase\ncalculator = ase.calculators.emt:EMT")).steps[0].options
    )
    engine = engines.get(options["engine"], **options["engine_settings"])
    assert {name: engine.settings[name] for name in options["engine_settings"]} == options["engine_settings"]
