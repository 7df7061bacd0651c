"""The result of a firework: prepared where nobody looks, committed by one update, then made visible (docs/protocol.md).

While a procedure plans or collects, everything that it wants to be seen is kept here. The parts are plain values, so
that whoever takes over a firework whose result is committed can make it visible.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import ArtifactRecord, Committed, RunDocument
from genarris_fw.catalogue.leases import lease_id
from genarris_fw.crystal.formats.registry import structure_endings
from genarris_fw.prepared import Prepared, put_in_place

IDS_PER_PART = 5000
FIELDS_PER_PART = 500


class Publication:
    """What a firework will make visible.

    Parameters
    ----------
    folder : Path
        The run's folder; paths in it are kept as relative ones, so that the folder may move.
    lease : str
        The name of the firework's lease.
    token : int
        Its token.

    Attributes
    ----------
    fields : dict of str to dict
        By structure: dotted field names with their values.
    artifacts : dict of str to ArtifactRecord
        Records of files (`genarris_fw.catalogue.artifacts`) by name.
    outdated : list of str
        Names of those that nobody needs any more.
    scratch : list of Path
        Files laid out for items that are not planned yet.
    """

    def __init__(self, folder: Path, lease: str = "", token: int = 0) -> None:
        self.folder = folder
        self.token = token
        self.files = Prepared(lease, token)
        self.fields: dict[str, dict[str, Any]] = defaultdict(dict)
        self.artifacts: dict[str, ArtifactRecord] = {}
        self.outdated: list[str] = []
        self.scratch: list[Path] = []
        self._pools: dict[str, list[str]] = {}
        self._additions: dict[str, list[str]] = {}
        self._exports: list[tuple[str, Path]] = []
        self._removals: list[Path] = []

    def make_pool(self, pool: str, ids: Iterable[str]) -> None:
        """Let a pool hold exactly these structures."""
        self._pools[pool] = list(ids)

    def add_to_pool(self, pool: str, ids: Iterable[str]) -> None:
        """Let a pool hold these structures, beside those that it has."""
        self._additions[pool] = list(ids)

    def made(self, pool: str) -> list[str] | None:
        """Return which structures a pool will hold where this makes it anew, None where it does not."""
        return self._pools.get(pool)

    def members(self, pool: str, there: Iterable[str]) -> list[str]:
        """Return what a pool will hold, in ascending order, where it holds ``there`` now."""
        if pool in self._pools:
            return sorted(set(self._pools[pool]))
        return sorted({*there, *self._additions.get(pool, ())})

    def export(self, pool: str, folder: Path) -> None:
        """Note that a pool's files lie in a folder: there, those of structures that leave it are removed."""
        self._exports.append((pool, folder))

    def remove(self, path: Path) -> None:
        """Remove a file when the result is visible."""
        self._removals.append(path)

    def forget(self) -> None:
        """Let go of what was committed: it is in the database, and may be the names of a million structures."""
        self.fields.clear()
        self._pools.clear()
        self._additions.clear()

    def discard(self) -> None:
        """Remove the files that were prepared, and never will be seen."""
        self.files.discard()
        self.discard_scratch()

    def discard_scratch(self) -> None:
        """Remove the files that were laid out for items which nobody plans."""
        for path in self.scratch:
            path.unlink(missing_ok=True)
        self.scratch.clear()

    def parts(self) -> list[dict[str, Any]]:
        """Return all that was prepared as plain values, none of them large."""
        pools = [("pool", *entry) for entry in self._pools.items()]
        pools += [("additions", *entry) for entry in self._additions.items()]
        return [
            # Dotted names are values here, not keys of a document.
            *({"kind": "fields", "fields": part} for part in _slices(_pairs(self.fields), FIELDS_PER_PART)),
            *({"kind": "files", "folder": self._relative(folder)} for folder in self.files.folders),
            *({"kind": "export", "pool": pool, "folder": self._relative(path)} for pool, path in self._exports),
            *(
                {"kind": kind, "pool": pool, "ids": part}
                for kind, pool, ids in pools
                for part in (_slices(ids, IDS_PER_PART) if ids else [[]])
            ),
            *({"kind": "artifact", "name": name, "record": record} for name, record in self.artifacts.items()),
            *({"kind": "outdated", "name": name} for name in self.outdated),
            *({"kind": "removal", "path": self._relative(path)} for path in self._removals),
        ]

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self.folder)) if path.is_relative_to(self.folder) else str(path)


def publish(
    catalogue: Catalogue, record: RunDocument, step: str, role: str, token: int, committed: Committed
) -> dict[str, int]:
    """Make a committed result visible; anybody may, any number of times.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    record : RunDocument
        The run's document.
    step, role : str
        Whose result.
    token : int
        Of whoever does it.
    committed : Committed
        What the lease says (`genarris_fw.catalogue.leases`).

    Returns
    -------
    dict
        The step's work items by state (`WorkItems.counts`).

    Raises
    ------
    LeaseLost
        When the firework was taken over by somebody who has published.
    OSError
        When a file cannot be put in its place.
    """
    run, folder = record["name"], Path(record["folder"])
    guard = f"{step} {role}"
    fence = (guard, token)
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for part in catalogue.publications.parts(lease_id(run, step, role, 0), committed):
        by_kind[part["kind"]].append(part)
    for part in by_kind["round"]:
        catalogue.work_items.release(run, step, part["round"], committed["token"])
    for part in by_kind["fields"]:
        catalogue.structures.set_fields(run, guard, ((name, dict(pairs), token) for name, pairs in part["fields"]))
    for part in by_kind["files"]:
        put_in_place(folder / part["folder"])
    sizes = {}
    for pool, ids in _joined(by_kind["pool"]).items():
        _remove_stale(catalogue, run, pool, ids, [folder / e["folder"] for e in by_kind["export"] if e["pool"] == pool])
        catalogue.structures.replace_members(run, pool, ids, fence)
        sizes[pool] = len(set(ids))
    for pool, ids in _joined(by_kind["additions"]).items():
        catalogue.structures.add_members(run, pool, ids, fence)
        sizes[pool] = catalogue.structures.count(run, pool)
    for part in by_kind["artifact"]:
        catalogue.artifacts.publish(run, part["name"], part["record"], fence)
    for part in by_kind["outdated"]:
        catalogue.artifacts.remove(run, part["name"])
    for part in by_kind["removal"]:
        (folder / part["path"]).unlink(missing_ok=True)
    about: dict[str, Any] = {"pools": sizes, "guard": guard, "token": token, "published": committed["token"]}
    if not by_kind["summary"]:
        counts = catalogue.work_items.counts(run, step)
        catalogue.runs.step_planned(run, step, counts, **about)
        return counts
    [part] = by_kind["summary"]
    catalogue.runs.step_finished(run, step, part["summary"], part["counts"], ended=part["ended"], **about)
    return dict(part["counts"])


def round_part(round_: int) -> dict[str, Any]:
    """Return the part that makes a round of work items count."""
    return {"kind": "round", "round": round_}


def summary_part(summary: dict[str, Any], counts: dict[str, int], ended: datetime) -> dict[str, Any]:
    """Return the part that says what a step came to."""
    return {"kind": "summary", "summary": summary, "counts": counts, "ended": ended}


def _joined(parts: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Return pool -> structures of parts that hold some each."""
    joined: dict[str, list[str]] = defaultdict(list)
    for part in parts:
        joined[part["pool"]] += part["ids"]
    return joined


def _remove_stale(catalogue: Catalogue, run: str, pool: str, ids: Sequence[str], folders: Sequence[Path]) -> None:
    """Remove the files of structures that an earlier result of this step had put into the pool."""
    if not folders:
        return
    for name in set(catalogue.structures.pool_ids(run, pool)).difference(ids):
        for folder in folders:
            for ending in structure_endings():
                with suppress(FileNotFoundError, NotADirectoryError):
                    (folder / f"{name}{ending}").unlink()


def _pairs(fields: dict[str, dict[str, Any]]) -> list[Any]:
    return [[name, list(values.items())] for name, values in fields.items()]


def _slices(values: Sequence[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(values), size):
        yield list(values[start : start + size])
