"""Backups of one moment: made while rockets work, looked into, restored elsewhere, continued to the same result."""

from __future__ import annotations

import io
import json
import random
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from archives import Content, contradictions, documents, manifest, missing, rewritten
from command import genarris, one_line
from databases import new_database
from faults import tcp_mongod
from havoc import NEVER_KILLED, facts, undisturbed
from killing import Crowd, Farm, survives
from pymongo import MongoClient

from genarris_fw.database import backup as backup_module
from genarris_fw.database.backup import ONE_MOMENT, backup
from genarris_fw.database.leftovers import temporary_path
from genarris_fw.database.restore import of_one_moment, restore
from genarris_fw.errors import DatabaseError, InputError
from genarris_fw.farm.repair.restored import take_up

ITEMS, STEPS, BACKUPS = 60, 2, 10


@pytest.fixture(scope="module")
def truth(mongod: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the run has to say when nothing disturbs it."""
    with new_database(mongod) as uri:
        return undisturbed(uri, tmp_path_factory.mktemp("undisturbed") / "run", ITEMS, STEPS)


@pytest.fixture(scope="module")
def files(mongod: str, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Backups of a run while three rockets carry it out, each when so many items are done."""
    folder, made = tmp_path_factory.mktemp("backups"), []
    moments = [0, *sorted(random.Random(13).sample(range(1, ITEMS * STEPS), BACKUPS - 1))]
    with new_database(mongod) as uri:
        farm = Farm(uri, folder)
        crowd = Crowd(farm, 3, seed=13)
        farm.add(items=ITEMS, steps=STEPS, seconds=0.05, plan_seconds=0.2, collect_seconds=0.3, rounds=2)
        try:
            for moment in moments:
                crowd.fill()
                farm.hold(after=moment + 15)  # work goes on meanwhile, but not to the end
                farm.wait_for_done(moment)
                made.append(folder / f"{len(made)}.tar.gz")
                backup(uri, made[-1])
        finally:
            crowd.close()
            farm.close()
    return made


def done_and_not_collected(content: Content) -> list[dict[str, Any]]:
    """The done items of steps that are not collected."""
    collected = {step for run in content.get("runs", []) for step in run.get("summaries", {})}
    done = [item for item in content.get("work_items", []) if item["state"] == "done"]
    return [item for item in done if item["step"] not in collected]


def in_the_middle(files: list[Path]) -> Path:
    """The last archive that was made in the middle of a step."""
    return next(file for file in reversed(files) if done_and_not_collected(documents(file)))


def continued(uri: str, file: Path, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Restore an archive and carry out what is left of its run; return the run's facts, and what was repaired."""
    restore(uri, file)
    folder.mkdir()
    farm = Farm(uri, folder)
    try:
        said = list(take_up(farm.launchpad, of_one_moment(file)))
        assert survives("launch", farm, NEVER_KILLED)  # each ready firework once: nothing is left to wait for
        farm.check(farm.catalogue.runs.get(farm.run), items=ITEMS, steps=STEPS)
        farm.check_fireworks()
        return facts(farm), said
    finally:
        farm.close()


def test_backups_during_a_run_are_of_one_moment(files: list[Path]) -> None:
    for file in files:
        assert contradictions(documents(file)) == [] and of_one_moment(file)


def test_restored_elsewhere_it_goes_on_at_once_to_the_same_result(
    files: list[Path], truth: dict[str, Any], database_uri: str, tmp_path: Path
) -> None:
    """The rockets of then live on another machine, for all that can be told here, and hold leases and locks."""

    def of_living_rockets(_: dict[str, Any], content: Content) -> None:
        held = [lease for lease in content["leases"] if "owner" in lease]
        assert held
        items = [item["lease"] for item in content["work_items"] if item["state"] == "leased"]
        for lease in held + items:
            lease |= {"owner": f"elsewhere{lease['owner']}", "expires": datetime.now(timezone.utc) + timedelta(hours=1)}
        for workflow in content["workflows"]:
            workflow["locked"] = True

    file = rewritten(in_the_middle(files), tmp_path / "x.tar.gz", of_living_rockets)
    assert continued(database_uri, file, tmp_path / "run")[0] == truth


def test_what_an_archive_of_several_moments_lacks_is_made_again(
    files: list[Path], truth: dict[str, Any], database_uri: str, tmp_path: Path
) -> None:
    """As older versions made them of a server by itself: structures first, then the items that had made them."""

    def older(about: dict[str, Any], content: Content) -> None:
        del about[ONE_MOMENT]
        lost = {item["outcome"]["struct_id"] for item in done_and_not_collected(content)[-5:]}
        content["structures"] = [document for document in content["structures"] if document["struct_id"] not in lost]
        content["fw_id_assigner"][0]["next_launch_id"] = 1
        for workflow in content["workflows"]:
            workflow["locked"] = True

    file = rewritten(in_the_middle(files), tmp_path / "older.tar.gz", older)
    assert missing(documents(file)) and not of_one_moment(file)
    found, said = continued(database_uri, file, tmp_path / "run")
    assert found == truth
    assert "is made again" in said[0]


def test_reads_of_a_set_see_one_moment(database_uri: str, tmp_path: Path) -> None:
    """`a` is written before `c` and read long before it: reads that follow each other would find more in `c`."""
    program = (
        f"import pymongo; base = pymongo.MongoClient({database_uri!r}).get_default_database(); n = 0\n"
        "while True:\n"
        "    base.a.insert_one({'_id': n}); base.c.insert_one({'_id': n}); n += 1"
    )
    with MongoClient(database_uri) as client:
        base = client.get_default_database()
        base.b.insert_many({"large": bytes(10**6)} for _ in range(20))
        writer = subprocess.Popen([sys.executable, "-c", program])
        try:
            while base.c.estimated_document_count() < 100:
                assert writer.poll() is None
                time.sleep(0.02)
            counts = backup(database_uri, tmp_path / "x.tar.gz")
        finally:
            writer.kill()
            writer.wait()
    assert counts["a"] - counts["c"] in (0, 1) and counts["c"] >= 100


# ---- servers by themselves, and databases in use


def hold_lease(uri: str, seconds: float) -> None:
    """Have a rocket hold a firework's lease."""
    with MongoClient(uri) as client:
        expires = {"$add": ["$$NOW", int(1000 * seconds)]}
        client.get_default_database().leases.update_one(
            {"_id": "nap:sleepy_0:gate"},
            [{"$set": {"run": "nap", "step": "sleepy_0", "role": "gate", "state": "open", "owner": "n:1:1:1:x",
                       "token": {"$add": [{"$ifNull": ["$token", 0]}, 1]}, "expires": expires}}],
            upsert=True,
        )  # fmt: skip


def test_server_by_itself_is_backed_up_while_no_rocket_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "x.tar.gz"
    with tcp_mongod(tmp_path) as port:
        uri = f"mongodb://127.0.0.1:{port}/genarris"
        hold_lease(uri, 60)
        refused = genarris("db", "backup", str(file), "--uri", uri, cwd=tmp_path)
        line = one_line(refused.stderr)
        assert refused.returncode == 2 and "rockets work" in line and "docs/clusters.md" in line
        assert not file.exists()
        hold_lease(uri, -1)
        backup(uri, file)
        assert of_one_moment(file) and [lease["token"] for lease in documents(file)["leases"]] == [2]
        dump = backup_module._dump

        def while_one_comes_and_goes(*words: Any) -> dict[str, Any]:
            hold_lease(uri, -1)
            return dump(*words)

        monkeypatch.setattr(backup_module, "_dump", while_one_comes_and_goes)
        with pytest.raises(DatabaseError, match="rockets work on this database"):
            backup(uri, tmp_path / "y.tar.gz")
    assert not list(tmp_path.glob("*y.tar.gz*")) and not list(tmp_path.glob(".genarris_fw-*"))


def test_nothing_is_restored_under_rockets_at_work(database_uri: str, tmp_path: Path) -> None:
    hold_lease(database_uri, 60)
    backup(database_uri, tmp_path / "x.tar.gz")
    with pytest.raises(InputError, match="rockets work on this database: stop them"):
        restore(database_uri, tmp_path / "x.tar.gz", force=True)
    hold_lease(database_uri, -1)
    restore(database_uri, tmp_path / "x.tar.gz", force=True)


# ---- damaged archives


def damaged(whole: bytes, seed: int) -> Iterator[bytes]:
    """Cut and change an archive in 200 ways."""
    chance = random.Random(seed)
    for _ in range(80):
        yield whole[: chance.randrange(len(whole))]
    for cut in range(1, 21):
        yield whole[:-cut]
    for _ in range(80):
        changed = bytearray(whole)
        for _ in range(chance.choice((1, 1, 2, 20))):
            changed[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        yield bytes(changed)
    for _ in range(20):
        at = chance.randrange(len(whole))
        yield whole[:at] + chance.randbytes(chance.randrange(1, 600)) + whole[at + chance.randrange(600) :]


def test_cut_and_changed_archives_are_told_in_a_line_and_change_nothing(
    files: list[Path], database_uri: str, tmp_path: Path
) -> None:
    whole, file, refused = in_the_middle(files).read_bytes(), tmp_path / "x.tar.gz", 0
    with MongoClient(database_uri) as client:
        base = client.get_default_database()
        base.mine.insert_one({"_id": 1})
        for content in damaged(whole, seed=13):
            file.write_bytes(content)
            try:
                restore(database_uri, file, force=True)
            except InputError as error:
                refused += 1
                assert str(error).startswith(f"{file}: ") and "\n" not in str(error)
                assert base.list_collection_names() == ["mine"] and base.mine.count_documents({}) == 1
            else:  # the time or the name in the header of gzip
                assert base.structures.count_documents({}) == len(documents(in_the_middle(files))["structures"])
                client.drop_database(base.name)
                base.mine.insert_one({"_id": 1})
        assert refused > 190
        file.write_bytes(whole[:2000] + bytes(50) + whole[2050:])
        said = genarris("db", "restore", str(file), "--uri", database_uri, "--force", "--yes", cwd=tmp_path)
        assert said.returncode == 2 and str(file) in one_line(said.stderr)
        assert base.list_collection_names() == ["mine"]
    assert [path.name for path in tmp_path.iterdir()] == ["x.tar.gz"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": "another"}, "a backup of another kind"),
        ({"collections": None}, "not a whole backup"),
        ({"collections": [{"name": "x"}]}, "not a whole backup"),
        ({"collections": [{"name": 7, "options": {}, "file": "f", "count": 0, "sha256": "", "indexes": []}]}, "name"),
    ],
)
def test_manifests_that_are_none(
    files: list[Path], database_uri: str, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    text = json.dumps({**manifest(files[0]), **changes}, default=str).encode()
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        header = tarfile.TarInfo("manifest.json")
        header.size = len(text)
        archive.addfile(header, io.BytesIO(text))
    with pytest.raises(InputError, match=said):
        restore(database_uri, tmp_path / "x.tar.gz")


# ---- what was killed


def killed_at_work(uri: str, file: Path, what: str) -> None:
    """Back up or restore in a process that is killed when it has unpacked, or written, half."""
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from genarris_fw import files\n"
        "from genarris_fw.database import backup, restore\n"
        "def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)\n"
        "files.os.fsync = restore._refuse_filled = die\n"
        f"{what}.{what}({uri!r}, Path({str(file)!r}))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL


def test_what_killed_ones_left_is_removed_by_the_next(database_uri: str, tmp_path: Path) -> None:
    with MongoClient(database_uri) as client:
        client.get_default_database().things.insert_one({})
    file = tmp_path / "x.tar.gz"
    others = [temporary_path(tmp_path), tmp_path / ".genarris_fw-notes", tmp_path / ".genarris_fw-n:1:1:0:01234567"]
    for path in others:  # of one that lives, of nobody, of another machine
        path.write_text("")
    backup(database_uri, file)
    whole = sorted([file, *others])
    for left, following in (("backup", "restore"), ("restore", "backup"), ("backup", "backup")):
        killed_at_work(database_uri, file, left)
        assert len(list(tmp_path.iterdir())) > len(whole)
        if following == "backup":
            backup(database_uri, file)
        else:
            restore(database_uri, file, force=True)
        assert sorted(tmp_path.iterdir()) == whole
