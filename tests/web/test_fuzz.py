"""The explorer's own schema, and requests made of it: none ends in an error of the server, whatever is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from explored import HOSTILE_POOL, HOSTILE_RUN
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from small_run import IDS, RUN

from genarris_fw.catalogue import Catalogue

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed: the extra [test] brings it")
pytest.importorskip("fastapi", reason="the extra [web] is not installed")

if TYPE_CHECKING:
    from starlette.testclient import TestClient

PATHS = [
    "about",
    "runs",
    "run",
    "failures",
    "pool",
    "points",
    "mask",
    "density",
    "near",
    "histogram",
    "table",
    "select",
]
PATHS += ["chemiscope", "download", "structure", "crystal", "chemiscope/structure"]
# What a request may well be answered with; 405 and 404 of paths that are none are not asked for here.
ANSWERS = {200, 304, 404, 409, 413, 422}
BOUNDED = settings(
    derandomize=True,
    deadline=None,
    max_examples=4,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def schema(catalogue: Catalogue) -> object:
    from genarris_fw.web.app import create_app

    return schemathesis.openapi.from_asgi("/api/openapi.json", create_app(catalogue), headers={"Host": "localhost"})


lazy = schemathesis.pytest.from_fixture("schema")


@lazy.parametrize()
@BOUNDED
def test_what_the_schema_allows_and_what_it_does_not(case: schemathesis.Case) -> None:
    response = case.call(headers={"Host": "localhost"})
    case.validate_response(response, checks=[schemathesis.checks.not_a_server_error])
    assert response.status_code in ANSWERS | {400, 405}


NASTY = st.one_of(
    st.sampled_from(
        [
            *("$where", '{"$gt": ""}', "'; DROP TABLE", "../../etc/passwd", "\x00", "\ud800", "%", "%%", "%2"),
            *("nan", "inf"),
            *("spg:14", "spg:!any", "density:..", "density:1..2", "id:*", "id:", ":", "mode:%00*", "-1", "1e309"),
            *("x" * 5000, "__proto__"),
            *("density,cell_vol:0,0,9,0,9,999", "density,cell_vol:1,2", "spg", "id", "density", "ids", "9" * 400),
        ]
    ),
    st.text(max_size=30),
)  # fmt: skip
NAMES = [
    "where",
    "within",
    "ids",
    "rows",
    "version",
    "x",
    "y",
    "colour",
    "column",
    "columns",
    "sort",
    "after",
    "before",
]
NAMES += ["at", "scale", "limit", "bins", "min", "max", "nx", "xmin", "xmax", "format", "replicas", "row", "id", "give"]
KNOWN = {"x": "density", "y": "cell_vol", "column": "spg", "format": "csv", "at": "1,1", "id": IDS[0]}
MODELS = {"mask": (), "points": ("x", "y"), "density": ("x", "y"), "histogram": ("column",), "download": ("format",)}
MODELS |= {"near": ("x", "y", "at"), "structure": ("id",), "crystal": ("id",), "chemiscope/structure": ("id",)}


@given(
    st.sampled_from(PATHS),
    st.sampled_from([(RUN, "raw"), (HOSTILE_RUN, HOSTILE_POOL), (RUN, "energies")]),
    st.dictionaries(st.sampled_from(NAMES), NASTY, max_size=3),
)
@settings(BOUNDED, max_examples=250)
def test_hostile_words_where_others_are_expected(
    client: TestClient, path: str, about: tuple[str, str], nasty: dict[str, str]
) -> None:
    query = dict(zip(("run", "pool"), about)) | {name: KNOWN[name] for name in MODELS.get(path, ())} | nasty
    words = "&".join(f"{name}={quoted(value)}" for name, value in query.items())
    answer = client.get(f"/api/{path}?{words}")
    assert answer.status_code in ANSWERS, (answer.status_code, answer.text[:300])
    if answer.status_code != 200:
        assert "\n" not in answer.json()["detail"] and "Traceback" not in answer.text


def quoted(text: str) -> str:
    """Percent-encoded, also what is no UTF-8."""
    return "".join(f"%{byte:02x}" for byte in text.encode(errors="surrogatepass"))


@given(
    st.recursive(st.none() | st.booleans() | st.floats() | NASTY, lambda inner: st.lists(inner, max_size=4)), st.data()
)
@settings(BOUNDED, max_examples=100)
def test_hostile_json(client: TestClient, value: object, data: st.DataObject) -> None:
    import json

    path = data.draw(st.sampled_from(["histogram", "table", "select", "chemiscope", "download"]))
    body = {"run": RUN, "pool": "raw", data.draw(st.sampled_from(NAMES)): value}
    text = data.draw(st.sampled_from([json.dumps(body), json.dumps(value), "{", "[" * 2000, ""]))
    answer = client.post(
        f"/api/{path}", content=text.encode(errors="replace"), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in ANSWERS, (answer.status_code, answer.text[:300])
