"""A run carried out in this process, rocket by rocket, so that a test can change a constant or look in between."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from fireworks import FWorker
from fireworks.core.rocket_launcher import rapidfire
from killing import NoHeartbeat, launch_all
from pymongo.database import Database

from genarris_fw.crystal import Structure, write
from genarris_fw.database.launchpads import launchpad as open_launchpad
from genarris_fw.database.launchpads import prepare
from genarris_fw.farm import carry_out
from genarris_fw.farm.workflow import add_run
from genarris_fw.options import load


class InProcess:
    """A folder with a ui.conf, a database, and the rockets of its run in this process."""

    def __init__(self, uri: str, folder: Path) -> None:
        self.uri, self.folder = uri, folder
        folder.mkdir(exist_ok=True)
        self.launchpad = open_launchpad(uri)
        prepare(self.launchpad)

    @property
    def database(self) -> Database:
        return self.launchpad.db

    def write_pool(self, structures: Sequence[Structure], name: str = "raw") -> None:
        write(list(structures), self.folder / name, "json")

    def run_pulling(self, text: str) -> dict:
        """Carry out a ui.conf as ``rlaunch rapidfire`` does, which looks for fireworks before it pulls one."""
        return self.run(text, launch=lambda pad, run: rapidfire(pad, FWorker(), sleep_time=1, strm_lvl="CRITICAL"))

    def run(self, text: str, launch: Callable[..., object] = launch_all, **conditions: object) -> dict:
        """Carry out a ui.conf and return the run's document; its failure is in it."""
        conf = self.folder / "ui.conf"
        conf.write_text(text)
        configuration = load(conf)
        add_run(self.launchpad, configuration)
        place, heartbeat = Path.cwd(), carry_out.Heartbeat
        rockets = self.folder / "rockets"
        rockets.mkdir(exist_ok=True)
        os.chdir(rockets)
        carry_out.Heartbeat = NoHeartbeat
        try:
            launch(self.launchpad, configuration.run_name, **conditions)
        finally:
            carry_out.Heartbeat = heartbeat
            os.chdir(place)
        return self.database.runs.find_one({"_id": configuration.run_name})

    def close(self) -> None:
        self.launchpad.connection.close()


def waters(number: int, seed: int = 0) -> list[Structure]:
    """Cells of two water molecules, turned and placed at random, with energies of the cell in eV."""
    rng = np.random.default_rng(seed)
    molecule = np.array([[0.0, 0.0, 0.0], [0.757, 0.586, 0.0], [-0.757, 0.586, 0.0]])
    found = []
    for i in range(number):
        lattice = np.diag(rng.uniform(5.0, 6.5, 3)) + np.tril(rng.uniform(-0.8, 0.8, (3, 3)), -1)
        turns = [np.linalg.qr(rng.normal(size=(3, 3))) for _ in range(2)]
        centres = [np.zeros(3), lattice.sum(axis=0) * rng.uniform(0.45, 0.55)]
        positions = np.concatenate(
            [centre + molecule @ (q * np.sign(np.linalg.det(q))) for (q, _), centre in zip(turns, centres)]
        )
        properties = {"Z": 2, "spg": int(rng.integers(1, 4)), "energy": float(rng.normal(-20.0, 0.1))}
        found.append(Structure(lattice, ["O", "H", "H"] * 2, positions, properties, f"water_{i:04d}"))
    return found


WATER = """\
atom 0.0 0.0 0.0 O
atom 0.757 0.586 0.0 H
atom -0.757 0.586 0.0 H
"""
