"""Two hosts of workers and the database on a third, with authentication and TLS: cables are cut, a host is lost."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator

import pytest
from command import BIN, environment
from killing import Farm
from leases import scaled
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from two_hosts import Host, Site, rlaunch, site
from waiting import wait_until

CUT_SECONDS = scaled(30)
TAKEN_OVER_WITHIN = 120  # seconds; what is measured is printed
LEASE_SECONDS = 3.0


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("s")) as made:
        yield made


@pytest.fixture
def farm(place: Site) -> Iterator[Farm]:
    farm = Farm(place.socket_uri(), place.folder)
    # What `genarris-fw init` writes: FireWorks' own calls wait for the server as long as ours do.
    farm.config.write_text(
        f"host: '{place.uri()}'\nname: genarris\nuri_mode: true\n"
        "mongoclient_kwargs: {serverSelectionTimeoutMS: 600000}\n"
    )
    farm.config.chmod(0o600)
    yield farm
    farm.close()


def start_rockets(farm: Farm, hosts: list[Host], each: int = 2, uri: str = "") -> list[subprocess.Popen]:
    """Start plain ``rlaunch`` on hosts; with a URI, ``genarris-fw rockets``."""
    started = []
    for host in hosts:
        for i in range(each):
            place = farm.folder / f"rockets-{host.name}-{i}"
            if not uri:
                started.append(rlaunch(host, farm.config, place))
                continue
            place.mkdir()
            process = host.start(
                *(BIN / "genarris-fw", "rockets", farm.run),
                cwd=place,
                env=environment(GENARRIS_FW_ALLOW="sleepy.Sleepy", GENARRIS_FW_URI=uri),
                stdout=(place / "output").open("wb"),
                stderr=subprocess.STDOUT,
            )
            started.append(process)
    return started


def hosts_at_work(farm: Farm) -> set[str]:
    """Names of the hosts that hold work items."""
    return {owner.rsplit(":", 4)[0] for owner in farm.catalogue.work_items.owners(farm.run)}


def holders_on_the_path(farm: Farm) -> list[str]:
    """Owners of the plan, the gate or the like."""
    return [lease["owner"] for lease in farm.catalogue.leases.holders(farm.run) if lease["role"] != "side"]


def wait_for(farm: Farm, hosts: list[Host]) -> None:
    wait_until(lambda: {host.name for host in hosts} <= hosts_at_work(farm), said=farm.outputs)


def test_cables_cut_for_half_a_minute(place: Site, farm: Farm) -> None:
    """One host sees that its cable is out, the other one hears nothing any more; both come back."""
    torn, deaf = place.host("torn"), place.host("deaf")
    farm.add(items=100, seconds=0.1, replicas=4, lease_seconds=LEASE_SECONDS, steps=2)
    farm.hold()
    start_rockets(farm, [torn], each=3)  # of six, two have nothing to do
    ours = start_rockets(farm, [deaf], each=3, uri=place.uri())
    wait_for(farm, [torn, deaf])
    torn.unplug()
    deaf.swallow()
    farm.let_go()
    time.sleep(1)
    done = farm.catalogue.work_items.counts(farm.run, "sleepy_0")["done"]
    time.sleep(CUT_SECONDS - 1)
    # Nothing reaches the database through a cut cable, or the test cuts nothing.
    assert farm.catalogue.work_items.counts(farm.run, "sleepy_0")["done"] == done < 100
    # A call of FireWorks that is under way when the cable goes may end a plain rlaunch; ours waits.
    assert [process.poll() for process in ours] == [None] * 3, farm.outputs()
    torn.plug()
    deaf.deliver()
    farm.check(farm.finish(), items=100)
    assert farm.collects() == 2


def test_a_host_gone_for_good(place: Site, farm: Farm, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything on one host ends without notice and its cable is out: the other one takes over and finishes."""
    lost, left = place.host("lost"), place.host("left")
    farm.add(items=60, seconds=0.1, replicas=4, lease_seconds=LEASE_SECONDS, steps=2)
    farm.hold()
    start_rockets(farm, [lost])
    wait_for(farm, [lost])  # it has planned, and holds the gate
    start_rockets(farm, [left])
    wait_for(farm, [lost, left])
    lost.unplug()
    lost.kill()
    farm.let_go()
    begun = time.monotonic()
    while lost.name in hosts_at_work(farm):
        assert time.monotonic() - begun < TAKEN_OVER_WITHIN, "items of the lost host are still leased to it"
        time.sleep(0.05)
    items = time.monotonic() - begun
    while any(owner.startswith(f"{lost.name}:") for owner in holders_on_the_path(farm)):
        assert time.monotonic() - begun < TAKEN_OVER_WITHIN, "the lost host still holds the run's path"
        time.sleep(0.05)
    path = time.monotonic() - begun
    farm.check(farm.finish(), items=60)
    # A living side may need a moment to see that all is done; FireWorks may believe that one of the lost host runs.
    farm.settle()
    farm.check_fireworks()
    with capsys.disabled():
        print(f"\nlease {scaled(LEASE_SECONDS):.0f} s: items taken over {items:.1f} s after the host was lost, "
              f"its place on the path after {path:.1f} s")  # fmt: skip


def test_only_who_trusts_the_server_talks_to_it(place: Site) -> None:
    """Without TLS, or with another authority, or a wrong password, a host gets no answer."""
    host = place.host("stranger")
    stranger = f"tls=true&tlsCAFile={place.certificates.stranger}"
    answers = {}
    for name, uri in {
        "right": place.uri(), "plain": place.uri(options="tls=false"), "stranger": place.uri(options=stranger),
        "password": place.uri().replace(place.password, "wrong"),
    }.items():  # fmt: skip
        process = host.start(
            BIN / "genarris-fw", "status", "--json",
            cwd=place.folder,
            env={**os.environ, "GENARRIS_FW_URI": uri},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        output, errors = process.communicate(timeout=180)
        answers[name] = (process.returncode, output.strip(), errors.strip())
        assert place.password not in output + errors
    assert answers["right"] == (0, "[]", "")
    for name in ("plain", "stranger", "password"):
        code, output, errors = answers[name]
        assert code == 2 and len(errors.splitlines()) == 1, answers[name]
        assert json.loads(output) == {"problems": [errors.removeprefix("genarris-fw: ")]}
    assert "certificate" in answers["stranger"][2] and "tlsCAFile" in answers["stranger"][2]
    assert "tls=true" in answers["plain"][2]
    assert "password" in answers["password"][2]
    with MongoClient(place.socket_uri(), serverSelectionTimeoutMS=2000) as client:
        assert client.admin.command("ping")["ok"] == 1
        with pytest.raises(PyMongoError):  # the test's own way in wants the password as well
            MongoClient(place.socket_uri().replace(place.password, "wrong")).admin.command("dbStats")
