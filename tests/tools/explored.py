"""A database for the explorer: the small run, half way, and beside it a run of structures whose names are hostile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import small_run

from genarris_fw.catalogue import Catalogue
from genarris_fw.crystal import Structure
from genarris_fw.pools.documents import to_document

if TYPE_CHECKING:
    from starlette.testclient import TestClient

HOSTILE_RUN = "<script>alert(1)</script>"
HOSTILE_POOL = "raw/../<b>&quot;"
HOSTILE_IDS = sorted(['<img src=x onerror="alert(1)">', "../../etc/passwd", "a,b:c%2C*", "ünïcode", "x" * 90, "$where"])
HOSTILE_PROPERTIES = {"<i>p</i>": 1.5, "a:b,c": 2.0, "dotted.name": 4.0, "text": "<u>t</u>"}


def fill(catalogue: Catalogue, folder: Path) -> None:
    small_run.fill(catalogue, folder)
    small_run.add_chain(catalogue)
    record = {"state": "imported", "options": {"steps": []}, "folder": str(folder), "text": "", "seed": None}
    catalogue.runs.create(HOSTILE_RUN, record, begun_by=0)
    documents = []
    for number, name in enumerate(HOSTILE_IDS):
        structure = small_run.crystal(number, name)
        structure.properties |= HOSTILE_PROPERTIES | {"density_of": float(number)}
        if name == "$where":
            structure.properties["$gt"] = 3.0
        documents.append(to_document(structure, 2))
    molecule = Structure(None, ["O", "H", "H"], np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]), {}, "molecule")
    documents.append(to_document(molecule, 1))
    catalogue.structures.insert_missing(HOSTILE_RUN, documents)
    catalogue.structures.add_to_pool(HOSTILE_RUN, HOSTILE_POOL, HOSTILE_IDS)
    catalogue.structures.add_to_pool(HOSTILE_RUN, "molecules", ["molecule"])


@contextmanager
def explorer(catalogue: Catalogue, base_url: str = "http://127.0.0.1:8600", **about: Any) -> Iterator[TestClient]:
    """The explorer's server in this process; skips the test where what it needs is not installed."""
    pytest.importorskip("fastapi", reason="the extra [web] is not installed")
    pytest.importorskip("httpx", reason="httpx is not installed: the extra [test] brings it")
    from starlette.testclient import TestClient

    from genarris_fw.web.app import create_app

    with TestClient(create_app(catalogue, **about), base_url=base_url, follow_redirects=False) as client:
        yield client
