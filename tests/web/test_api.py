"""The explorer's addresses, in this process: what they answer with is what the documents say."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from explored import HOSTILE_IDS, HOSTILE_POOL, HOSTILE_PROPERTIES, HOSTILE_RUN
from small_run import CHILDREN, EXEMPLARS, IDS, KJ_PER_MOL, RUN, SPACE_GROUPS

from genarris_fw.catalogue import Catalogue
from genarris_fw.crystal.formats.geometry_out import parse_geometry_out
from genarris_fw.pools.exporting import pool_structures

if TYPE_CHECKING:
    from starlette.testclient import TestClient

POINT = np.dtype([("x", "<f4"), ("y", "<f4"), ("colour", "<f4"), ("row", "<u4")])
RAW = {"run": RUN, "pool": "raw"}
HOSTILE = {"run": HOSTILE_RUN, "pool": HOSTILE_POOL}


def ask(client: TestClient, path: str, status: int = 200, **query: Any) -> Any:
    answer = client.get(f"/api/{path}", params=query)
    assert answer.status_code == status, answer.text
    assert "\n" not in answer.json().get("detail", "") if isinstance(answer.json(), dict) else True
    return answer.json()


def documents(catalogue: Catalogue, pool: str) -> list[dict[str, Any]]:
    return list(catalogue.structures.load(RUN, catalogue.structures.pool_ids(RUN, pool)))  # type: ignore[arg-type]


# ---- runs


def test_runs(client: TestClient) -> None:
    found = ask(client, "runs")
    assert {one["run"]: one["state"] for one in found} == {RUN: "running", HOSTILE_RUN: "imported"}
    assert {one["run"]: one["pools"] for one in found}[RUN]["raw"] == 12
    about = ask(client, "about")
    assert {"cif", "csv", "extxyz", "res", "json"} <= {one["name"] for one in about["formats"]} and about["run"] is None


def test_a_run(client: TestClient) -> None:
    found = ask(client, "run", run=RUN)
    assert found["state"] == "running" and found["last_pool"] == "relaxed" and found["failures"] == 1
    assert found["steps"][-1]["done"] == 2 and found["has_experiment"] is False and found["experiment"] is None
    assert [stage["pool"] for stage in found["funnel"]][:2] == ["raw", "clusters"]


def test_failures_by_key(client: TestClient, catalogue: Catalogue) -> None:
    [failed] = ask(client, "failures", run=RUN)["failures"]
    assert failed["id"] == EXEMPLARS[2] and failed["error"] == "no SCF convergence in 250 cycles"
    assert ask(client, "failures", run=RUN, step="run_rdf_calc") == {"failures": [], "next": None}
    made = [{**(catalogue.work_items.collection.find_one({"state": "failed"}) or {})} for _ in range(5)]
    for number, record in enumerate(made):
        record["_id"] = f"{RUN}:{record['step']}:further {number}"
        record["key"] = f"further {number}"
    catalogue.work_items.collection.insert_many(made)  # type: ignore[arg-type]
    seen, after = [], None
    while True:
        page = ask(client, "failures", run=RUN, limit=2, **({} if after is None else {"after": after}))
        seen += [one["key"] for one in page["failures"]]
        if (after := page["next"]) is None:
            break
    assert sorted(seen) == sorted([EXEMPLARS[2], *(f"further {number}" for number in range(5))])
    catalogue.work_items.collection.delete_many({"_id": {"$in": [one["_id"] for one in made]}})


# ---- pools


def test_what_is_known_of_a_pool(client: TestClient, catalogue: Catalogue) -> None:
    found = ask(client, "pool", run=RUN, pool="exemplars")
    columns = {column["name"]: column for column in found["columns"]}
    assert found["structures"] == 4 and found["default"]["y"] == "relative_energy"
    assert columns["spg"]["values"] == [[2, 1], [14, 1], [19, 1], [113, 1]] and columns["spg"]["kind"] == "integer"
    assert columns["density"]["label"] == "density (g/cm³)" and columns["density"]["count"] == 4
    energies = [one["energies"]["energy"]["per_molecule"] for one in documents(catalogue, "exemplars")]
    assert columns["relative_energy"]["max"] == pytest.approx((max(energies) - min(energies)) * KJ_PER_MOL, rel=1e-6)
    assert columns["step"]["values"] == [["pygenarris_structure_generation", 4]]
    assert "RDF" not in columns and "geometry" not in columns
    # Z' of urea's run: two molecules over the general positions of each group.
    assert columns["z_prime"]["min"] == pytest.approx(2 / 8) and columns["z_prime"]["max"] == 1.0
    assert found["remarks"] == [] and found["experiment"] is None


def test_a_pool_without_energies_says_so(client: TestClient) -> None:
    found = ask(client, "pool", **HOSTILE)
    assert "no structure of this pool has an energy yet" in found["remarks"][0]
    assert found["default"]["x"] == "density" and found["default"]["y"] != "density"


def test_points_are_those_of_the_documents(client: TestClient, catalogue: Catalogue) -> None:
    answer = client.get("/api/points", params=RAW | {"x": "density", "y": "cell_vol", "colour": "spg"})
    points = np.frombuffer(answer.content, dtype=POINT)
    found = documents(catalogue, "raw")
    assert answer.headers["X-Points"] == "12" and points["row"].tolist() == list(range(12))
    for name, column in (("density", "x"), ("cell_vol", "y"), ("spg", "colour")):
        expected = np.array([one["properties"][name] for one in found], dtype=np.float32)
        assert (points[column] == expected).all()
    # Of the twelve, the exemplars have an energy; their rows say who they are.
    answer = client.get("/api/points", params=RAW | {"x": "density", "y": "lattice_energy"})
    points = np.frombuffer(answer.content, dtype=POINT)
    assert [IDS[row] for row in points["row"]] == EXEMPLARS and (points["colour"] == 0).all()
    expected = [one["properties"]["lattice_energy"] for one in found if "lattice_energy" in one["properties"]]
    assert (points["y"] == np.array(expected, dtype=np.float32)).all()


def test_masks_and_rows(client: TestClient) -> None:
    answer = client.get("/api/mask", params=RAW | {"where": ["spg:14", "AP_cluster:0..2"]})
    bits = np.unpackbits(np.frombuffer(answer.content, dtype=np.uint8), bitorder="little", count=12)
    expected = [SPACE_GROUPS[i % 4] == 14 and i // 3 <= 2 for i in range(12)]
    assert bits.astype(bool).tolist() == expected and answer.headers["X-Count"] == str(sum(expected))
    rows = client.get("/api/select", params=RAW | {"where": "spg:14", "give": "rows"}).content
    assert np.frombuffer(rows, dtype="<u4").tolist() == [i for i in range(12) if SPACE_GROUPS[i % 4] == 14]


def test_densities(client: TestClient) -> None:
    axes = RAW | {"x": "density", "y": "cell_vol", "colour": "AP_cluster"}
    query = axes | {"nx": 3, "ny": 5}
    answer = client.get("/api/density", params=query)
    counts = np.frombuffer(answer.content[:60], dtype="<u4").reshape(5, 3)
    means = np.frombuffer(answer.content[60:], dtype="<f4").reshape(5, 3)
    points = np.frombuffer(client.get("/api/points", params=axes).content, dtype=POINT)
    xmin, xmax, ymin, ymax = map(float, answer.headers["X-Extent"].split(","))
    expected, *_ = np.histogram2d(points["y"], points["x"], (5, 3), ((ymin, ymax), (xmin, xmax)))
    sums, *_ = np.histogram2d(points["y"], points["x"], (5, 3), ((ymin, ymax), (xmin, xmax)), weights=points["colour"])
    assert counts.sum() == 12 and (counts == expected).all()
    np.testing.assert_allclose(means[counts > 0], (sums / np.maximum(expected, 1))[counts > 0], rtol=1e-6)
    assert np.isnan(means[counts == 0]).all()
    part = client.get("/api/density", params=query | {"xmin": (xmin + xmax) / 2})
    assert np.frombuffer(part.content[:60], dtype="<u4").sum() == (points["x"] >= (xmin + xmax) / 2).sum()
    assert client.get("/api/density", params=query | {"xmin": 2.0, "xmax": 1.0}).status_code == 422


def test_the_nearest_point(client: TestClient) -> None:
    points = np.frombuffer(client.get("/api/points", params=RAW | {"x": "density", "y": "cell_vol"}).content, POINT)
    at = f"{points['x'][5] + 1e-4},{points['y'][5] + 0.001}"
    assert ask(client, "near", **RAW, x="density", y="cell_vol", at=at, scale="1,100")["id"] == IDS[5]
    for wrong in ("1", "1,x", "1,nan", "1,2,3"):
        ask(client, "near", 422, **RAW, x="density", y="cell_vol", at=wrong)
    ask(client, "near", 422, **RAW, x="density", y="cell_vol", at="1,1", scale="0,1")


def test_histograms(client: TestClient) -> None:
    found = ask(client, "histogram", **RAW, column="spg", where="AP_cluster:0,1")
    assert dict(zip(found["values"], found["all"], strict=True)) == dict.fromkeys(SPACE_GROUPS, 3)
    assert sum(found["selected"]) == 6
    found = ask(client, "histogram", **RAW, column="density", bins=7, where="spg:2")
    assert len(found["edges"]) == 8 and sum(found["all"]) == 12 and sum(found["selected"]) == 3
    found = ask(client, "histogram", **RAW, column="lattice_energy", bins=2)
    assert found["missing"] == 8 and sum(found["all"]) == 4
    found = ask(client, "histogram", **RAW, column="AP_exemplar")
    assert found["values"] == EXEMPLARS and found["all"] == [3, 3, 3, 3]


def test_a_table(client: TestClient, catalogue: Catalogue) -> None:
    found = documents(catalogue, "raw")
    order = sorted(found, key=lambda one: (one["properties"]["spg"], one["struct_id"]))
    seen, after = [], {}
    while True:
        page = ask(client, "table", **RAW, sort="spg", columns="spg,density,lattice_energy", limit=5, **after)
        assert page["position"] == len(seen) and page["matched"] == page["structures"] == 12
        seen += page["rows"]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert [row["id"] for row in seen] == [one["struct_id"] for one in order]
    for row, document in zip(seen, order, strict=True):
        properties = document["properties"]
        assert row["values"][0] == properties["spg"] and row["values"][1] == pytest.approx(properties["density"])
        assert (row["values"][2] is None) == ("lattice_energy" not in properties)
    ask(client, "table", 404, **RAW, at="nobody")
    ask(client, "table", 422, **RAW, after="x")
    ask(client, "table", 422, **RAW, after=page["previous"], before=page["previous"])


def test_selections(client: TestClient) -> None:
    summary = ask(client, "select", **RAW, where="lattice_energy:any")
    assert summary["count"] == 4 and summary["lowest"] == EXEMPLARS[-1]
    assert summary["columns"]["spg"] == {"count": 4, "min": 2, "max": 113, "mean": pytest.approx(37)}
    assert ask(client, "select", **RAW, ids=[IDS[3], IDS[1]], give="ids")["ids"] == [IDS[1], IDS[3]]
    points = np.frombuffer(client.get("/api/points", params=RAW | {"x": "density", "y": "cell_vol"}).content, POINT)
    x, y = float(points["x"][4]), float(points["y"][4])
    lasso = f"density,cell_vol:{x - 1e-4},{y - 0.01},{x + 1e-4},{y - 0.01},{x + 1e-4},{y + 0.01},{x - 1e-4},{y + 0.01}"
    assert ask(client, "select", **RAW, within=lasso, give="ids")["ids"] == [IDS[4]]
    body = RAW | {"within": [lasso], "where": ["spg:any"], "ids": IDS, "give": "ids"}
    assert client.post("/api/select", json=body).json()["ids"] == [IDS[4]]
    version = summary["version"]
    assert client.post("/api/select", json=RAW | {"rows": [2], "version": version, "give": "ids"}).json()["ids"] == [
        IDS[2]
    ]
    assert client.post("/api/select", json=RAW | {"rows": [2], "version": "former"}).status_code == 409
    assert client.post("/api/select", json=RAW | {"rows": list(range(12, 15)), "version": version}).status_code == 422
    assert client.post("/api/select", json=RAW | {"$where": "1"}).status_code == 422


# ---- structures


def test_a_structure(client: TestClient) -> None:
    found = ask(client, "structure", run=RUN, id=EXEMPLARS[0])
    assert found["pools"] == ["raw", "clusters", "exemplars", "energies"] and found["formula"] == "C2O4"
    assert found["children"] == [{"id": CHILDREN[0], "step": "run_fhi_aims_batch"}] and found["parent"] is None
    history = {one["step"]: one for one in found["history"]}
    assert history["pygenarris_structure_generation"]["what"] == "made"
    evaluated = history["fhi_aims_energy_evaluation"]
    assert (evaluated["host"], evaluated["seconds"], evaluated["item"]) == ("node1", 2.0, EXEMPLARS[0])
    child = ask(client, "structure", run=RUN, id=CHILDREN[0])
    assert child["parent"] == EXEMPLARS[0] and child["history"][-1]["seconds"] == 4.0
    version = ask(client, "pool", **RAW)["version"]
    assert ask(client, "structure", **RAW, row=7, version=version)["id"] == IDS[7]
    ask(client, "structure", 409, **RAW, row=7, version="former")
    ask(client, "structure", 422, run=RUN)
    assert "no structure 'nobody'" in ask(client, "structure", 404, run=RUN, id="nobody")["detail"]


def test_duplicates_also_where_no_pool_holds_them(client: TestClient, catalogue: Catalogue) -> None:
    structures = catalogue.structures
    document = structures.collection.find_one({"struct_id": IDS[1]}) or {}
    twin = {**document, "_id": f"{RUN}:twin", "struct_id": "twin", "pools": []}
    twin["properties"] = {"duplicate_of": IDS[1], "duplicate_rmsd": 0.05}
    structures.spare.insert_one(twin)  # type: ignore[arg-type]
    assert ask(client, "structure", run=RUN, id=IDS[1])["duplicates"] == [{"id": "twin", "rmsd": 0.05}]
    assert ask(client, "structure", run=RUN, id="twin")["duplicate_of"] == IDS[1]
    structures.spare.delete_one({"_id": twin["_id"]})


def test_a_crystal(client: TestClient) -> None:
    found = ask(client, "crystal", run=RUN, id=IDS[0], replicas="2,1,1")
    assert found["molecules"] == 2 and len(found["atoms"]["element"]) == 12 and len(found["bonds"]) == 8
    assert ask(client, "chemiscope/structure", run=RUN, id=IDS[0])["names"] == ["C", "O", "O"] * 2
    for wrong in ("0,1,1", "1,1", "1,1,1,1", "100,1,1", "a,b,c"):
        ask(client, "crystal", 422, run=RUN, id=IDS[0], replicas=wrong)
    assert "too many" in ask(client, "crystal", 422, run=RUN, id=IDS[0], replicas="99,99,1")["detail"]


def test_a_dataset_of_chemiscope(client: TestClient) -> None:
    found = ask(client, "chemiscope", **RAW, where="spg:14")
    assert [one["data"] for one in found["structures"]] == [name for i, name in enumerate(IDS) if i % 4 == 1]
    assert all(one["size"] == 6 for one in found["structures"])
    assert all(len(about["values"]) == 3 for about in found["properties"].values())
    assert "lattice_energy" not in found["properties"] and found["properties"]["spg"]["values"] == [14.0] * 3


def test_chemiscope_takes_it(client: TestClient) -> None:
    chemiscope = pytest.importorskip("chemiscope", reason="the extra [web] is not installed")
    found = ask(client, "chemiscope", **RAW)
    structures = [ask(client, "chemiscope/structure", run=RUN, id=one["data"]) for one in found["structures"]]
    chemiscope.create_input(structures=structures, properties=found["properties"])


# ---- downloads


@pytest.mark.parametrize("name", ["cif", "res", "json", "geometry"])
def test_files_of_structures(client: TestClient, catalogue: Catalogue, name: str, tmp_path: Any) -> None:
    from genarris_fw.crystal import write

    answer = client.get("/api/download", params=RAW | {"format": name})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None and len(archive.namelist()) == 12
        for path in write(pool_structures(catalogue, RUN, "raw"), tmp_path, name):
            assert archive.read(f"{RUN}_raw/{path.name}") == path.read_bytes()
    one = client.get("/api/download", params=RAW | {"format": name, "ids": IDS[3]})
    assert IDS[3] in one.headers["Content-Disposition"] and one.text.strip()


def test_files_of_pools(client: TestClient) -> None:
    table = client.get("/api/download", params=RAW | {"format": "csv", "where": "spg:2"})
    assert [row["struct_id"] for row in csv.DictReader(io.StringIO(table.text))] == IDS[::4]
    frames = client.get("/api/download", params=RAW | {"format": "extxyz"}).text
    assert frames.count("struct_id=") == 12
    blocks = client.get("/api/download", params=RAW | {"format": "geometry_out"}).text
    assert [one.struct_id for one in parse_geometry_out(blocks.splitlines())] == IDS
    both = client.get("/api/download", params=RAW | {"format": "csv,cif"}).content
    with zipfile.ZipFile(io.BytesIO(both)) as archive:
        assert f"{RUN}_raw.csv" in archive.namelist() and len(archive.namelist()) == 13


def test_downloads_that_are_refused(client: TestClient) -> None:
    assert "did you mean 'cif'" in ask(client, "download", 422, **RAW, format="cfi")["detail"]
    ask(client, "download", 422, **RAW, format=",")
    ask(client, "download", 422, **RAW, format="cif", where="spg:99")  # nobody
    assert "no cell" in ask(client, "download", 422, run=HOSTILE_RUN, pool="molecules", format="cif")["detail"]


# ---- names, answers


def test_hostile_names_are_names(client: TestClient) -> None:
    page = ask(client, "table", **HOSTILE, columns="%3Ci%3Ep%3C%2Fi%3E,a%3Ab%2Cc,text")
    assert [row["id"] for row in page["rows"]] == HOSTILE_IDS
    assert page["rows"][0]["values"] == [1.5, 2.0, "<u>t</u>"]
    columns = {column["name"] for column in ask(client, "pool", **HOSTILE)["columns"]}
    assert {"<i>p</i>", "a:b,c"} <= columns and not {"$gt", "dotted.name"} & columns  # no paths of a query
    for name in HOSTILE_IDS:
        found = ask(client, "structure", run=HOSTILE_RUN, id=name)
        assert found["id"] == name and set(HOSTILE_PROPERTIES) <= set(found["properties"])
        assert ask(client, "crystal", run=HOSTILE_RUN, id=name)["id"] == name
    chosen = ask(client, "select", **HOSTILE, where="id:a%2Cb%3Ac%252C%2A", give="ids")
    assert chosen["ids"] == ["a,b:c%2C*"]
    assert "'$gt'" in ask(client, "download", 422, **HOSTILE, format="res")["detail"]  # no file can hold it
    assert ask(client, "select", **HOSTILE, ids=["a,b:c%2C*"], give="ids")["ids"] == ["a,b:c%2C*"]
    answer = client.get("/api/download", params=HOSTILE | {"format": "res", "where": "id:!$where"})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
        assert len(set(names)) == len(HOSTILE_IDS) - 1 and not any("<" in name or "\\" in name for name in names)
        assert all(len(parts := name.split("/")) == 2 and not {"", ".", ".."} & set(parts) for name in names)
    assert "<" not in answer.headers["Content-Disposition"] and "\n" not in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("path", ["run", "pool", "failures", "structure", "crystal"])
def test_unknown_names(client: TestClient, path: str) -> None:
    about = {"run": "uera", "pool": "raw", "id": "x"}
    assert "did you mean 'urea'" in ask(client, path, 404, **about)["detail"]
    if path == "pool":
        assert "did you mean 'raw'" in ask(client, path, 404, run=RUN, pool="rwa")["detail"]


def test_nothing_is_sent_twice(client: TestClient) -> None:
    for path, query in (
        ("pool", RAW),
        ("points", RAW | {"x": "density", "y": "cell_vol"}),
        ("mask", RAW | {"where": "spg:14"}),
        ("table", RAW),
        ("structure", {"run": RUN, "id": IDS[0]}),
    ):
        first = client.get(f"/api/{path}", params=query)
        again = client.get(f"/api/{path}", params=query, headers={"If-None-Match": first.headers["ETag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
        weak = client.get(f"/api/{path}", params=query, headers={"If-None-Match": f'"x", W/{first.headers["ETag"]}'})
        assert weak.status_code == 304
    other = client.get("/api/points", params=RAW | {"x": "density", "y": "spg"})
    assert (
        other.headers["ETag"]
        != client.get("/api/points", params=RAW | {"x": "density", "y": "cell_vol"}).headers["ETag"]
    )


def test_what_pays_is_packed(client: TestClient) -> None:
    with client.stream("GET", "/api/pool", params=RAW, headers={"Accept-Encoding": "gzip"}) as answer:
        packed = b"".join(answer.iter_raw())
    assert answer.headers["Content-Encoding"] == "gzip" and json.loads(gzip.decompress(packed))["structures"] == 12
    plain = client.get("/api/pool", params=RAW, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers and len(plain.content) > len(packed)
    points = client.get("/api/points", params=RAW | {"x": "density", "y": "spg"}, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in points.headers


def test_a_script_is_packed_once(client: TestClient) -> None:
    from genarris_fw.web.pages import chemiscope_script

    script = chemiscope_script()
    if script is None:
        pytest.skip("the extra [web] is not installed")
    with client.stream("GET", "/chemiscope.min.js", headers={"Accept-Encoding": "gzip"}) as answer:
        packed = b"".join(answer.iter_raw())
    assert gzip.decompress(packed) == script.read_bytes() and len(packed) < script.stat().st_size / 2
    plain = client.get("/chemiscope.min.js", headers={"Accept-Encoding": "identity"})
    assert plain.content == script.read_bytes() and plain.headers["Content-Type"].startswith("text/javascript")


def test_nothing_writes(client: TestClient, catalogue: Catalogue) -> None:
    def content() -> dict[str, Any]:
        database = catalogue.database
        return {name: database.command("dbHash")["collections"][name] for name in database.list_collection_names()}

    before = content()
    for route in client.app.routes:  # type: ignore[attr-defined]
        for method in sorted(getattr(route, "methods", None) or ()):
            assert method in ("GET", "HEAD", "POST")
    for path in ("run", "pool", "table", "select", "failures", "structure"):
        client.get(f"/api/{path}", params=RAW | {"id": IDS[0]})
        assert client.delete(f"/api/{path}").status_code == client.put(f"/api/{path}").status_code == 405
    assert content() == before
