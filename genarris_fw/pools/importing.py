"""What was read from files into the catalogue, as a pool, some files at a time: an interrupted import goes on."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import NewStructure, RunDocument, StructureDocument
from genarris_fw.catalogue.runs import IMPORTED
from genarris_fw.errors import InputError
from genarris_fw.pools.reading import FileRead, LeftOut
from genarris_fw.pools.same_crystal import same_crystal
from genarris_fw.pools.sources import Part
from genarris_fw.pools.usable import other_molecules
from genarris_fw.version import __version__

# In place of the firework that begins a run: an imported one has none.
NO_FIREWORK = 0
AT_A_TIME = 1000  # structures that are written at once
_Taken = dict[str, tuple[NewStructure, FileRead]]
_REMEDY = "another crystal; rename one"


class Import:
    """Puts the structures of a source into a pool of a run; again has no further effect.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run, pool : str
        Where they are put, beside what is there. A new run gets the state ``imported``.
    source : Path
        Where they come from.

    Attributes
    ----------
    read, new, already : int
        How many structures were read and can be used, how many of them were not in the run, and how many are not read
        since they are in the pool from an earlier import of the same files.
    left_out : list of LeftOut
        What was not taken, by file.
    notes : Notes
        What was noted.

    Raises
    ------
    InputError
        When the pool is one that the run's own steps make.
    """

    def __init__(self, catalogue: Catalogue, run: str, pool: str, source: Path) -> None:
        self.catalogue, self.run, self.pool, self.source = catalogue, run, pool, source
        self.where = str(source.absolute())
        self.read = self.new = self.already = 0
        self.left_out: list[LeftOut] = []
        self.notes = Notes()
        self._record = catalogue.runs.find(run)
        if self._record is not None:
            _refuse_made_pool(self._record, pool)
        self._there = _There(catalogue.structures.imported(run, pool, self.where))

    @property
    def structures(self) -> int:
        """How many structures of the source the pool has."""
        return self.read + self.already

    def is_there(self, part: Part) -> bool:
        """Tell whether all structures of a part are in the pool from an earlier import, and count them if so."""
        number = self._there.structures(part)
        self.already += number
        return number > 0

    def add(self, parts: Sequence[FileRead]) -> None:
        """Put what was read of some parts into the pool; what cannot be taken is left out and named."""
        documents: _Taken = {}
        for part in parts:
            self.left_out += part.left_out
            self.notes.add(part.part.file, part.notes)
            for document in part.documents:
                self._take(document, part, documents)
        others = other_molecules(self._record, [document for document, _ in documents.values()])
        for name, reason in others.items():
            self.left_out.append(LeftOut(documents.pop(name)[1].part.file, f"{name}: {reason}"))
        known = self.catalogue.structures.there(self.run, list(documents), ["geometry", "provenance"])
        for name, there in known.items():
            document, part = documents[name]
            if not same_crystal(document["geometry"], there["geometry"]):
                self.left_out.append(LeftOut(part.part.file, self._other(name, there, part.part)))
                del documents[name]
        if documents:
            self._write({name: document for name, (document, _) in documents.items()}, set(known))

    def _take(self, document: NewStructure, part: FileRead, documents: _Taken) -> None:
        """Add a document to those of other files, of which one may hold the same id."""
        name = document["struct_id"]
        if name not in documents:
            documents[name] = document, part
            return
        first, other = documents[name]
        if document["geometry"] == first["geometry"]:
            self._note_others(name, document["properties"], first["properties"])
            first["properties"] = document["properties"] | first["properties"]
        elif not same_crystal(document["geometry"], first["geometry"]):
            self.left_out.append(LeftOut(part.part.file, f"holds {name}, and so does {other.part.name}, {_REMEDY}"))

    def _write(self, documents: dict[str, NewStructure], known: set[str]) -> None:
        if self._record is None:
            self.catalogue.runs.create(self.run, _record(self.source), begun_by=NO_FIREWORK)
            self._record = self.catalogue.runs.find(self.run)
        same = [name for name in known if name in documents]
        self._add_properties({name: documents[name] for name in same})
        new = [document for name, document in documents.items() if name not in known]
        self.new += self.catalogue.structures.insert_missing(self.run, new)
        self.catalogue.structures.add_members(self.run, self.pool, list(documents))
        self.read += len(documents)

    def _add_properties(self, documents: dict[str, NewStructure]) -> None:
        """Give structures that are there what a file knows beside it, of the same geometry to the last digit."""
        there = self.catalogue.structures.there(self.run, list(documents), ["geometry", "properties"])
        missing = {}
        for name, known in there.items():
            if known["geometry"] != documents[name]["geometry"]:
                continue
            given, had = documents[name]["properties"], known.get("properties") or {}
            missing[name] = {key: value for key, value in given.items() if key not in had}
            self._note_others(name, given, had)
        self.catalogue.structures.add_properties(self.run, {name: found for name, found in missing.items() if found})

    def _note_others(self, name: str, given: Mapping[str, Any], had: Mapping[str, Any]) -> None:
        """Note numbers of a structure that are others than those which it keeps."""
        for key in sorted(given.keys() & had.keys()):
            if isinstance(given[key], int | float) and given[key] != had[key] and had[key] is not None:
                self.notes.add(self.where, [f"{name}: {key} is {had[key]} already, {given[key]} is left out"])

    def _other(self, name: str, there: StructureDocument, part: Part) -> str:
        """What to say of a structure under whose name the run has another one."""
        provenance = there.get("provenance") or {}
        if provenance.get("imported_from") == self.where and provenance.get("file", part.name) != part.name:
            return f"holds {name}, and so does {provenance['file']}, {_REMEDY}"
        origin = provenance.get("imported_from") or provenance.get("step") or "its own steps"
        return (
            f"{name} is another crystal in run '{self.run}' already (from {origin}): import into another run, or give "
            "the file another struct_id"
        )

    def close(self) -> None:
        """Note how many structures the pool has; also of an import that does not come to its end."""
        if self._record is not None and self.read:
            size = self.catalogue.structures.count(self.run, self.pool)
            self.catalogue.runs.set_pool(self.run, self.pool, size)


class Notes:
    """What readers noted, each line once, with the files that it is of."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[str, int]] = {}

    def add(self, file: str, lines: Sequence[str]) -> None:
        """Take lines of a file."""
        for line in lines:
            first, number = self._files.get(line, (file, 0))
            self._files[line] = first, number + 1

    def __iter__(self) -> Iterator[str]:
        """Yield the lines, each with its first file, and how many more there are."""
        for line, (file, number) in self._files.items():
            yield f"{file}{f' and {number - 1} more' if number > 1 else ''}: {line}"


class _There:
    """The parts of which all structures are in the pool; of a million files their hashes."""

    def __init__(self, imported: Iterator[tuple[str, str]]) -> None:
        self._alone: set[int] = set()
        self._several: Counter[int] = Counter()
        for name, stamp in imported:
            about, _, number = stamp.rpartition("-")
            if number == "1":
                self._alone.add(hash((name, about)))
            elif number.isdigit():
                self._several[hash((name, about, int(number)))] += 1
        self._numbers = set(self._several.values())

    def structures(self, part: Part) -> int:
        """How many structures of a part are there; 0 unless all are, from the file as it is now."""
        if hash((part.name, part.stamp)) in self._alone:
            return 1
        whole = (
            number for number in self._numbers if self._several.get(hash((part.name, part.stamp, number))) == number
        )
        return next(whole, 0)


def in_batches(found: Iterable[FileRead]) -> Iterator[list[FileRead]]:
    """Yield what some parts gave at a time, so that about `AT_A_TIME` structures are written at once."""
    batch: list[FileRead] = []
    number = 0
    for part in found:
        batch.append(part)
        number += max(len(part.documents), 1)
        if number >= AT_A_TIME:
            yield batch
            batch, number = [], 0
    if batch:
        yield batch


def _record(folder: Path) -> dict[str, Any]:
    versions = {"genarris_fw": __version__, "python": platform.python_version()}
    return {
        "state": IMPORTED,
        "folder": str(Path(folder).absolute()),
        "options": {"steps": []},
        "options_hash": None,
        "text": "",
        "seed": None,
        "versions": versions,
    }


def _refuse_made_pool(record: RunDocument, pool: str) -> None:
    for step in record.get("options", {}).get("steps", []):
        if pool in (step["options"].get("output_pool"), step["options"].get("exemplars_pool")):
            raise InputError(
                f"pool '{pool}' of run '{record['name']}' is made by its step {step['name']}: "
                "import into another pool or another run"
            )
