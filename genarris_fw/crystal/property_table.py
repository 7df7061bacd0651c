"""The properties of many structures as columns: one row each, numbers and texts with their units.

Tables that are written (csv, parquet), data frames and OPTIMADE have these columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.known_properties import KnownProperty, known_property

Kind = Literal["number", "integer", "flag", "text"]
Values = NDArray[Any]

_DTYPES: dict[Kind, type] = {"number": np.float64, "integer": np.int64, "flag": np.bool_, "text": np.object_}
_FIRST = ("Z", "n_atoms", "spg", "density", "volume_per_molecule")  # of the columns; the others follow by name
_ENERGIES = ("energy", "lattice_energy", "relative_energy")  # come next, with all that end so
LARGEST_INTEGER = 2**63 - 1


@dataclass(frozen=True, eq=False)
class Column:
    """One value of every structure.

    Attributes
    ----------
    name : str
    kind : str
        ``number`` (float64), ``integer`` (int64), ``flag`` (bool) or ``text`` (str).
    values : (n,) ndarray
        NaN, 0, False or an empty text where a structure has none.
    known : (n,) ndarray of bool
        Whether a structure has one.
    about : KnownProperty
        Words, unit and meaning.
    """

    name: str
    kind: Kind
    values: Values
    known: NDArray[np.bool_]
    about: KnownProperty

    @property
    def unit(self) -> str:
        """Empty for a pure number or a text, and where it is not known."""
        return self.about.unit

    @property
    def description(self) -> str:
        """What it is, in a sentence; empty where nothing is known of it."""
        return self.about.meaning

    def rows(self, order: NDArray[np.intp]) -> Column:
        """Return some rows of it."""
        return Column(self.name, self.kind, self.values[order], self.known[order], self.about)

    def plain(self) -> list[float | int | bool | str | None]:
        """Return the values as plain Python has them, None where a structure has none."""
        values: list[Any] = self.values.tolist()
        return values if self.known.all() else [x if there else None for x, there in zip(values, self.known.tolist())]


@dataclass(eq=False)
class PropertyTable:
    """The n structures of a pool, or of a list.

    Attributes
    ----------
    ids : list of str
        Their ids.
    columns : dict of str to Column
        By name: what some structure has, in the order in which tables show them.
    left_out : list of str
        Properties that are no numbers or texts but lists (vectors of descriptors, for example): they have no column.
    """

    ids: list[str]
    columns: dict[str, Column]
    left_out: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of structures."""
        return len(self.ids)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield of every structure its id and its values, None where it has none."""
        yield from zip(self.ids, *(column.plain() for column in self.columns.values()))

    def sorted(self) -> PropertyTable:
        """Return the table in ascending order of the ids."""
        return self.chosen(sorted(range(len(self)), key=self.ids.__getitem__))

    def of(self, ids: Iterable[str]) -> PropertyTable:
        """Return the table of those of some structures that it has, in its own order."""
        wanted = set(ids)
        return self.chosen([row for row, struct_id in enumerate(self.ids) if struct_id in wanted])

    def chosen(self, rows: Sequence[int]) -> PropertyTable:
        """Return the table of some rows, in their order."""
        order = np.array(rows, dtype=np.intp)
        columns = {name: column.rows(order) for name, column in self.columns.items()}
        return PropertyTable([self.ids[row] for row in rows], columns, self.left_out)


class TableMaker:
    """Makes a table of batches of properties, as they come."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._pieces: dict[str, list[tuple[int, int, set[type], Values, NDArray[np.bool_]]]] = {}
        self._texts: dict[str, str] = {}
        self._left_out: dict[str, None] = {}

    def __len__(self) -> int:
        """Return how many structures it has so far."""
        return len(self._ids)

    def add(self, ids: Sequence[str], properties: Sequence[Mapping[str, Any]]) -> None:
        """Take a batch: the ids, and the properties of each, plain values; objects within become ``name.inner``."""
        first = len(self._ids)
        self._ids += ids
        for name in set().union(*properties):
            self._add(name, first, [one.get(name) for one in properties])

    def add_column(self, name: str, values: list[Any]) -> None:
        """Give the structures of the batch that was added last another value each, None where there is none."""
        self._add(name, len(self._ids) - len(values), values)

    def _add(self, name: str, first: int, values: list[Any]) -> None:
        types = set(map(type, values)) - {type(None)}
        if not types <= {int, float, bool, str}:
            if objects := [one if isinstance(one, dict) else {} for one in values] if dict in types else []:
                for inner in set().union(*objects):
                    self._add(f"{name}.{inner}", first, [one.get(inner) for one in objects])
            plain = [_scalar(one) for one in values]
            if any(one is None and not isinstance(was, dict | None) for one, was in zip(plain, values)):
                self._left_out[name] = None
            values, types = plain, set(map(type, plain)) - {type(None)}
        if types:
            self._pieces.setdefault(name, []).append((first, first + len(values), types, *self._packed(values, types)))

    def _packed(self, values: list[Any], types: set[type]) -> tuple[Values, NDArray[np.bool_]]:
        """Return the values of a batch as an array, and which are there."""
        if types <= {float, int} and (float in types or None not in values):
            packed = np.array(values, dtype=np.float64 if float in types else np.int64)
            return packed, np.isfinite(packed)
        known = np.array([value is not None for value in values])
        if types == {str}:
            kept = self._texts  # of equal ones one is kept
            return np.array([kept.setdefault(x, x) if x is not None else "" for x in values], dtype=np.object_), known
        if types in ({int}, {bool}):
            return np.array([value or 0 for value in values], dtype=np.int64 if int in types else np.bool_), known
        return np.array(values, dtype=np.object_), known

    def table(self, about: Mapping[str, KnownProperty] | None = None) -> PropertyTable:
        """Return the table, in the order in which the structures came.

        Parameters
        ----------
        about : mapping, optional
            What columns are that `known_property` does not know.
        """
        columns = {name: self._column(name, about or {}) for name in self._pieces}
        return PropertyTable(list(self._ids), in_order(columns), sorted(self._left_out))

    def _column(self, name: str, about: Mapping[str, KnownProperty]) -> Column:
        pieces, n = self._pieces[name], len(self._ids)
        types = set().union(*(types for _, _, types, _, _ in pieces))
        kind = _kind(types)
        values: Values = np.zeros(n, dtype=_DTYPES[kind])
        values[:] = {"number": np.nan, "text": ""}.get(kind, 0)
        known = np.zeros(n, dtype=np.bool_)
        for first, last, have, piece, there in pieces:
            # What it was given before stays where there is nothing else.
            mixed = kind == "text" and have != {str}
            values[first:last][there] = list(map(str, piece[there].tolist())) if mixed else piece[there]
            known[first:last] |= there
        return Column(name, kind, values, known, about.get(name) or known_property(name))


def table_of(structures: Iterable[Any]) -> PropertyTable:
    """Return the table of some structures, in their order.

    Parameters
    ----------
    structures : iterable of Structure
        Crystals or molecules; the numbers of their cells (`cell_properties`, density) are columns, too.

    Examples
    --------
    >>> from genarris_fw.crystal import Structure, table_of
    >>> table = table_of([Structure(None, ["He"], [[0, 0, 0]], {"energy": -1.5}, "helium")])
    >>> table.columns["energy"].unit, list(table.rows())
    ('eV per cell', [('helium', 1, -1.5)])
    """
    from genarris_fw.crystal.cells import cell_properties

    maker = TableMaker()
    ids, batch = [], []
    for structure in structures:
        cell = {} if structure.lattice is None else cell_properties(structure) | {"density": structure.density}
        ids.append(structure.struct_id)
        batch.append({"n_atoms": len(structure)} | {k: _python(x) for k, x in structure.properties.items()} | cell)
    maker.add(ids, batch)
    return maker.table()


def _python(value: Any) -> Any:
    """Return a number of numpy as one of Python."""
    return value.item() if isinstance(value, np.generic) else value


def _scalar(value: Any) -> Any:
    """Return a value that a column can hold, None for another."""
    if isinstance(value, bool | str | float):
        return value if type(value) in (bool, str, float) else float(value)
    if isinstance(value, int):
        return int(value) if abs(value) <= LARGEST_INTEGER else float(value)
    return None


def _kind(types: set[type]) -> Kind:
    """Return what a column of values of these types is; of a mixture a text."""
    if types == {int}:
        return "integer"
    if types <= {int, float}:
        return "number"
    return "flag" if types == {bool} else "text"


def in_order(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Return columns in the order in which tables show them."""
    return {name: columns[name] for name in sorted(columns, key=_place)}


def _place(name: str) -> tuple[int, int, str]:
    """Return where a column stands: cell and density first, then energies, then the others by name."""
    if name in _FIRST:
        return 0, _FIRST.index(name), name
    return 1 if name.endswith(_ENERGIES) else 2, 0, name
