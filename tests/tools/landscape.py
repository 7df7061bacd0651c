"""A run whose pool has a landscape: energies, densities, space groups, and the measured crystal among them."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import small_run

from genarris_fw.catalogue import Catalogue
from genarris_fw.pools.documents import to_document

RUN, POOL = "landscape", "minima"
IDS = [f"crystal_{number:03d}" for number in range(240)]
STAR = IDS[17]
GROUPS = [14, 14, 14, 19, 19, 2, 61]


def numbers() -> dict[str, tuple[float, float, int]]:
    """Return of every structure the density, the lattice energy and the space group."""
    rng = random.Random(4)
    return {
        name: (round(rng.uniform(1.1, 1.5), 4), round(rng.uniform(-110, -80), 4), rng.choice(GROUPS)) for name in IDS
    }


def fill(catalogue: Catalogue, folder: str) -> None:
    measured = small_run.crystal(3, "measured")
    options = {"steps": [], "experiment": measured.to_dict()}
    record = {"state": "imported", "options": options, "folder": folder, "text": "", "seed": None}
    catalogue.runs.create(RUN, record, begun_by=0)
    documents = []
    for number, (name, (density, energy, group)) in enumerate(numbers().items()):
        structure = small_run.crystal(3 if name == STAR else number % 12, name)
        structure.properties |= {"density": density, "lattice_energy": energy, "spg": group, "mode_of": "a" * (number % 2)}
        if name == STAR:
            structure.properties |= {"experiment_rank": 3, "experiment_rmsd": 0.1}
        documents.append(to_document(structure, 2))
    catalogue.structures.insert_missing(RUN, documents)
    catalogue.structures.add_to_pool(RUN, POOL, IDS)


@contextmanager
def served(catalogue: Catalogue) -> Iterator[str]:
    """The explorer's server in a thread: its address. Skips the test where what it needs is not installed."""
    pytest.importorskip("fastapi", reason="the extra [web] is not installed")
    uvicorn = pytest.importorskip("uvicorn", reason="the extra [web] is not installed")

    from genarris_fw.web.app import create_app

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(create_app(catalogue), log_level="warning", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            # The socket listens already: who comes early waits.
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join()
