"""A run whose pool has a landscape: energies, densities, space groups, and the measured crystal among them."""

from __future__ import annotations

import functools
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import small_run

from genarris_fw.catalogue import Catalogue
from genarris_fw.crystal import Structure
from genarris_fw.pools.documents import to_document

RUN, POOL = "landscape", "minima"
IDS = [f"crystal_{number:03d}" for number in range(240)]
STAR = IDS[17]
GROUPS = [14, 14, 14, 19, 19, 2, 61]


@functools.cache
def crystals() -> dict[str, Structure]:
    """Return the structures of the pool by id; all is drawn at random but the one that is the measured crystal."""
    rng = random.Random(4)
    found = {}
    for number, name in enumerate(IDS):
        structure = small_run.crystal(3 if name == STAR else number % 12, name)
        if name != STAR:
            structure.cell[2] *= structure.density / rng.uniform(0.5, 0.85)
        energy, group = round(rng.uniform(-110, -80), 4), rng.choice(GROUPS)
        structure.properties |= {"lattice_energy": energy, "spg": group}
        found[name] = structure
    found[STAR].properties |= {"experiment_rank": 3, "experiment_rmsd": 0.1}
    return found


def numbers() -> dict[str, tuple[float, float, int]]:
    """Return of every structure the density, the lattice energy and the space group."""
    return {
        name: (one.density, one.properties["lattice_energy"], one.properties["spg"]) for name, one in crystals().items()
    }


def fill(catalogue: Catalogue, folder: str) -> None:
    options = {"steps": [], "experiment": small_run.crystal(3, "measured").to_dict()}
    record = {"state": "imported", "options": options, "folder": folder, "text": "", "seed": None}
    catalogue.runs.create(RUN, record, begun_by=0)
    catalogue.structures.insert_missing(RUN, [to_document(one, 2) for one in crystals().values()])
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
