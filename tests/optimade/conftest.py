"""Three runs in one database: crystals half way through a run, a landscape of 240, and what was imported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import landscape
import pytest
import small_run
from databases import new_database
from pymongo import MongoClient

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.schema import check_schema
from genarris_fw.crystal import Structure
from genarris_fw.database.launchpads import database_name
from genarris_fw.pools.documents import to_document

pytest.importorskip("optimade.server", reason="the extra [optimade] is not installed")

IMPORTED = [
    Structure(None, ["O", "H", "H"], [[0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]], {"point_group": "mm2"}, "water"),
    # Two molecules, and of two kinds: no Z.
    Structure([[6, 0, 0], [0.1, 7, 0], [0, -1, 8]], ["N", "C", "O", "O"], [[0, 0, 0], [1, 2, 3], [2, 2, 3], [0, 2, 3]],
              {"AMD": [1.0] * 100, "eos": {"B0": 12.5, "volumes": [1.0, 2.0]}, "a.b$c": "odd"}, "mixed"),
]  # fmt: skip


def fill(catalogue: Catalogue, folder: Path) -> None:
    small_run.fill(catalogue, folder)
    landscape.fill(catalogue, str(folder))
    record = {"state": "imported", "options": {"steps": []}, "folder": str(folder), "text": "", "seed": None}
    catalogue.runs.create("given", record, begun_by=0)
    documents = [to_document(one, Z) for one, Z in zip(IMPORTED, (1, 0), strict=True)]
    catalogue.structures.insert_missing("given", documents)
    catalogue.structures.add_to_pool("given", "both", [one.struct_id for one in IMPORTED])


@pytest.fixture(scope="module")
def filled_uri(mongod: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with new_database(mongod) as uri, MongoClient[Any](uri) as client:
        catalogue = Catalogue(client[database_name(uri)])
        check_schema(catalogue.database)
        catalogue.ensure_indexes()
        fill(catalogue, tmp_path_factory.mktemp("run"))
        yield uri


@pytest.fixture(scope="module")
def catalogue(filled_uri: str) -> Iterator[Catalogue]:
    with MongoClient[Any](filled_uri) as client:
        yield Catalogue(client[database_name(filled_uri)])
