import json

import pytest
from pydantic import ValidationError

from genarris_fw.declaring import types
from genarris_fw.declaring.option import REQUIRED
from genarris_fw.errors import InputError
from genarris_fw.options.registered import by_name, models
from genarris_fw.options.sections import match_section
from genarris_fw.options.tables import as_records, model_named, rows

EVERY = [(model, name) for model in models() for name in model.declared()]


@pytest.mark.parametrize(("model", "name"), EVERY, ids=lambda x: x if isinstance(x, str) else x.procedure)
def test_every_option_is_described_and_its_defaults_are_of_its_type(model, name):
    info = model.info(name)
    assert model.description(name) and model.expected(name) and model.said(name)
    assert info.category in ("required", "optional", "inferred")
    for defaults in ("manual", "2.0"):
        default = info.default_of(defaults)
        if default is not None and default is not REQUIRED:
            assert model.read(name, str(default)) == default


@pytest.mark.parametrize("model", models(), ids=lambda model: model.procedure)
def test_no_spelling_means_two_options(model):
    spellings = [s.lower() for name in model.declared() for s in (name, *model.info(name).aliases)]
    assert len(spellings) == len(set(spellings))
    assert not set(spellings) & set(model.no_effect)


def test_the_manuals_options_are_all_there():
    """Every option of chapter 4.2, by procedure."""
    manual = {
        "Affinity_Propagation_Fixed_Clusters": """output_dir preference_range structure_dir dist_mat_input_file
            output_format cluster_on_energy plot_histograms num_of_clusters num_of_clusters_tolerance
            max_sampled_preferences output_without_success affinity_type affinity_matrix_path damping convergence_iter
            max_iter preference verbose_output property_key output_file exemplars_output_dir
            exemplars_output_format""",
        "Estimate_Unit_Cell_Volume": "volume_mean volume_std",
        "Pygenarris_Structure_Generation": """molecule_path output_format output_dir num_structures Z volume_mean
            volume_std sr tol max_attempts_per_spg_per_rank num_structures_per_allowed_SG_per_rank
            geometry_out_filename omp_num_threads truncate_to_num_structures""",
        "Run_Rdf_Calc": """structure_dir dist_mat_fpath output_dir normalize_rdf_vectors standardize_distance_matrix
            save_envs cutoff n_D_inter init_scheme eta_range Rs_range pdist_distance_type""",
        "Run_FHI_Aims_Batch": """verbose energy_name output_dir aims_output_dir aims_lib_dir molecule_path
            structure_dir Z""",
    }
    for procedure, names in manual.items():
        known = by_name()[procedure.lower()].names()
        assert [name for name in names.split() if name.lower() not in known] == []


def test_sections_by_name():
    assert match_section("Run_RSF_Calc_3")[1] == 3
    assert match_section("run_rdf_calc")[0] is match_section("RUN_RSF_CALC")[0]
    assert match_section("run_rdf_calc_1") is match_section("run_rdf_calc_02") is match_section("x") is None


def test_tables():
    records = json.loads(json.dumps(as_records()))
    assert list(records) == [model.procedure for model in models()]
    row = next(row for row in rows(model_named("pygenarris_structure_generation")) if row.option == "sr")
    assert (row.type, row.default, row.default_2_0) == ("float", "0.85", "required")
    with pytest.raises(InputError, match="did you mean 'Run_Rdf_Calc'"):
        model_named("run_rdf_cal")


def accepts(model, option, value):
    try:
        model.model_validate({option: str(value)})
    except ValidationError:
        return False
    return True


def test_words_agree_with_the_rooms_that_use_them():
    from genarris_fw.clustering import matching, memory
    from genarris_fw.clustering.duplicates import Windows
    from genarris_fw.clustering.matching import Matching
    from genarris_fw.descriptors import RDF_CONVENTIONS, distances
    from genarris_fw.generation import contacts
    from genarris_fw.generation.group_choice import choose
    from genarris_fw.procedures.options.run_rdf_calc import METRICS

    assert set(METRICS) == set(distances.METRICS)
    generator = model_named("Pygenarris_Structure_Generation")
    for word in types.SPACE_GROUP_WORDS:
        assert choose(word, [2, 19]) is not None
    for name in contacts.HYDROGEN_BONDS:
        assert generator.model_validate({"contact_rules": name}).contact_rules == name
    for length, fits in ((contacts.LARGEST_RADIUS, True), (contacts.LARGEST_RADIUS + 0.1, False)):
        assert accepts(generator, "custom_radii", {"H": length}) is fits
    for length, fits in ((contacts.LARGEST_DISTANCE, True), (contacts.LARGEST_DISTANCE + 0.1, False)):
        assert accepts(generator, "custom_radii_by_pairs", {"O-H": length}) is fits
    for name in RDF_CONVENTIONS:
        assert model_named("Run_Rdf_Calc").model_validate({"rdf_convention": name}).rdf_convention == name
    clustering = model_named("Affinity_Propagation_Fixed_Clusters")
    for name in memory.METHODS:
        assert clustering.model_validate({"cluster_method": name}).cluster_method == name
    for name in memory.SOLVERS:
        assert clustering.model_validate({"solver": name}).solver == name
    duplicates = model_named("Remove_Duplicates")
    for group in (Windows(), Matching()):
        for name, value in vars(group).items():
            assert duplicates.info(name).default == value, name
    for name in matching.METHODS:
        assert duplicates.model_validate({"method": name}).method == name
