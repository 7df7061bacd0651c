"""The files of a run's archive."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import RunDocument
from genarris_fw.crystal import Structure, from_record
from genarris_fw.crystal.formats.csv_table import save_csv
from genarris_fw.crystal.formats.files import write_one
from genarris_fw.crystal.formats.registry import find_format
from genarris_fw.errors import InputError
from genarris_fw.files import write_text
from genarris_fw.names import made_safe
from genarris_fw.pools.exporting import refuse_unknown_pool, write_structures
from genarris_fw.pools.property_table import read_property_table
from genarris_fw.telling import Told

JSON, CIF, CSV, TEXT = "application/json", "chemical/x-cif", "text/csv", "text/plain"
FORMATS = ("json", "cif")  # of structures; molecules have no cif
LOGS = ("Genarris.log", "Genarris.err")
_OPTIONS = ("run_name", "seed", "steps", "comparison")  # the others are in ui.conf, and may hold secrets
LARGEST_LOG = 100 * 2**20  # bytes


@dataclass(frozen=True)
class Part:
    """A file of the archive.

    Attributes
    ----------
    path : str
        In the archive, with ``/``.
    name, media_type : str
        What it is.
    about : dict
        Further properties of schema.org; a value that is a path of another part stands in a `Reference`.
    """

    path: str
    name: str
    media_type: str
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reference:
    """Another file of the archive, by its path."""

    path: str


@dataclass
class Contents:
    """What is in an archive: files, and which of them steps take and make."""

    parts: list[Part] = field(default_factory=list)
    pools: dict[str, str] = field(default_factory=dict)
    molecules: dict[str, str] = field(default_factory=dict)
    settings: dict[str, list[str]] = field(default_factory=dict)


def write_contents(
    catalogue: Catalogue,
    record: RunDocument,
    pools: Sequence[str],
    folder: Path,
    clean: Callable[[str], str],
    told: Told,
) -> Contents:
    """Write the files of an archive into a folder.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    record : RunDocument
        The run.
    pools : sequence of str
        Whose structures; all pools where none is named.
    folder : Path
        An empty one.
    clean : callable
        Takes secrets out of a text.
    told : callable
        Told how far it is.

    Raises
    ------
    InputError
        For a pool that there is not.
    """
    run, found = record["name"], Contents()
    known = catalogue.structures.pools(run)
    for pool in pools:
        if pool not in known:
            refuse_unknown_pool(catalogue, run, pool)
    _write_structures(catalogue, run, list(pools) or known, folder, found, told)
    _write_tables(catalogue, run, list(pools) or known, folder, found, told)
    if record.get("text"):
        _add(found, folder, Part("ui.conf", "ui.conf as it was read", TEXT), clean(record["text"]))
    _write_molecules(record, folder, found)
    for step, texts in {**(record.get("carried") or {}), **_control(record)}.items():
        for name, text in texts.items():
            path = f"settings/{made_safe(step, 'step')}/{made_safe(name, 'settings')}"
            _add(found, folder, Part(path, f"setting {name} of {step}", TEXT), clean(str(text)))
            found.settings.setdefault(step, []).append(path)
    _add(found, folder, Part("run.json", "options, progress and results of the steps", JSON), clean(_summary(record)))
    for name in LOGS:
        log = Path(record["folder"], name)
        if log.is_file() and log.stat().st_size <= LARGEST_LOG:
            text = log.read_text(encoding="utf-8", errors="replace")
            _add(found, folder, Part(f"logs/{name}", f"log of the run, {name}", TEXT), clean(text))
    return found


def _add(found: Contents, folder: Path, part: Part, text: str) -> None:
    write_text(folder / part.path, text)
    found.parts.append(part)


def _write_structures(
    catalogue: Catalogue, run: str, pools: Sequence[str], folder: Path, found: Contents, told: Told
) -> None:
    """Write every structure once, with what it was made from."""
    ids = sorted({name for pool in pools for name in catalogue.structures.pool_ids(run, pool)})
    if not ids:
        return
    place = folder / "structures"
    place.mkdir()
    write_structures(catalogue, run, ids, place, FORMATS, told, crystals_only=True)
    there = set(ids)
    for document in catalogue.structures.load(run, ids, ("parent", "provenance.step")):
        name = document["struct_id"]
        path = f"structures/{name}.json"
        about: dict[str, Any] = {"identifier": name}
        if document.get("parent"):
            parent = str(document["parent"])
            about["isBasedOn"] = Reference(f"structures/{parent}.json") if parent in there else parent
        step = (document.get("provenance") or {}).get("step")
        about |= {"additionalType": "a structure", "creditText": f"made by the step {step}"} if step else {}
        found.parts.append(Part(path, f"structure {name}", JSON, about))
        if (place / f"{name}.cif").exists():
            cif = {"identifier": name, "isBasedOn": Reference(path)}
            found.parts.append(Part(f"structures/{name}.cif", f"structure {name} as CIF", CIF, cif))


def _write_tables(
    catalogue: Catalogue, run: str, pools: Sequence[str], folder: Path, found: Contents, told: Told
) -> None:
    for pool in pools:
        path = f"pools/{made_safe(pool, 'pool')}.csv"
        table = read_property_table(catalogue, run, pool, told=told)
        (folder / path).parent.mkdir(exist_ok=True)
        save_csv(table, folder / path)
        units = {name: column.about.label for name, column in table.columns.items() if column.unit}
        said = f"pool {pool}: properties of {len(table)} structures"
        words = "; ".join(f"{name}: {label}" for name, label in units.items())
        found.parts.append(Part(path, said, CSV, {"description": words} if words else {}))
        found.pools[pool] = path


def _write_molecules(record: RunDocument, folder: Path, found: Contents) -> None:
    """Write the molecules of the steps, each once, and the measured crystal."""
    paths: dict[str, str] = {}
    for step, molecule in (record.get("molecules") or {}).items():
        values: dict[str, Any] = dict(molecule)
        species, positions = values.pop("species"), values.pop("positions")
        key = json.dumps([species, positions])
        if key not in paths:
            name = "molecule" if not paths else f"molecule_{len(paths) + 1}"
            _write_one(Structure(None, species, positions, _without_none(values), name), folder)
            paths[key] = f"{name}.json"
            found.parts.append(Part(paths[key], "the molecule", JSON))
        found.molecules[step] = paths[key]
    experiment = record.get("options", {}).get("experiment")
    if experiment:
        try:
            structure = from_record(experiment)
        except InputError:
            return
        structure.struct_id = "experiment"
        _write_one(structure, folder)
        found.parts.append(Part("experiment.json", "the measured crystal", JSON))


def _write_one(structure: Structure, folder: Path) -> None:
    write_one(find_format("json"), structure, folder)


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _control(record: RunDocument) -> dict[str, dict[str, str]]:
    return {step: {"control.in": text} for step, text in (record.get("control") or {}).items()}


def _summary(record: RunDocument) -> str:
    options = {name: value for name, value in record.get("options", {}).items() if name in _OPTIONS}
    kept = ("name", "state", "created", "finished", "seed", "options_hash", "versions", "steps", "pools", "summaries")
    content: dict[str, Any] = {name: record[name] for name in kept if name in record}  # type: ignore[literal-required]
    content["options"] = options
    return json.dumps(_strict(content), indent=2, ensure_ascii=False, default=str) + "\n"


def _strict(value: Any) -> Any:
    """Return a value without numbers that json has not."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Mapping):
        return {str(name): _strict(item) for name, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_strict(item) for item in value]
    return value
