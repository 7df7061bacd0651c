"""How many structures survived each stage."""

from small_run import RUN

from genarris_fw.catalogue import Catalogue
from genarris_fw.views.funnel import funnel


def test_each_stage_says_how_many_it_left_of_how_many(catalogue: Catalogue) -> None:
    rows = [(row["pool"], row["structures"], row["of"], row["of_draws"]) for row in funnel(catalogue, RUN)]
    assert rows == [
        ("raw", 12, 1000, True),
        ("clusters", 12, 12, False),
        ("exemplars", 4, 12, False),
        ("energies", 4, 4, False),
        ("relaxed", 2, 4, False),
    ]


def test_what_only_adds_to_a_pool_is_no_stage_and_of_imports_nothing_is_known(catalogue: Catalogue) -> None:
    step = {"name": "run_rdf_calc", "procedure": "Run_Rdf_Calc", "options": {"input_pool": "raw", "output_pool": "raw"}}
    options = catalogue.runs.get(RUN)["options"]["steps"]
    catalogue.runs.set(RUN, **{"options.steps": [*options, step]})
    catalogue.structures.replace_pool(RUN, "brought", [])
    catalogue.runs.set_pool(RUN, "brought", 3)
    rows = funnel(catalogue, RUN)
    assert [row["pool"] for row in rows].count("raw") == 1
    assert rows[0] == {"step": "import", "pool": "brought", "structures": 3, "of": None, "of_draws": False}


def test_draws_of_a_search(catalogue: Catalogue) -> None:
    name = "pygenarris_structure_generation"
    catalogue.runs.set(RUN, **{f"summaries.{name}": {"draws": 4321}})
    assert funnel(catalogue, RUN)[0]["of"] == 4321
    catalogue.runs.set(RUN, **{f"summaries.{name}": {"groups": 7}})
    assert funnel(catalogue, RUN)[0]["of"] is None
