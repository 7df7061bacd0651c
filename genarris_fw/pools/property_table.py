"""The table of a pool's properties, read from the catalogue in one stream: without geometries and descriptors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, get_args, get_type_hints

import numpy as np

from genarris_fw.catalogue import Catalogue, explored
from genarris_fw.crystal.known_properties import KnownProperty, known_property
from genarris_fw.crystal.property_table import Column, PropertyTable, TableMaker, Values, in_order
from genarris_fw.energetics.comparable import FIELDS, FROM_A_FILE, Source, comparable_groups, energy_names
from genarris_fw.energetics.record import EnergyRecord
from genarris_fw.pools.exporting import refuse_unknown_pool
from genarris_fw.telling import Told, untold
from genarris_fw.units import KJ_PER_MOL_PER_EV

BATCH = 5000
SAMPLED = 100  # structures at either end of a pool tell which properties are lists, which the server leaves out then
# Of an energy's record; its values are properties, too.
_OF_ENERGIES = ("engine", "engine_version", "settings_hash", "converged", "seconds")
_OF_DOCUMENTS = ("n_atoms", "Z", "parent")
_OF_PROVENANCE = ("step", "mode")
_READ = ("struct_id", "properties", *_OF_DOCUMENTS, *(f"provenance.{name}" for name in _OF_PROVENANCE))


def read_property_table(catalogue: Catalogue, run: str, pool: str, told: Told = untold) -> PropertyTable:
    """Return what is known of every structure of a pool, in the order of their ids.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run, pool : str
        Which structures.
    told : callable, optional
        Told how far it is.

    Returns
    -------
    PropertyTable
        All properties that are numbers or texts; ``Z``, ``n_atoms``, ``parent``, ``step`` and ``mode`` of the
        documents; of every energy ``<name>_engine``, ``<name>_engine_version``, ``<name>_settings_hash``,
        ``<name>_converged`` and ``<name>_seconds``; ``volume_per_molecule``; and ``relative_energy`` by the last
        energy that the run's steps computed: of several engines or settings that of the largest group, the only ones
        that may be compared. Empty where the pool is.

    Raises
    ------
    InputError
        For an unknown run or pool; the message names the nearest.
    """
    record = catalogue.runs.get(run)
    names = energy_names(record.get("options", {}).get("steps", []))
    size = catalogue.structures.count(run, pool)
    if not size and pool not in (record.get("pools") or {}):
        refuse_unknown_pool(catalogue, run, pool)
    lists = _lists(catalogue, run, pool)
    rows = explored.rows(catalogue, run, pool, _projection(names), size, BATCH, without=lists)
    maker = TableMaker()
    for batch in _ahead(rows):
        _take(maker, batch, names)
        told("reading properties", len(maker), size)
    found = maker.table(dict(_about(names))).sorted()
    left_out = sorted({*found.left_out, *(path.removeprefix("properties.") for path in lists)})
    return PropertyTable(found.ids, in_order(found.columns | _derived(found.columns, names)), left_out)


def _projection(names: Sequence[str]) -> dict[str, int]:
    energies = [f"energies.{name}.{field}" for name in names for field in ("per_molecule", *_OF_ENERGIES)]
    return {"_id": 0, **dict.fromkeys([*_READ, *energies], 1)}


def _lists(catalogue: Catalogue, run: str, pool: str) -> list[str]:
    """Return the paths of properties that are long lists, as some structures have them."""
    found: dict[str, None] = {}

    def look(values: Mapping[str, Any], path: str) -> None:
        for name, value in values.items():
            if not name or "." in name or name.startswith("$"):  # no path in a query
                continue
            if isinstance(value, dict):
                look(value, f"{path}.{name}")
            elif isinstance(value, list) and len(value) > 1:  # others are read, and found to be no column
                found[f"{path}.{name}"] = None

    for one in explored.ends(catalogue, run, pool, SAMPLED):
        look(one.get("properties") or {}, "properties")
    return list(found)


def _ahead(rows: Iterator[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Yield rows in batches; the server makes the next one while this one is worked on."""

    def following() -> list[Mapping[str, Any]]:
        return list(islice(rows, BATCH))

    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(following)
        while batch := coming.result():
            coming = reader.submit(following)
            yield batch


def _take(maker: TableMaker, batch: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Add a batch of documents to a table."""
    maker.add([one["struct_id"] for one in batch], [one.get("properties") or {} for one in batch])
    for name in _OF_DOCUMENTS:
        if any(values := [one.get(name) for one in batch]):
            maker.add_column(name, values)
    origins = [one.get("provenance") or {} for one in batch]
    for name in _OF_PROVENANCE:
        maker.add_column(name, [one.get(name) for one in origins])
    for name in names:
        energies = [(one.get("energies") or {}).get(name) or {} for one in batch]
        if any(energies):
            for field in ("per_molecule", *_OF_ENERGIES):
                maker.add_column(f"{name}_{field}", [one.get(field) for one in energies])


def _about(names: Sequence[str]) -> Iterator[tuple[str, KnownProperty]]:
    """Yield what the columns of energies are."""
    meanings = {field: get_args(kind)[1] for field, kind in get_type_hints(EnergyRecord, include_extras=True).items()}
    for name in names:
        for column, like in ((name, "energy"), (f"{name}_per_molecule", "energy_per_molecule")):
            yield column, known_property(like)._replace(words=name)
        for field in _OF_ENERGIES:
            unit = "s" if field == "seconds" else ""
            yield f"{name}_{field}", KnownProperty(f"{name}: {field}", unit, f"of {name}: {meanings[field]}")


def _derived(found: Mapping[str, Column], names: Sequence[str]) -> dict[str, Column]:
    """Return the columns that are computed from others."""
    made = {}
    Z = np.where(found["Z"].values > 0, found["Z"].values, np.nan) if "Z" in found else np.nan
    if "cell_vol" in found:
        made["volume_per_molecule"] = found["cell_vol"].values / Z
    for name in names:
        if (above := _above_the_lowest(found, name, Z)) is not None:
            made["relative_energy"] = above
            break
    columns = {name: Column(name, "number", x, np.isfinite(x), known_property(name)) for name, x in made.items()}
    return {name: column for name, column in columns.items() if column.known.any()}


def _above_the_lowest(found: Mapping[str, Column], name: str, Z: Values | float) -> Values | None:
    """Return kJ/mol per molecule above the lowest, of the largest group that may be compared; None without any."""
    if name not in found or found[name].kind not in ("number", "integer"):
        return None
    per_molecule = np.where(found[name].known, found[name].values / Z, np.nan)  # of those that a file states
    of_engine = [found[f"{name}_{field}"].plain() for field in FIELDS if f"{name}_{field}" in found]
    if of_engine and (by_engine := found.get(f"{name}_per_molecule")):
        per_molecule = np.where(found[f"{name}_{FIELDS[0]}"].known, by_engine.values, per_molecule)
    sources = list(zip(*of_engine)) if of_engine else [()] * len(per_molecule)
    counts = Counter(source for source, there in zip(sources, np.isfinite(per_molecule)) if there)
    if not counts:
        return None
    named = {Source(*map(str, source)) if any(source) else FROM_A_FILE: source for source in counts}
    largest = named[comparable_groups({one: counts[source] for one, source in named.items()})[0][0]]
    chosen = np.array([source == largest for source in sources]) & np.isfinite(per_molecule)
    return np.where(chosen, (per_molecule - per_molecule[chosen].min()) * KJ_PER_MOL_PER_EV, np.nan)
