"""The memory check: what methods need, and what a user is told."""

import subprocess
import sys

import numpy as np
import pytest

from genarris_fw.clustering.memory import METHODS, memory_needed, require_memory
from genarris_fw.errors import InputError

GB = 10**9


def test_pairs_make_affinity_grow_with_the_square():
    assert memory_needed("affinity", 28_000) == pytest.approx(12 * 28_000**2, rel=0.02)
    assert memory_needed("affinity", 28_000, solver="scikit-learn") > 4 * memory_needed("affinity", 28_000)
    for method in ("kmedoids", "minibatch_kmeans"):
        one, two = (memory_needed(method, n, 100) for n in (10**6, 2 * 10**6))
        assert one < two < 2 * one
    assert memory_needed("minibatch_kmeans", 1000, 0) > memory_needed("minibatch_kmeans", 1000, 100)


def test_message_names_what_would_fit():
    with pytest.raises(InputError) as caught:
        require_memory("affinity", 28_000, features=48, available=4 * GB)
    assert str(caught.value) == (
        "cluster_method = affinity needs 9.5 GB for 28,000 structures, this node has 4.0 GB: choose cluster_method"
        " kmedoids (0.02 GB) or minibatch_kmeans (0.072 GB), or a node with more memory"
    )
    with pytest.raises(InputError, match=r"affinity with scikit-learn needs 40.8 GB .* solver compiled \(9.5 GB\)"):
        require_memory("affinity", 28_000, solver="scikit-learn", available=10 * GB)


def test_message_without_a_way_out():
    with pytest.raises(InputError, match=r"this node has 0\.001 GB: choose a node with more memory"):
        require_memory("affinity", 28_000, available=GB // 1000)
    with pytest.raises(InputError, match=r"minibatch_kmeans needs .*choose cluster_method kmedoids \(0.14 GB\), or"):
        require_memory("minibatch_kmeans", 10**6, features=200, available=GB)


@pytest.mark.parametrize("method", METHODS)
def test_enough_is_enough(method):
    needed = memory_needed(method, 5000, 100)
    require_memory(method, 5000, 100, available=needed)
    with pytest.raises(InputError, match=f"cluster_method = {method} needs"):
        require_memory(method, 5000, 100, available=needed - 1)
    require_memory(method, 10, 5)  # here and now


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("ward", 10), "cluster_method is 'ward'"),
        (("affinity", 0), "0 structures"),
        (("minibatch_kmeans", 5, -1), "-1 features"),
        (("affinity", 10, 0, "cuda"), "'cuda'"),
    ],
)
def test_bad_input(arguments, what):
    with pytest.raises(InputError, match=what):
        memory_needed(*arguments)


def in_child(code):
    # Not in this folder: Python would look for the package there first.
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd="/", check=False
    )


LIMITED = """
import resource, sys
from genarris_fw.clustering.memory import require_memory
from genarris_fw.errors import InputError
from genarris_fw.memory import memory_here
resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited as on Linux")
def test_limited_address_space():
    """What it says is there can be had, and hardly more."""
    code = """
there = memory_here()
assert 0 < there < {limit}, there
block = bytearray(there - (32 << 20))
try:
    bytearray(64 << 20)
except MemoryError:
    print("full")
del block
try:
    require_memory("affinity", 20_000)
except InputError as error:
    print(error)
require_memory("kmedoids", 5_000)
try:
    require_memory("kmedoids", 20_000)
except InputError as error:
    print(error)
"""
    done = in_child((LIMITED + code).replace("{limit}", str(1500 << 20)))
    assert done.returncode == 0, done.stderr
    full, affinity, mapped = done.stdout.splitlines()
    assert full == "full"
    assert affinity.startswith("cluster_method = affinity needs 4.9 GB for 20,000 structures, this node has")
    assert "kmedoids" in mapped and "a matrix of 1.6 GB for 20,000 structures" in mapped


PEAK = """
import numpy as np
from genarris_fw.clustering.kmeans import minibatch_kmeans
from genarris_fw.clustering.kmedoids import kmedoids

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) * 1024

generator = np.random.default_rng(0)
vectors = generator.normal(size=({n}, {d}))
minibatch_kmeans(vectors[:100], 3)
distances = np.memmap({file!r}, dtype=np.float32, mode="r", shape=({m}, {m}))
kmedoids(np.asarray(distances[:100, :100]), 3)
np.asarray(distances).sum()  # its pages are counted before and after
open("/proc/self/clear_refs", "w").write("5")
before = peak()
kmedoids(distances, 100, threads=1)
print(peak() - before)
open("/proc/self/clear_refs", "w").write("5")
before = peak()
minibatch_kmeans(vectors, 100, max_iter=3)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_needs_are_true(tmp_path):
    """The peak of a real run stays below what was said, and is not a small part of it."""
    n, d, m = 30_000, 60, 3000
    rows = np.random.default_rng(0).normal(size=(m, 3)).astype(np.float32)
    stored = np.memmap(tmp_path / "d.dat", dtype=np.float32, mode="w+", shape=(m, m))
    for i in range(m):
        stored[i] = np.abs(rows - rows[i]).sum(axis=1)
    stored.flush()
    done = in_child(PEAK.format(n=n, d=d, m=m, file=str(tmp_path / "d.dat")))
    if "PermissionError" in done.stderr:
        pytest.skip("the peak of memory cannot be reset here")
    assert done.returncode == 0, done.stderr
    medoids, means = map(int, done.stdout.split())
    assert medoids < memory_needed("kmedoids", m) < 4 * m * m
    assert means < memory_needed("minibatch_kmeans", n, d) < 3 * means
