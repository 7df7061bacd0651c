"""A pool from Python: its structures one by one, its properties as a table, what is drawn and compared of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from pymongo.errors import OperationFailure

from genarris_fw.catalogue import Catalogue, explored
from genarris_fw.comparing.experiment import Experiment, of_crystal, read_experiment
from genarris_fw.comparing.pool import NEAREST, PoolComparison
from genarris_fw.crystal import Structure
from genarris_fw.crystal.conversions import to_ase, to_pymatgen
from genarris_fw.crystal.property_table import PropertyTable, table_of
from genarris_fw.errors import DatabaseError, InputError
from genarris_fw.pools.exporting import refuse_unknown_pool, structure_of
from genarris_fw.pools.property_table import read_property_table
from genarris_fw.showing import nearest as nearest_name
from genarris_fw.showing import shown
from genarris_fw.views.compared import compare, own_experiment
from genarris_fw.views.python.frames import data_frame
from genarris_fw.views.python.html import MOST_ROWS, html_table
from genarris_fw.views.python.writing import write_pool

if TYPE_CHECKING:
    import pandas as pd
    from ase import Atoms
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pymatgen.core.structure import Molecule as PymatgenMolecule
    from pymatgen.core.structure import Structure as PymatgenStructure

    from genarris_fw.views.python.run import Run

SHOWN_COLUMNS = ("Z", "spg", "density", "lattice_energy", "energy_per_molecule")
# Ids that a message lists the nearest of.
MOST_IDS = 10_000


class Pool:
    """A pool of a run: structures in the order of their ids. Made by `genarris_fw.Run.pool`.

    Nothing is kept: structures are read from the database as they are asked for.

    Attributes
    ----------
    name : str
        The pool's name.
    run : Run
        The run that it belongs to.

    Examples
    --------
    ::

        pool = run.pool("minima")
        len(pool), pool.ids[0], pool[0].density
        for structure in pool:
            print(structure.struct_id, structure.properties["lattice_energy"])
        dense = pool.where({"properties.density": {"$gt": 1.3}})
        dense.to_dataframe().sort_values("relative_energy")
    """

    def __init__(self, run: Run, name: str, query: Mapping[str, Any] | None = None) -> None:
        self.run, self.name = run, name
        self._query = dict(query or {})
        with run._reading() as catalogue:
            made = catalogue.runs.overview(run.name).get("pools") or {}  # one that came out empty is there, too
            if name not in made and not catalogue.structures.count(run.name, name):
                refuse_unknown_pool(catalogue, run.name, name)

    def __repr__(self) -> str:
        """Name the pool, its run, and how many structures it has."""
        some = f", where {self._query}" if self._query else ""
        try:
            size = f"{len(self)} structures"
        except (DatabaseError, InputError):  # what Python and a notebook show must not fail
            size = "cannot be read" if self.run._close.alive else "closed"
        return f"Pool({self.name!r} of run {self.run.name!r}{some}, {size})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: some columns of the first structures."""
        try:
            table = table_of(self[:MOST_ROWS])
        except (DatabaseError, InputError):
            return html_table([], [], repr(self))
        columns = [table.columns[name] for name in SHOWN_COLUMNS if name in table.columns]
        head = ["", *(f"{one.name} ({one.unit})" if one.unit else one.name for one in columns)]
        rows = list(zip(table.ids, *(one.plain() for one in columns)))
        return html_table(head, rows, repr(self))

    # ---- structures

    @property
    def ids(self) -> list[str]:
        """The ids of its structures, in ascending order."""
        with self.run._reading() as catalogue:
            return self._ids(catalogue)

    def _ids(self, catalogue: Catalogue) -> list[str]:
        if not self._query:
            return catalogue.structures.pool_ids(self.run.name, self.name)
        return self._where(catalogue, self._query)

    def _part(self, query: Mapping[str, Any]) -> list[str]:
        """Return the ids of what a query finds in it."""
        with self.run._reading() as catalogue:
            return self._where(catalogue, self._and(query))

    def _and(self, query: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"$and": [self._query, query]} if self._query else query

    def _where(self, catalogue: Catalogue, query: Mapping[str, Any]) -> list[str]:
        try:
            return explored.ids_where(catalogue, self.run.name, self.name, query)
        except OperationFailure as error:
            told = " ".join(str((error.details or {}).get("errmsg") or error).split())
            raise InputError(f"the database cannot look for {shown(query)}: {told}") from None

    def __len__(self) -> int:
        """Return the number of structures."""
        if self._query:
            return len(self.ids)
        with self.run._reading() as catalogue:
            return catalogue.structures.count(self.run.name, self.name)

    def __contains__(self, struct_id: object) -> bool:
        """Tell whether it has a structure of that id."""
        return isinstance(struct_id, str) and bool(self._part({"struct_id": struct_id}))

    def __iter__(self) -> Iterator[Structure]:
        """Yield its structures, some hundred read at a time, in the order of their ids."""
        yield from self._load(self.ids)

    def _load(self, ids: list[str]) -> Iterator[Structure]:
        with self.run._reading() as catalogue:
            for document in catalogue.structures.load(self.run.name, ids):
                yield structure_of(document)

    @overload
    def __getitem__(self, which: str | int) -> Structure: ...
    @overload
    def __getitem__(self, which: slice) -> list[Structure]: ...
    def __getitem__(self, which: str | int | slice) -> Structure | list[Structure]:
        """Return the structure of an id, the one at a place in the order of ids, or those of a slice."""
        if isinstance(which, slice):
            return list(self._load(self.ids[which]))
        if isinstance(which, str):
            found = self._part({"struct_id": which})
            if not found:
                near = nearest_name(which, self.ids[:MOST_IDS])
                raise InputError(f"no structure {shown(which)} in pool '{self.name}'{near}")
        else:
            ids = self.ids
            if not -len(ids) <= which < len(ids):
                raise IndexError(f"pool '{self.name}' has {len(ids)} structures: there is no number {which}")
            found = [ids[which]]
        [structure] = self._load(found)
        return structure

    def atoms(self) -> Iterator[Atoms]:
        """Yield its structures as ASE's Atoms, with ids and properties in ``info``."""
        yield from map(to_ase, self)

    def pymatgen(self) -> Iterator[PymatgenStructure | PymatgenMolecule]:
        """Yield its crystals as pymatgen's Structure, molecules as its Molecule.

        Raises
        ------
        InputError
            Where pymatgen is not installed.
        """
        yield from map(to_pymatgen, self)

    def where(self, query: Mapping[str, Any]) -> Pool:
        """Return the part of the pool that a query of MongoDB finds.

        Parameters
        ----------
        query : mapping
            As in the Mongo shell: fields of the documents (``properties.density``, ``Z``, ``energies.energy.engine``)
            with values or conditions (``{"$gt": 1.3}``).

        Returns
        -------
        Pool
            What it finds is looked up whenever the part is asked for something.

        Raises
        ------
        InputError
            For a query that is none.
        """
        if not isinstance(query, Mapping) or not all(isinstance(name, str) for name in query):
            raise InputError(
                f"{shown(query)} is no query: give a mapping, such as {{'properties.density': {{'$gt': 1}}}}"
            )
        self._part(query)
        return Pool(self.run, self.name, self._and(query))

    # ---- properties

    def table(self) -> PropertyTable:
        """Return the properties as a table of numpy arrays, without geometries and descriptors."""
        with self.run._reading() as catalogue:
            table = read_property_table(catalogue, self.run.name, self.name)
            return table.of(self._ids(catalogue)) if self._query else table

    def to_dataframe(self) -> pd.DataFrame:
        """Return the properties as a data frame of pandas.

        Returns
        -------
        DataFrame
            A row for each structure, with its id as index; a column for every property that is a number or a text
            (`genarris_fw.pools.property_table`). ``frame.attrs["units"]`` has the units.

        Raises
        ------
        InputError
            Where pandas is not installed.
        """
        return data_frame(self.table())

    # ---- pictures, comparisons, files

    def landscape(self, ax: Axes | None = None) -> Figure:
        """Draw energies over densities, by space group; the measured crystal, where it was found, has a star.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default a figure of its own.

        Returns
        -------
        matplotlib.figure.Figure
            With ``savefig``; a notebook shows it.

        Raises
        ------
        InputError
            Where no structure has both an energy and a density.
        """
        from genarris_fw.views.python.landscape import draw  # here, since it is slow to import

        return draw(self.table(), ax)

    def compare(
        self,
        experiment: str | os.PathLike[str] | Structure | None = None,
        record: int | None = None,
        molecules: int = 15,
        nearest: int = NEAREST,
    ) -> PoolComparison:
        """Look for a measured crystal in the pool.

        Parameters
        ----------
        experiment : path or Structure, optional
            A CIF, or another file that is read; by default the run's own.
        record : int, optional
            Which of several crystals in that file, from 1.
        molecules : int, optional
            Of a cluster: 15, 20 or 30.
        nearest : int, optional
            How many structures are looked at closely.

        Returns
        -------
        PoolComparison
            What ``genarris-fw compare --json`` prints, as an object: ``found`` (None where it is not among them),
            ``nearest``, ``words``, ...

        Raises
        ------
        InputError
            For a file that cannot be read, a run without a measured crystal, an empty pool, another molecule.
        """
        measured = _measured(experiment, record)
        with self.run._reading() as catalogue:
            chosen = measured or own_experiment(catalogue, self.run.name)
            ids = self._ids(catalogue) if self._query else None
            return compare(catalogue, self.run.name, self.name, chosen, molecules, nearest, ids=ids)

    def write(self, folder: str | os.PathLike[str], format: str = "cif", overwrite: bool = False) -> list[Path]:
        """Write the structures with their properties, as ``genarris-fw export`` does.

        Parameters
        ----------
        folder : path
            Made when it is not there.
        format : str, optional
            One of `genarris_fw.crystal.WRITE_FORMATS`.
        overwrite : bool, optional
            Whether files that are there are replaced.

        Returns
        -------
        list of Path
            The files written.

        Raises
        ------
        InputError
            For an unknown format, files that are there, a folder that cannot be written, or nothing to write.
        """
        with self.run._reading() as catalogue:
            return write_pool(
                catalogue, self.run.name, self.name, self._ids(catalogue), Path(folder), format, overwrite
            )


def _measured(experiment: str | os.PathLike[str] | Structure | None, record: int | None) -> Experiment | None:
    if isinstance(experiment, Structure):
        return of_crystal(experiment)
    if experiment is None:
        if record is not None:
            raise InputError("record says which crystal of a file; give the file, too")
        return None
    return read_experiment(Path(experiment), record)
