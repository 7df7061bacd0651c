"""Files that the work on an item makes: its result, and how far it has come, too large for a document.

Every write makes a file of a new name, in the run's folder or, where this node does not see that, in GridFS. It is
there when a document names it: the item's checkpoint or its outcome, which nobody writes but the holder of the item's
token. What no document names counts for nothing, and is removed: the checkpoints when the item is committed, all of a
step's when the run is finished, since results were published by then.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.artifacts import checksum
from genarris_fw.catalogue.leases import LeaseLost
from genarris_fw.catalogue.work_items import Item
from genarris_fw.options.base import SharedOptions
from genarris_fw.procedures.kit.campaign import Campaign
from genarris_fw.procedures.kit.run_files import publish_file

FOLDER = Path(".genarris_fw/items")  # in the run's folder
RESULT, CHECKPOINT = "result", "checkpoint"

FileRecord = dict[str, Any]  # sha256, and either place (relative to the run's folder) or content (in GridFS)
Write = Callable[[Path], object]


class ItemFiles:
    """The files of one work item, in the hands of who has claimed it.

    Parameters
    ----------
    campaign : Campaign
        The step.
    item : Item
        As it was claimed.
    """

    def __init__(self, campaign: Campaign[SharedOptions], item: Item) -> None:
        self.campaign = campaign
        self.item = item
        self._number = 0
        self._kept: FileRecord | None = (item.checkpoint or {}).get("file")

    def result(self, write: Write) -> FileRecord:
        """Write the item's result; return what its outcome has to hold for `item_file` and `publish_item_file`."""
        return self._written(RESULT, write)

    @contextmanager
    def checkpoint(self) -> Iterator[Path | None]:
        """Give the file that an earlier replica has kept; None where there is none, or it was lost."""
        with item_file(self.campaign, self._kept) as path:
            if self._kept is not None:
                what = "goes on from a checkpoint" if path else "its checkpoint is gone or was changed: done anew"
                self.campaign.log(what, level="INFO" if path else "WARNING", item=self.item.key)
            yield path

    def keep(self, write: Write, **about: Any) -> None:
        """Keep a file as the item's checkpoint, in place of the one before; that stays where it cannot be written.

        Parameters
        ----------
        write : callable
            Given a path, writes the file there.
        **about
            Plain values that stand beside it in the item's document.

        Raises
        ------
        LeaseLost
            When another replica has the item: it goes on from the checkpoint before, which stays.
        """
        try:
            record = self._written(CHECKPOINT, write)
        except OSError as error:  # a full disk: hours of work do not end for that
            why = error.strerror or error
            self.campaign.log("its checkpoint could not be written", level="WARNING", item=self.item.key, why=why)
            return
        if not self.campaign.keep(self.item, about | {"file": record}):
            _remove(self.campaign, record)
            raise LeaseLost(f"item {self.item.key} of {self.campaign.step} was taken over by another replica")
        if self._kept is not None:
            _remove(self.campaign, self._kept)
        self._kept = record

    def _written(self, kind: str, write: Write) -> FileRecord:
        campaign = self.campaign
        self._number += 1
        name = f"{_beginning(campaign.run, campaign.step, self.item.key, kind)}{self.item.token}-{self._number}"
        if campaign.folder.is_dir():
            place = campaign.folder / FOLDER / name
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                write(place)
            except BaseException:
                place.unlink(missing_ok=True)
                raise
            return {"place": str(FOLDER / name), "sha256": checksum(place)}
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "file"
            write(place)
            content = campaign.catalogue.artifacts.put_content(campaign.run, name, place)
            return {"content": content, "sha256": checksum(place)}


@contextmanager
def item_file(campaign: Campaign[SharedOptions], record: FileRecord | None) -> Iterator[Path | None]:
    """Give a path where an item's file can be read on this node; None where it is gone, elsewhere, or was changed."""
    if record is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "file"
        if "place" in record:
            place = campaign.folder / record["place"]
        else:
            campaign.catalogue.artifacts.get_content(record["content"], place)
        yield place if place.is_file() and checksum(place) == record["sha256"] else None


def publish_item_file(
    campaign: Campaign[SharedOptions], record: FileRecord, name: str, path: Path, **about: Any
) -> bool:
    """Make an item's result known by a name (`publish_file`) while the step is collected.

    Returns
    -------
    bool
        False where it cannot be read here: its node saw a folder that this one does not, or it was lost.
    """
    known = campaign.catalogue.artifacts.find(campaign.run, name)
    if known is not None and known["sha256"] == record["sha256"]:
        return True  # of a run that was finished before and had items done again: the item's own file is gone
    with item_file(campaign, record) as found:
        if found is None:
            return False
        publish_file(campaign, name, path, lambda target: shutil.copyfile(found, target), **about)
        return True


def forget_checkpoints(campaign: Campaign[SharedOptions], items: Sequence[Item]) -> None:
    """Remove the checkpoints of items that are committed; a procedure's `committed` calls it."""
    for item in items:
        beginning = _beginning(campaign.run, campaign.step, item.key, CHECKPOINT)
        with suppress(OSError):  # a full or absent disk: what is left goes when the run is finished
            for file in (campaign.folder / FOLDER).glob(f"{beginning}*"):
                file.unlink()
        campaign.catalogue.artifacts.remove_contents(campaign.run, beginning)


def forget_item_files(catalogue: Catalogue, run: str, step: str, folders: Sequence[Path]) -> None:
    """Remove all files of a step's items; a procedure's `tidy` calls it, when results are published."""
    for folder in folders:
        shutil.rmtree(folder / FOLDER / _owner(run, step), ignore_errors=True)
    catalogue.artifacts.remove_contents(run, f"{_owner(run, step)}/")


def _owner(run: str, step: str) -> str:
    return hashlib.sha256(f"{run}:{step}".encode()).hexdigest()[:16]


def _beginning(run: str, step: str, key: str, kind: str) -> str:
    """How the names of an item's files of a kind begin; its key may be no name of a file."""
    return f"{_owner(run, step)}/{hashlib.sha256(key.encode()).hexdigest()[:16]}-{kind}-"


def _remove(campaign: Campaign[SharedOptions], record: FileRecord) -> None:
    if "content" in record:
        campaign.catalogue.artifacts.remove_content(record["content"])
        return
    with suppress(OSError):
        (campaign.folder / record["place"]).unlink()
