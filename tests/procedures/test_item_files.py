"""Files by name, and files of items: there when a document names them, fenced by the item's token, gone afterwards."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.costs import Cost
from genarris_fw.catalogue.leases import LeaseLost
from genarris_fw.catalogue.work_items import Item
from genarris_fw.errors import RunFailed
from genarris_fw.logs import Log
from genarris_fw.procedures.kit.campaign import Campaign
from genarris_fw.procedures.kit.item_files import (
    FOLDER,
    ItemFiles,
    forget_checkpoints,
    forget_item_files,
    item_file,
    publish_item_file,
)
from genarris_fw.procedures.kit.run_files import about_file, publish_file, published_file

RUN, STEP, KEY = "run", "select_structures", "a/b: ü"  # a key may be no name of a file
MASTER = {"lease_seconds": 60, "max_attempts": 3}


@pytest.fixture(params=["folder", "gridfs"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The run's folder: one that this node sees, or one that it does not."""
    folder = tmp_path / "run"
    if request.param == "folder":
        folder.mkdir()
    return folder


@pytest.fixture
def catalogue(database_uri: str) -> Iterator[Catalogue]:
    from genarris_fw.database.launchpads import launchpad, prepare

    pad = launchpad(database_uri)
    prepare(pad)
    yield Catalogue(pad.db)
    pad.connection.close()


def campaign_of(catalogue: Catalogue, folder: Path, owner: str) -> Campaign:
    step = {"name": STEP, "procedure": "Select_Structures", "options": {}}
    record = {"name": RUN, "folder": str(folder), "seed": 1, "options": {"master": MASTER, "steps": [step]}}
    campaign = Campaign(catalogue, record, STEP, Log(folder, run=RUN, step=STEP, role="side", fw=1))
    campaign.begin_work(owner, campaign.walltime)
    return campaign


def claimed(catalogue: Catalogue, owner: str) -> Item:
    catalogue.work_items.insert(RUN, STEP, [Item(KEY)])
    [item] = catalogue.work_items.claim(RUN, STEP, owner, 1, 60)
    return item


def writes(text: str) -> object:
    return lambda path: path.write_text(text)


def kept(campaign: Campaign, item: Item) -> str | None:
    with ItemFiles(campaign, item).checkpoint() as path:
        return None if path is None else path.read_text()


def number_of_files(catalogue: Catalogue, folder: Path) -> int:
    in_folder = [path for path in (folder / FOLDER).rglob("*") if path.is_file()]
    return len(in_folder) + catalogue.database["artifact_files.files"].count_documents({})


def test_whoever_comes_next_goes_on_from_the_last_checkpoint(catalogue: Catalogue, place: Path) -> None:
    first = campaign_of(catalogue, place, "one")
    item = claimed(catalogue, "one")
    assert kept(first, item) is None
    files = ItemFiles(first, item)
    for text in ("early", "late"):
        files.keep(writes(text), iterations=len(text))
    assert number_of_files(catalogue, place) == 1  # the earlier one is gone
    catalogue.work_items.give_back("one")
    second = campaign_of(catalogue, place, "two")
    item = claimed(catalogue, "two")
    assert item.checkpoint is not None and item.checkpoint["iterations"] == 4
    assert kept(second, item) == "late"
    files = ItemFiles(second, item)
    files.keep(writes("latest"))
    assert number_of_files(catalogue, place) == 1
    result = files.result(writes("result"))
    assert catalogue.work_items.commit(RUN, STEP, "two", [(item, {"file": result}, Cost(1.0))]) == 1
    forget_checkpoints(second, [item])
    assert number_of_files(catalogue, place) == 1  # the result
    with item_file(second, result) as path:
        assert path is not None and path.read_text() == "result"
    forget_item_files(catalogue, RUN, STEP, [place])
    assert number_of_files(catalogue, place) == 0


def test_who_was_overtaken_changes_nothing(catalogue: Catalogue, place: Path) -> None:
    """It neither replaces nor removes what its successor goes on from, and is told so."""
    first, second = (campaign_of(catalogue, place, owner) for owner in ("one", "two"))
    old = claimed(catalogue, "one")
    frozen = ItemFiles(first, old)
    frozen.keep(writes("mine"))
    catalogue.work_items.give_back("one")
    new = claimed(catalogue, "two")
    with pytest.raises(LeaseLost, match="taken over by another replica"):
        frozen.keep(writes("too late"))
    assert kept(second, new) == "mine"
    ItemFiles(second, new).keep(writes("theirs"))
    with pytest.raises(LeaseLost):
        frozen.keep(writes("much too late"))
    [record] = catalogue.work_items.collection.find({})
    with item_file(second, record["checkpoint"]["file"]) as path:
        assert path is not None and path.read_text() == "theirs"
    assert number_of_files(catalogue, place) == 1


def test_a_checkpoint_that_was_changed_or_lost_counts_for_nothing(catalogue: Catalogue, place: Path) -> None:
    campaign, item = campaign_of(catalogue, place, "one"), claimed(catalogue, "one")
    ItemFiles(campaign, item).keep(writes("whole"))
    catalogue.work_items.give_back("one")
    item = claimed(catalogue, "one")
    if place.is_dir():
        [file] = [path for path in (place / FOLDER).rglob("*") if path.is_file()]
        file.write_text("half")
    else:
        forget_item_files(catalogue, RUN, STEP, [place])
    assert kept(campaign, item) is None
    if place.is_dir():
        assert "its checkpoint is gone or was changed" in "".join(p.read_text() for p in (place / "logs").iterdir())


def test_a_full_disk_leaves_the_checkpoint_before(catalogue: Catalogue, place: Path) -> None:
    campaign, item = campaign_of(catalogue, place, "one"), claimed(catalogue, "one")
    files = ItemFiles(campaign, item)
    files.keep(writes("early"))

    def full(path: Path) -> None:
        path.write_text("la")
        raise OSError(errno.ENOSPC, "No space left on device")

    files.keep(full)
    assert number_of_files(catalogue, place) == 1
    catalogue.work_items.give_back("one")
    assert kept(campaign, claimed(catalogue, "one")) == "early"
    with pytest.raises(OSError, match="No space left"):
        files.result(full)
    assert number_of_files(catalogue, place) == 1


def published(campaign: Campaign) -> None:
    """Do what a commit of the step's result does."""
    for parent in campaign.publication.files.folders:
        for file in parent.iterdir():
            file.rename(parent.parent / file.name)
    for name, record in campaign.publication.artifacts.items():
        campaign.catalogue.artifacts.publish(RUN, name, record)


def test_a_result_becomes_a_file_of_the_run(catalogue: Catalogue, place: Path) -> None:
    campaign, item = campaign_of(catalogue, place, "one"), claimed(catalogue, "one")
    record = ItemFiles(campaign, item).result(writes("result"))
    assert publish_item_file(campaign, record, "results/a", place / "a.txt", made_from="nothing")
    published(campaign)
    forget_item_files(catalogue, RUN, STEP, [place])
    with published_file(campaign, "results/a") as path:
        assert path.read_text() == "result"
    assert about_file(campaign, "results/a") == {"made_from": "nothing"}
    # Of a run that is finished and has other items tried again: the item's own file is gone, what it became is there.
    assert publish_item_file(campaign, record, "results/a", place / "a.txt")
    assert not publish_item_file(campaign, record | {"sha256": "0"}, "results/a", place / "a.txt")


def test_a_file_that_nobody_made_or_that_was_changed(catalogue: Catalogue, place: Path) -> None:
    campaign = campaign_of(catalogue, place, "one")
    never = pytest.raises(RunFailed, match="run 'run' has no file 'table': no earlier step has made it")
    with never, published_file(campaign, "table"):
        pass
    assert about_file(campaign, "table") == {}
    publish_file(campaign, "table", place / "table.txt", writes("1 2 3"))
    published(campaign)
    if place.is_dir():
        (place / "table.txt").write_text("1 2 4")
    else:
        content = catalogue.artifacts.find(RUN, "table")["content"]
        catalogue.artifacts.bucket.delete(content)
    changed = pytest.raises(RunFailed, match="is gone or was changed since it was written")
    with changed, published_file(campaign, "table"):
        pass


def test_a_run_that_is_deleted_leaves_no_files_in_the_database(catalogue: Catalogue, tmp_path: Path) -> None:
    campaign, item = campaign_of(catalogue, tmp_path / "elsewhere", "one"), claimed(catalogue, "one")
    ItemFiles(campaign, item).keep(writes("state"))
    catalogue.delete_run(RUN)
    assert number_of_files(catalogue, tmp_path) == 0
