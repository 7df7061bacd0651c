"""A run from Python: its state, its pools, its measured crystal."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from genarris_fw.catalogue import Catalogue
from genarris_fw.comparing.pool import NEAREST, PoolComparison
from genarris_fw.crystal import Molecule, Structure
from genarris_fw.database.launchpads import explained
from genarris_fw.errors import DatabaseError, InputError
from genarris_fw.farm.opening import Opened
from genarris_fw.pools.exporting import last_pool
from genarris_fw.views.comparison import measured_crystal
from genarris_fw.views.costs import costs
from genarris_fw.views.python.html import html_table
from genarris_fw.views.python.pool import Pool
from genarris_fw.views.status import pool_sizes, status

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Run:
    """A run of an open database, to be looked at.

    Made by `genarris_fw.open`. The database is held open until `close`, the end of a ``with``, or the end of the
    object and of its pools. What is asked for is read then: of a run that goes on, what it is at that moment.

    Attributes
    ----------
    name : str
        The run's name.

    Examples
    --------
    ::

        import genarris_fw as gfw

        with gfw.open("urea") as run:
            frame = run.pool("minima").to_dataframe()
            lowest = run.pool("minima")[frame["relative_energy"].idxmin()]
            run.landscape().savefig("landscape.png")
    """

    def __init__(self, opened: Opened, name: str, held: ExitStack) -> None:
        self.name = name
        self._site = opened
        self._close = weakref.finalize(self, held.close)

    def __enter__(self) -> Self:
        """Return the run."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Close the database."""
        self.close()

    def __repr__(self) -> str:
        """Name the run, its state and its pools."""
        if not self._close.alive:
            return f"Run({self.name!r}, closed)"
        try:
            state, pools = self.state, ", ".join(f"{pool}: {size}" for pool, size in self.pools.items())
        except DatabaseError:
            return f"Run({self.name!r}, its database does not answer)"
        none = "no pools" if state == "finished" else "no pools yet"
        return f"Run({self.name!r}, {state}, {pools or none})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the steps, and the pools that they made."""
        if not self._close.alive or not self._has_begun:
            return html_table([], [], repr(self))
        state = self.status()
        steps = [[one["name"], one["state"], one["done"], one["failed"], one["result"] or ""] for one in state["steps"]]
        head = f"run {self.name}: {state['state']}"
        made = html_table(["step", "state", "done", "failed", "result"], steps, head)
        pools = sorted(state["pools"].items())
        return made + html_table(["pool", "structures"], [[pool, size] for pool, size in pools])

    @contextmanager
    def _reading(self) -> Iterator[Catalogue]:
        """Give the catalogue of the open database; what breaks in between is told in one line.

        Raises
        ------
        InputError
            When the run was closed.
        DatabaseError
            When the database is gone.
        """
        if not self._close.alive:
            raise InputError(f"run '{self.name}' is closed: open it again with genarris_fw.open")
        with explained(self._site.uri):
            yield self._site.catalogue

    def close(self) -> None:
        """Let go of the database; an embedded server that nobody else uses ends. Again it has no effect."""
        self._close()

    @property
    def state(self) -> str:
        """What ``genarris-fw status`` calls it: ``waiting``, ``running``, ``finished``, ``failed``, ..."""
        return str(self.status()["state"]) if self._has_begun else "waiting"

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return Path(self._record()["folder"])

    @property
    def pools(self) -> dict[str, int]:
        """Pool -> number of structures."""
        with self._reading() as catalogue:
            return dict(pool_sizes(catalogue, self.name)) if self._has_begun else {}

    @property
    def options(self) -> dict[str, dict[str, Any]]:
        """Step -> its options, as they were resolved when the run was made."""
        steps = (self._record().get("options") or {}).get("steps", [])
        return {step["name"]: dict(step["options"]) for step in steps}

    @property
    def ui_conf(self) -> str:
        """The text of ``ui.conf``, as it was read; empty for an imported run."""
        return str(self._record().get("text") or "")

    @property
    def molecule(self) -> Molecule | None:
        """The molecule of the first step that names one, None where none does."""
        for read in (self._record().get("molecules") or {}).values():
            if read.get("species"):
                known = {name: value for name, value in read.items() if name not in ("species", "positions")}
                return Molecule(read["species"], read["positions"], known)
        return None

    @property
    def experiment(self) -> Structure | None:
        """The measured crystal that the run looks for, None where it has none."""
        with self._reading() as catalogue:
            return measured_crystal(catalogue, self.name)

    @property
    def summaries(self) -> dict[str, dict[str, Any]]:
        """Step -> what it came to."""
        return dict(self._record().get("summaries") or {})

    def _record(self) -> Mapping[str, Any]:
        with self._reading() as catalogue:
            found = catalogue.runs.find(self.name)
        if found is None:
            todo = f"see genarris-fw status {self.name}"
            raise InputError(f"run '{self.name}' has not begun yet, or was deleted: {todo}")
        return found

    @property
    def _has_begun(self) -> bool:
        with self._reading() as catalogue:
            return catalogue.runs.is_there(self.name)

    def status(self) -> dict[str, Any]:
        """Return what ``genarris-fw status --json`` prints."""
        self._record()
        with self._reading() as catalogue:
            return status(catalogue, self.name)

    def costs(self) -> dict[str, Any]:
        """Return what ``genarris-fw costs --json`` prints."""
        self._record()
        with self._reading() as catalogue:
            return costs(catalogue, self.name)

    def pool(self, name: str | None = None) -> Pool:
        """Return a pool.

        Parameters
        ----------
        name : str, optional
            By default the pool that the last step has made.

        Raises
        ------
        InputError
            For an unknown pool; the message names the nearest.
        """
        self._record()
        with self._reading() as catalogue:
            return Pool(self, name or last_pool(catalogue, self.name))

    def structures(self, pool: str | None = None) -> list[Structure]:
        """Return the structures of a pool with their properties; see `pool`, which reads them one by one."""
        return list(self.pool(pool))

    def landscape(self, pool: str | None = None, ax: Axes | None = None) -> Figure:
        """Draw the energies of a pool over its densities; see `Pool.landscape`."""
        return self.pool(pool).landscape(ax)

    def compare(
        self,
        experiment: str | os.PathLike[str] | Structure | None = None,
        pool: str | None = None,
        record: int | None = None,
        molecules: int = 15,
        nearest: int = NEAREST,
    ) -> PoolComparison:
        """Look for a measured crystal in a pool; see `Pool.compare`."""
        return self.pool(pool).compare(experiment, record, molecules, nearest)
