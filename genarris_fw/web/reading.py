"""What the catalogue holds of a pool, read once into columns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.catalogue import Catalogue, explored
from genarris_fw.crystal.z_prime import is_centred, point_operations, pure_translations, z_prime
from genarris_fw.energetics.comparable import FIELDS, Source, comparable_groups, energy_names
from genarris_fw.pictures.quantities import number
from genarris_fw.pools.documents import from_document
from genarris_fw.showing import nearest, shown
from genarris_fw.units import KJ_PER_MOL_PER_EV
from genarris_fw.web.columns import Column, Kind, PoolColumns
from genarris_fw.web.runs import NotThere

BATCH = 10_000
SAMPLED = 300  # structures at either end of a pool tell which properties there are
MOST_WORDS = 64  # a text that has more different values among those sampled is no column
MOST_KEPT_WORDS = 1000
MOST_ENERGIES = 4  # names that a run's steps give to energies, the last first
MOST_BYTES = 160 * 2**20  # of a pool's columns
MOST_COLUMNS = 100
MOST_CENTRED = 20_000  # structures of a pool in which atoms are looked at for Z' of centred groups
# Read of every pool, wherever it is known.
FIRST = ("density", "spg", "lattice_energy", "energy_per_molecule", "energy", "cell_vol")
# Whoever samples may miss them, where few structures have them.
FEW_HAVE = ("lattice_energy", "energy_per_molecule", "energy", "experiment_rank", "experiment_rmsd")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Wanted:
    """A column that is to be read: its name, what it is, and the expression that gives it."""

    name: str
    kind: Kind
    expression: Any
    double: bool = False


def read_columns(catalogue: Catalogue, run: str, pool: str, progress: Progress = lambda done, of: None) -> PoolColumns:
    """Read what is known of a pool's structures.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run, pool : str
    progress : callable, optional
        Called with how many structures are read, and of how many.

    Returns
    -------
    PoolColumns
        With numbers, flags and texts of few values among the properties; and ``Z``, ``n_atoms``, ``z_prime``,
        ``volume_per_molecule``, ``mode``, ``step``, ``relative_energy`` where they are known.

    Raises
    ------
    NotThere
        For an unknown pool; the message names those there are.
    """
    began = time.monotonic()
    steps = catalogue.runs.get(run).get("options", {}).get("steps", [])
    sample = explored.ends(catalogue, run, pool, SAMPLED)
    if not sample:
        known = catalogue.structures.pools(run)
        raise NotThere(
            f"no pool {shown(pool)} in run {shown(run)}{nearest(pool, known)}; its pools: {', '.join(known) or 'none'}"
        )
    size = catalogue.structures.count(run, pool)
    wanted, left_out = _wanted(sample, size)
    table = _Table(wanted, energy_names(steps)[:MOST_ENERGIES], size)
    batch: list[Any] = []
    for record in explored.rows(catalogue, run, pool, table.projection(), size, BATCH):
        batch.append(record)
        if len(batch) == BATCH:
            table.add(batch)
            progress(len(table), size)
            batch = []
    table.add(batch)
    ids, columns = table.sorted()
    for one in _derived(columns):
        columns.setdefault(one.name, one)
    if independent := _z_prime(catalogue, run, ids, columns):
        columns["z_prime"] = independent
    return PoolColumns(run, pool, ids, columns, _remarks(columns, left_out), time.monotonic() - began)


def _wanted(sample: Sequence[Mapping[str, Any]], size: int) -> tuple[list[Wanted], list[str]]:
    """Return the columns to read, and the names of those that there is no room for."""
    values: dict[str, list[Any]] = {}
    for document in sample:
        for name, value in (document.get("properties") or {}).items():
            values.setdefault(name, []).append(value)
    names = [name for name in FIRST if name in values]
    names += [name for name in sorted(values) if name not in names]
    made = [one for name in names if (one := _column_of(name, values[name])) is not None]
    made += [_number(name, "number", f"$properties.{name}") for name in FEW_HAVE if name not in values]
    most = min(MOST_COLUMNS, max(len(FIRST), MOST_BYTES // (4 * max(size, 1))))
    always = [_number("Z", "integer", "$Z"), _number("n_atoms", "integer", "$n_atoms")]
    always += [Wanted(name, "text", f"$provenance.{name}") for name in ("mode", "step")]
    kept = [one for one in made[:most] if one.name not in ("Z", "n_atoms", "mode", "step", "id")]
    return kept + always, [one.name for one in made[most:]]


def _column_of(name: str, values: Sequence[Any]) -> Wanted | None:
    """Return the column of a property by what some structures have; None where it makes none."""
    if "." in name or name.startswith("$") or not name:  # no path in a query
        return None
    path = f"$properties.{name}"
    if all(isinstance(value, bool) for value in values):
        return Wanted(name, "flag", {"$switch": _truth(path)})
    if (numbers := [number(value) for value in values if not isinstance(value, bool)]) and np.isfinite(numbers).any():
        finite = np.array([value for value in numbers if np.isfinite(value)])
        whole = all(isinstance(value, int) for value in values if np.isfinite(number(value)))
        double = bool(np.abs(finite - finite.astype(np.float32)).max() > 1e-5 * np.ptp(finite) > 0)
        return _number(name, "integer" if whole and np.abs(finite).max() < 2**24 else "number", path, double)
    texts = {value for value in values if isinstance(value, str)}
    if texts and len(texts) <= MOST_WORDS:
        return Wanted(name, "text", path)
    return None


def _truth(path: str) -> dict[str, Any]:
    branches = [{"case": {"$eq": [path, said]}, "then": float(said)} for said in (True, False)]
    return {"branches": branches, "default": None}


def _number(name: str, kind: Kind, path: str, double: bool = False) -> Wanted:
    as_double = {"$convert": {"input": path, "to": "double", "onError": None, "onNull": None}}
    return Wanted(name, kind, {"$cond": [{"$isNumber": path}, as_double, None]}, double)


class _Table:
    """Batches of projected documents, put into arrays as they come, and together in the end."""

    def __init__(self, wanted: Sequence[Wanted], energies: Sequence[str], size: int) -> None:
        self.numbers = [one for one in wanted if one.kind != "text"]
        self.texts = [one for one in wanted if one.kind == "text"]
        self.energies = [_Energies(name) for name in energies]
        self._ids: list[NDArray[np.bytes_]] = []
        # In pieces as large as the pool is said to be: many small ones would stay with the process for good.
        self._values: dict[str, NDArray[np.floating[Any]]] = {
            one.name: np.empty(size, np.float64 if one.double else np.float32) for one in wanted
        }
        self._words: dict[str, dict[str, int]] = {one.name: {} for one in self.texts}

    def __len__(self) -> int:
        return sum(map(len, self._ids))

    def projection(self) -> dict[str, Any]:
        """Return what the server sends of each structure: id, numbers, texts, energies with their sources."""
        return {
            "_id": 0,
            "i": "$struct_id",
            "v": [one.expression for one in self.numbers],
            "t": [one.expression for one in self.texts],
            "e": [part for one in self.energies for part in one.expressions()],
        }

    def add(self, batch: Sequence[Mapping[str, Any]]) -> None:
        """Take a batch."""
        if not batch:
            return
        first, last = len(self), len(self) + len(batch)
        for name, kept in self._values.items():
            if last > len(kept):  # structures that came while the pool was read
                self._values[name] = np.resize(kept, last)
        self._ids.append(np.array([str(one["i"]).encode(errors="replace") for one in batch], dtype=np.bytes_))
        values = np.array([one["v"] for one in batch], dtype=np.float64)
        for place, one in enumerate(self.numbers):
            with np.errstate(over="ignore"):  # what 32 bits cannot hold is none either
                self._values[one.name][first:last] = values[:, place]
            some = self._values[one.name][first:last]
            some[np.isinf(some)] = np.nan
        for place, one in enumerate(self.texts):
            codes = self._words[one.name]
            texts = (record["t"][place] for record in batch)
            self._values[one.name][first:last] = [
                codes.setdefault(text, len(codes)) if isinstance(text, str) else np.nan for text in texts
            ]
        width = 1 + len(FIELDS)
        for place, energies in enumerate(self.energies):
            energies.add([record["e"][place * width : (place + 1) * width] for record in batch])

    def sorted(self) -> tuple[NDArray[np.bytes_], dict[str, Column]]:
        """Return the ids in ascending order, and the columns that some structure has a value in."""
        ids = np.concatenate(self._ids)
        order = np.argsort(ids, kind="stable")
        found = [Column(one.name, one.kind, self._values.pop(one.name)[order]) for one in self.numbers]
        found += [self._text(one.name, order) for one in self.texts if len(self._words[one.name]) <= MOST_KEPT_WORDS]
        for energies in self.energies:
            values = energies.above_the_lowest()
            if values is not None:
                found.append(Column("relative_energy", "number", values[order]))
                break
        return ids[order], {one.name: one for one in found if np.isfinite(one.values).any()}

    def _text(self, name: str, order: NDArray[np.intp]) -> Column:
        words = sorted(self._words[name])
        place = np.full(len(words) + 1, np.nan, dtype=np.float32)
        for new, word in enumerate(words):
            place[self._words[name][word]] = new
        codes = self._values.pop(name)[order]
        values = place[np.where(np.isnan(codes), len(words), codes).astype(np.intp)]
        return Column(name, "text", values, tuple(words))


class _Energies:
    """Energies of one name, and what each comes from."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._values: list[NDArray[np.float64]] = []
        self._sources: list[NDArray[np.int32]] = []
        self._known: dict[Source, int] = {}

    def expressions(self) -> list[Any]:
        at = f"$energies.{self.name}"
        return [_number("", "number", f"{at}.per_molecule").expression, *(f"{at}.{field}" for field in FIELDS)]

    def add(self, batch: Sequence[Sequence[Any]]) -> None:
        self._values.append(np.array([one[0] for one in batch], dtype=np.float64))
        sources = (Source(*map(str, one[1:])) for one in batch)
        self._sources.append(np.array([self._known.setdefault(one, len(self._known)) for one in sources], np.int32))

    def above_the_lowest(self) -> NDArray[np.float32] | None:
        """Return kJ/mol per molecule above the lowest, of the largest group that may be compared; None without any."""
        values, sources = np.concatenate(self._values), np.concatenate(self._sources)
        known = np.isfinite(values)
        counts = np.bincount(sources[known], minlength=len(self._known))
        groups = comparable_groups(dict(zip(self._known, counts.tolist(), strict=True)))
        if not groups:
            return None
        chosen = known & (sources == self._known[groups[0][0]])
        above: NDArray[np.float32] = np.where(chosen, (values - values[chosen].min()) * KJ_PER_MOL_PER_EV, np.nan)
        return above.astype(np.float32)


def _derived(found: Mapping[str, Column]) -> list[Column]:
    """Return volumes per molecule."""
    made = []
    if "Z" in found:
        Z = np.where(found["Z"].values > 0, found["Z"].values, np.nan)
        if "cell_vol" in found:
            volumes: NDArray[np.float32] = (found["cell_vol"].values / Z).astype(np.float32)
            made.append(Column("volume_per_molecule", "number", volumes))
    return made


def _z_prime(catalogue: Catalogue, run: str, ids: NDArray[np.bytes_], found: Mapping[str, Column]) -> Column | None:
    """Return Z'; of a centred group where a few structures have one: what cell it is only their atoms tell."""
    if "Z" not in found or "spg" not in found:
        return None
    groups, Z = found["spg"].values, found["Z"].values
    values = np.full(len(ids), np.nan, dtype=np.float32)
    for group in np.unique(groups[~np.isnan(groups)]):
        rows = np.flatnonzero((groups == group) & (Z > 0))
        if not 1 <= group <= 230:
            continue
        if not is_centred(int(group)):
            values[rows] = Z[rows] / point_operations(int(group))
        elif len(ids) <= MOST_CENTRED:
            names = [bytes(name).decode(errors="replace") for name in ids[rows]]
            for row, document in zip(rows, catalogue.structures.load(run, names, ["geometry"]), strict=True):
                if document["geometry"]["lattice"] is not None:
                    translations = pure_translations(from_document(document))
                    values[row] = z_prime(int(group), int(Z[row]), translations)
    return Column("z_prime", "number", values) if np.isfinite(values).any() else None


def _remarks(columns: Mapping[str, Column], left_out: Sequence[str]) -> list[str]:
    remarks = []
    if not columns.keys() & {"relative_energy", "lattice_energy", "energy_per_molecule", "energy"}:
        remarks.append("no structure of this pool has an energy yet: what there is is shown")
    if "z_prime" in columns and len(columns["z_prime"].values) > MOST_CENTRED:
        remarks.append("Z' of centred space groups is not told: the pool is too large to look at each cell")
    if left_out:
        some = ", ".join(left_out[:10]) + (", ..." if len(left_out) > 10 else "")
        remarks.append(f"{len(left_out)} properties have no column, the pool is too large for all: {some}")
    return remarks
