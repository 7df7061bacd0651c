"""What a real server answers: to the specification's validator, to the library's client, to any other."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import landscape
import numpy as np
import pytest
import small_run
from optimade_served import Served, served

from genarris_fw.catalogue import Catalogue
from genarris_fw.pools.documents import from_document

FIRST = f"{small_run.RUN}:{small_run.IDS[0]}"
PAGE = (Path(__file__).parents[2] / "docs" / "optimade.md").read_text()
OF_THE_PAGE = "http://127.0.0.1:8700"
ALL = len(small_run.IDS) + len(small_run.CHILDREN) + len(landscape.IDS) + 2


@pytest.fixture(scope="module")
def server(filled_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served("--uri", filled_uri, "--license", "CC-BY-4.0", cwd=tmp_path_factory.mktemp("serving")) as found:
        yield found
        found.process.terminate()
        # No request, wrong as it may have been, left anything on standard error.
        assert found.process.communicate()[1] == "Ctrl-C ends it\n"


def test_the_validator_passes(server: Served) -> None:
    from optimade.validator import ImplementationValidator

    random.seed(0)  # it draws which structure, and which of its properties, it asks for
    validator = ImplementationValidator(base_url=f"http://127.0.0.1:{server.port}", verbosity=-1)
    validator.validate_implementation()
    results = validator.results
    assert validator.valid, results.failure_messages
    assert results.failure_count == results.internal_failure_count == results.optional_failure_count == 0
    assert results.success_count > 50 and results.optional_success_count > 10


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ('elements HAS "C" AND nelements = 2', ALL - 2),
        ('elements HAS ANY "H","N"', 2),
        ('elements HAS ONLY "O","H"', 1),
        ("nelements > 2", 1),
        ('chemical_formula_reduced = "CO2"', ALL - 2),
        ('chemical_formula_anonymous = "A2B"', ALL - 1),
        ('chemical_formula_hill = "C2O4"', ALL - 2),
        ('chemical_formula_descriptive = "H2O"', 1),
        ('chemical_formula_reduced CONTAINS "("', 0),
        ("nsites < 5", 2),
        ("nperiodic_dimensions = 0", 1),
        ("lattice_vectors IS UNKNOWN", 0),
        ("lattice_vectors LENGTH 3", ALL),
        ("cartesian_site_positions LENGTH 3", 1),
        ('species_at_sites HAS "N"', 1),
        ('type = "structures"', ALL),
        (f'id = "{FIRST}"', 1),
        ('_gfw_run = "landscape"', len(landscape.IDS)),
        ('_gfw_pools HAS "exemplars"', len(small_run.EXEMPLARS)),
        ('_gfw_pools HAS ALL "raw","clusters"', len(small_run.IDS)),
        ("_gfw_parent IS KNOWN", len(small_run.CHILDREN)),
        (f'structures.id HAS "{FIRST}"', 1),
        ("_gfw_energy_converged = TRUE", len(small_run.EXEMPLARS) + len(small_run.CHILDREN)),
        ("_gfw_energy_converged = FALSE", 0),
        ('_gfw_energy_engine = "tblite" AND NOT _gfw_spg = 2', 4),
        ("_gfw_eos_b0 > 12", 1),
        ('_gfw_a_b_c ENDS WITH "dd"', 1),
        ('_gfw_point_group = "mm2"', 1),
        ('last_modified > "2025-01-01T00:00:00Z"', ALL),
        ("_other_thing > 3", 0),
        ("NOT (" * 50 + "nsites > 0" + ")" * 50, ALL),
        ("(nelements = 9 OR (nsites > 0 AND " * 25 + "nsites > 0" + "))" * 25, ALL),
        ('_gfw_run = "' + "(" * 99 + '"', 0),
    ],
)
def test_filters(server: Served, query: str, number: int) -> None:
    assert server.structures(query, response_fields="nsites", page_limit=1).number == number


def test_numbers_are_those_of_the_structures(server: Served) -> None:
    limits = (0.7, -95.0)
    ours = [d > limits[0] and e < limits[1] for d, e, _ in landscape.numbers().values()]
    query = f'_gfw_run = "landscape" AND _gfw_density > {limits[0]} AND _gfw_lattice_energy < {limits[1]}'
    assert 0 < server.structures(query).number == sum(ours) < len(ours)
    of_14 = sum(group == 14 for _, _, group in landscape.numbers().values())
    assert server.structures('space_group_it_number = 14 AND _gfw_run = "landscape"').number == of_14


def test_sorted_page_by_page(server: Served) -> None:
    query = {
        "filter": '_gfw_run = "landscape"',
        "sort": "-_gfw_spg,_gfw_lattice_energy",
        "page_limit": 48,
    }  # the last page is full
    found, path = [], "v1/structures"
    answer = server.get(path, **query, response_fields="_gfw_struct_id")
    while True:
        found += [one["attributes"]["_gfw_struct_id"] for one in answer.content["data"]]
        assert all(one["attributes"].keys() == {"_gfw_struct_id"} for one in answer.content["data"])
        assert answer.content["meta"]["more_data_available"] == bool(answer.content["links"]["next"])
        assert answer.ids, "a page after the last one"
        if not answer.content["links"]["next"]:
            break
        answer = server.get(answer.content["links"]["next"].partition(f":{server.port}/")[2])
    numbers = landscape.numbers()
    assert found == sorted(numbers, key=lambda name: (-numbers[name][2], numbers[name][1], name))


def test_the_client_gets_what_we_have(server: Served, catalogue: Catalogue) -> None:
    from optimade.adapters import Structure
    from optimade.client import OptimadeClient

    address = f"http://127.0.0.1:{server.port}"
    client = OptimadeClient(base_urls=[address], max_results_per_provider=0, silent=True)
    query = 'elements HAS "C" AND _gfw_density > 0.75'
    found = client.get(query)["structures"][query][address]["data"]
    ours = {
        document["_id"]: from_document(document)
        for document in catalogue.structures.collection.find(
            {"pools": {"$ne": []}, "properties.density": {"$gt": 0.75}}
        )
    }
    assert {one["id"] for one in found} == ours.keys() and len(found) > 50
    assert client.count(query)["structures"][query][address] == len(ours)
    for one in found:
        structure, atoms = ours[one["id"]], Structure(one).convert("ase")
        assert atoms.get_chemical_symbols() == structure.species
        np.testing.assert_allclose(atoms.positions, structure.positions, atol=1e-9, rtol=0)
        np.testing.assert_allclose(atoms.cell[:], structure.cell, atol=1e-9, rtol=0)


def test_pymatgen_gets_what_we_have(server: Served, catalogue: Catalogue) -> None:
    pytest.importorskip("pymatgen.core", reason="the extra [structure_matcher] is not installed")
    from optimade.adapters import Structure

    answer = server.get(f"v1/structures/{FIRST}")
    ours = from_document(next(catalogue.structures.load(small_run.RUN, small_run.IDS[:1])))
    found = Structure(answer.content["data"]).convert("pymatgen")
    np.testing.assert_allclose(found.lattice.matrix, ours.cell, atol=1e-9)
    np.testing.assert_allclose(found.cart_coords, ours.positions, atol=1e-9)
    molecule = server.get("v1/structures/given:water").content["data"]
    assert molecule["attributes"]["lattice_vectors"] == [[None] * 3] * 3
    assert Structure(molecule).convert("pymatgen").formula == "H2 O1"


def test_properties_are_described(server: Served) -> None:
    about = server.get("v1/info/structures").content["data"]["properties"]
    assert about["_gfw_density"]["unit"] == "g/cm³" and about["_gfw_density"]["type"] == "float"
    assert about["_gfw_lattice_energy"]["unit"] == "kJ/mol per molecule"
    assert about["_gfw_spg"] | {"sortable": True} == about["_gfw_spg"] and about["_gfw_spg"]["type"] == "integer"
    assert about["_gfw_pools"]["type"] == "list" and about["_gfw_energy_converged"]["type"] == "boolean"
    assert "engine" in about["_gfw_energy_engine"]["description"]
    assert all(one["description"] for name, one in about.items() if name.startswith("_gfw_"))
    assert not {"_gfw_rdf", "_gfw_amd", "_gfw_eos_volumes"} & about.keys()  # lists of numbers
    attributes = server.get(f"v1/structures/{FIRST}").content["data"]["attributes"]
    assert {name for name in about if name not in ("id", "type")} == attributes.keys()


def test_a_relaxed_structure_names_its_parent(server: Served) -> None:
    child = f"{small_run.RUN}:{small_run.CHILDREN[0]}"
    answer = server.get(f"v1/structures/{quote(child)}", include="structures", response_fields="nsites")
    (parent,) = answer.content["data"]["relationships"]["structures"]["data"]
    assert parent["id"] == FIRST and parent["meta"]["description"]
    assert [one["id"] for one in answer.content["included"]] == [FIRST]


def test_about_the_server(server: Served) -> None:
    info = server.get("v1/info").content
    assert info["meta"]["provider"]["prefix"] == "gfw" and info["meta"]["implementation"]["name"] == "genarris_fw"
    assert info["data"]["attributes"]["available_licenses"] == ["CC-BY-4.0"]
    assert server.get("v1/structures", page_limit=1).content["meta"]["data_available"] == ALL
    (link,) = server.get("v1/links").content["data"]
    assert link["attributes"]["link_type"] == "root"
    assert server.get("").headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({"filter": "_gfw_density >"}, 400, "the filter cannot be understood: Unexpected end-of-input"),
        ({"filter": "$where = 1"}, 400, "at line 1 col 1"),
        ({"filter": "(" * 500}, 400, "the filter cannot be understood"),
        ({"filter": "(" * 500 + "nsites = 1" + ")" * 500}, 400, "more than 50 deep"),
        ({"filter": "_gfw_densty > 1"}, 400, "'_gfw_densty' is not a known or searchable quantity"),
        ({"filter": "own.density > 1"}, 400, "'own' is not a known"),
        ({"filter": '_gfw_density > "1"'}, 400, "_gfw_density is of type float"),
        ({"filter": "nsites = nelements"}, 400, "nsites is of type integer"),
        ({"filter": "1 = _gfw_run"}, 400, "_gfw_run is of type string"),
        ({"filter": "nsites > 99999999999999999999"}, 400, "too large"),
        ({"filter": "elements LENGTH 99999999999999999999"}, 400, "too large"),
        ({"filter": 'last_modified > "yesterday"'}, 400, "RFC 3339"),
        ({"filter": "lattice_vectors HAS 3"}, 501, "only LENGTH"),
        ({"filter": 'elements:elements_ratios HAS "C":>0.3'}, 501, "not supported"),
        ({"sort": "density"}, 400, "unknown field"),
        ({"sort": "cartesian_site_positions"}, 400, "cannot sort by"),
        ({"page_limit": 501}, 403, "500"),
        ({"page_limit": -1}, 400, "page_limit: "),
        ({"page_offset": 10**20}, 400, "page_offset is too large"),
        ({"response_fields": "nothing"}, 400, "nothing"),
        ({"response_format": "xml"}, 400, "xml"),
        ({"email_address": "nobody"}, 400, "email_address: "),
        ({"pages": "1"}, 400, "pages"),
    ],
)
def test_wrong_queries_are_refused(server: Served, query: dict[str, object], status: int, words: str) -> None:
    answer = server.get("v1/structures", **query)
    assert answer.status == status and words in answer.detail and "\n" not in answer.detail
    assert "site-packages" not in str(answer.content) and answer.content["meta"]["api_version"]


def test_what_is_not_there(server: Served) -> None:
    assert server.get("v1/structures/given:nothing").content["data"] is None
    assert server.get("v1/nothing").status == 404
    assert server.get("v9/info").status == 553


def test_warnings_go_to_who_asked(server: Served) -> None:
    for _ in range(2):
        (warning,) = server.structures("_other_thing > 3").content["meta"]["warnings"]
        assert "_other_thing" in warning["detail"]
    assert "warnings" not in server.structures("nsites > 3").content["meta"]


def test_pages_of_other_servers_read_nothing(server: Served) -> None:
    answer = server.get("v1/info", headers={"Host": "evil.example"})
    assert answer.status == 421 and "its own machine" in answer.detail
    answer = server.get("v1/info", headers={"Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert server.get("v1/info", headers={"Host": f"localhost:{server.port}"}).status == 200


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not there: apt-get install curl")
@pytest.mark.parametrize("line", re.findall(r"^curl .*", PAGE, re.MULTILINE))
def test_what_the_page_asks_by_curl(server: Served, line: str) -> None:
    assert OF_THE_PAGE in line
    command = line.replace(OF_THE_PAGE, f"http://127.0.0.1:{server.port}")
    answer = json.loads(subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout)
    assert "errors" not in answer and answer["data"]


def test_what_the_page_asks_from_python(server: Served, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert OF_THE_PAGE in code
    exec(compile(code.replace(OF_THE_PAGE, f"http://127.0.0.1:{server.port}"), "docs/optimade.md", "exec"), {})
    printed = capsys.readouterr().out
    for child in small_run.CHILDREN:
        assert re.search(rf"^{small_run.RUN}:{child} 6 -\d+", printed, re.MULTILINE)
