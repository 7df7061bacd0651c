"""Patience with a database that is away for a while, on a real server that is killed and started again."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from fireworks import Firework, ScriptTask
from pymongo import MongoClient
from pymongo.errors import AutoReconnect, BulkWriteError, NotPrimaryError, OperationFailure
from waiting import wait_until

from genarris_fw import patience
from genarris_fw.database.launchpads import launchpad, patient, prepare
from genarris_fw.database.mongod import find_mongod
from genarris_fw.database.server import Server
from genarris_fw.errors import DatabaseError
from genarris_fw.patience import DatabaseAway, is_outage, patiently


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    try:
        find_mongod()
    except DatabaseError as error:
        pytest.skip(str(error))
    server = Server(tmp_path, cache_gb=0.25)
    server.start()
    yield server
    server.stop(force=True)


class Clock:
    """Patience's clock, which stands still but for its pauses."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(patience, "time", self)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def kill(server: Server) -> None:
    os.kill(server.status()["pid"], signal.SIGKILL)


def test_a_killed_server_is_waited_for(server: Server) -> None:
    again = []

    def and_again() -> None:
        again.append(1)
        if len(again) == 2:
            server.start()

    with MongoClient(server.uri, serverSelectionTimeoutMS=300, journal=True) as client:
        numbers = client.test.numbers
        numbers.insert_one({"_id": 1, "value": 0})
        kill(server)
        # Setting a value twice has the effect of once: what may be sent again.
        patiently(lambda: numbers.update_one({"_id": 1}, {"$set": {"value": 7}}), 120, again=and_again)
        assert len(again) >= 2
        assert numbers.find_one({"_id": 1}) == {"_id": 1, "value": 7}


def test_patience_has_an_end(server: Server) -> None:
    with MongoClient(server.uri, serverSelectionTimeoutMS=200) as client:
        kill(server)
        begun = time.monotonic()
        with pytest.raises(DatabaseAway, match=r"away for \d+ s"):
            patiently(lambda: client.test.numbers.find_one(), 1.5)
        assert 1.0 < time.monotonic() - begun < 60


def test_who_has_waited_is_not_waited_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    calls = []

    def inner() -> None:
        calls.append(clock.now)
        raise AutoReconnect("gone")

    with pytest.raises(DatabaseAway):
        patiently(lambda: patiently(inner, 3.0), 60)
    assert calls == pytest.approx([0.0, 0.2, 0.6, 1.4, 3.0])  # each pause twice the one before


def test_a_refusal_passes_at_once(server: Server) -> None:
    calls = []
    with MongoClient(server.uri) as client:

        def refused() -> None:
            calls.append(1)
            client.test.command("noSuchCommand")

        with pytest.raises(OperationFailure):
            patiently(refused, 60)
    assert calls == [1]


def test_a_late_failure_is_a_new_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica that works for hours between two outages has patience with each of them."""
    clock = Clock(monkeypatch)
    calls = []

    def works_for_a_while() -> str:
        calls.append(1)
        clock.sleep(3600)
        if len(calls) < 5:
            raise AutoReconnect("gone")
        return "done"

    assert patiently(works_for_a_while, 10.0, again=lambda: None) == "done" and len(calls) == 5


@pytest.mark.parametrize(
    ("details", "outage"),
    [
        ({"writeConcernErrors": [{"code": 91}], "writeErrors": []}, True),
        ({"writeConcernErrors": [{"code": 91}], "writeErrors": [{"code": 11000}]}, False),
        ({"writeConcernErrors": [{"code": 79}], "writeErrors": []}, False),
        ({"writeErrors": [{"code": 11000}]}, False),
    ],
)
def test_what_is_an_outage_in_a_batch(details: dict, outage: bool) -> None:
    assert is_outage(BulkWriteError(details)) is outage


def test_the_launchpad_of_rockets_waits(server: Server) -> None:
    """FireWorks' own calls cannot be sent again by us: they wait for the server instead."""
    hasty = launchpad(f"{server.uri}&serverSelectionTimeoutMS=300")
    pad = launchpad(server.uri)
    waiting = patient(pad, 60)
    prepare(pad)
    assert patient(hasty).mongoclient_kwargs == hasty.mongoclient_kwargs  # what the user says counts
    assert waiting.fireworks.find_one() is None
    server.stop(force=True)
    with pytest.raises(AutoReconnect):
        hasty.fireworks.find_one()
    threading.Timer(2.0, server.start).start()
    assert next(iter(waiting.add_wf(Firework(ScriptTask.from_str("true"))).values())) == 1
    for one in (hasty, pad, waiting):
        one.connection.close()


def test_the_launchpad_of_rockets_waits_for_a_server_that_is_no_primary_yet(server: Server) -> None:
    """As one of ours is for a moment when it starts again: it answers, and refuses what is written."""
    pad = launchpad(server.uri)
    waiting = patient(pad, 60)
    prepare(pad)
    ids = waiting.fw_id_assigner.find_one()
    with suppress(AutoReconnect):  # it may cut the connection that asks for it
        pad.connection.admin.command("replSetStepDown", 600, force=True)
    # A server that starts again is looked at anew. Here it goes on, and the driver has to hear that it is no primary.
    wait_until(lambda: waiting.connection.primary is None)
    with pytest.raises(NotPrimaryError):
        pad.fw_id_assigner.update_one({}, {"$inc": {"next_fw_id": 1}})
    threading.Timer(1.0, lambda: pad.connection.admin.command("replSetFreeze", 0)).start()
    assert next(iter(waiting.add_wf(Firework(ScriptTask.from_str("true"))).values())) == ids["next_fw_id"]
    for one in (pad, waiting):
        one.connection.close()
