"""For the tests of faults: a mongod on a loopback port, a replica set of one, a small disk, a clock that is wrong."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from genarris_fw.database.mongod import find_mongod
from genarris_fw.errors import DatabaseError

CACHE_GB = "0.25"


def free_port() -> int:
    """Return a port of loopback that nobody uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen, seconds: float = 120) -> None:
    """Wait until a process serves a port."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing serves port {port}")


@contextmanager
def tcp_mongod(folder: Path, *more: str) -> Iterator[int]:
    """Run a mongod for a test on loopback; yield its port."""
    try:
        program = find_mongod()
    except DatabaseError as error:
        pytest.skip(str(error))
    port, data = free_port(), folder / "tcp_data"
    data.mkdir(parents=True)
    process = subprocess.Popen(
        [
            *(program, "--bind_ip", "127.0.0.1", "--port", str(port), "--nounixsocket", "--dbpath", data),
            *("--logpath", folder / "tcp.log", "--wiredTigerCacheSizeGB", CACHE_GB),
            *("--networkMessageCompressors", "disabled", *more),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port, process)
        yield port
    finally:
        process.kill()
        process.wait()


@contextmanager
def replica_set(folder: Path, name: str = "rs0") -> Iterator[str]:
    """Run a replica set of one; yield its URI, without a database, when it has a primary."""
    with tcp_mongod(folder, "--replSet", name) as port:
        member = {"_id": 0, "host": f"127.0.0.1:{port}"}
        settings = {"electionTimeoutMillis": 1000}
        with MongoClient(f"mongodb://127.0.0.1:{port}/?directConnection=true") as client:
            client.admin.command("replSetInitiate", {"_id": name, "members": [member], "settings": settings})
            wait_for_primary(client)
        yield f"mongodb://127.0.0.1:{port}/?replicaSet={name}"


def wait_for_primary(client: MongoClient, seconds: float = 120) -> None:
    """Wait until the server takes writes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(PyMongoError):
            if client.admin.command("hello").get("isWritablePrimary"):
                return
        time.sleep(0.1)
    raise AssertionError("no primary")


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    """Mount a small file system of its own."""
    place.mkdir(parents=True, exist_ok=True)
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    if subprocess.run(["mount", *options], check=False).returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def fill(file: Path) -> None:
    """Write into a file until its disk is full."""
    block = b"\0" * 65536
    with file.open("ab", buffering=0) as output, suppress(OSError):
        while True:
            output.write(block)


# The time of day, shifted by CLOCK_SKEW seconds; clocks that measure durations are left alone.
SKEWED_CLOCK = r"""
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static long skew(void) { const char *seconds = getenv("CLOCK_SKEW"); return seconds ? atol(seconds) : 0; }
int clock_gettime(clockid_t clock, struct timespec *at) {
    int failed = syscall(SYS_clock_gettime, clock, at);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += skew();
    return failed;
}
int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    int failed = syscall(SYS_gettimeofday, at, zone);
    if (!failed) at->tv_sec += skew();
    return failed;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""


def skewed_clock(folder: Path) -> Path:
    """Build the library that gives a program, by LD_PRELOAD and CLOCK_SKEW (s), a clock that is wrong."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("a wrong clock needs a C compiler and Linux")
    source, library = folder / "skewed_clock.c", folder / "skewed_clock.so"
    source.write_text(SKEWED_CLOCK)
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return library
