"""Faults planted one by one in the code, and whether the tests notice.

``plant_faults.py [--only WORDS] [--workers N] [--list]`` works on copies of the checkout, which itself stays as it is:
of each fault of `planted_faults` the line is changed, a kernel built again where it is one, the tests named for it run,
and the line put back. It prints who noticed, and ends with status 1 where nobody did.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from planted_faults import FAULTS, Fault

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 400.0  # of the tests of one fault
KERNELS = (".pyx", ".pxd")
# Each run of tests is forked from a process that has imported these.
STARTED = multiprocessing.get_context("forkserver")
STARTED.set_forkserver_preload(["numpy", "ase.build", "spglib", "pymongo", "fireworks", "pytest", "hypothesis"])


@dataclass(frozen=True)
class Verdict:
    """What became of a fault: ``caught``, ``survived`` or ``not tried``, and the test that noticed, or why not."""

    fault: Fault
    outcome: str
    by: str
    seconds: float


def copied(folder: Path) -> Path:
    """A copy of the tracked and the new files, with the kernels as they are built."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    kernels = [path.relative_to(ROOT).as_posix() for path in (ROOT / "genarris_fw" / "_kernels").glob("*.so")]
    for name in [*listed, *kernels]:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@contextmanager
def planted(fault: Fault, tree: Path) -> Iterator[str]:
    """The fault in the file; yields why it could not be planted, or nothing."""
    path = tree / fault.file
    text = path.read_text()
    if text.count(fault.old) != 1:
        yield f"{text.count(fault.old)} places in {fault.file} read {fault.old!r}; expected one"
        return
    path.write_text(text.replace(fault.old, fault.new))
    try:
        yield _built(tree) if path.suffix in KERNELS else ""
    finally:
        path.write_text(text)
        if path.suffix in KERNELS:
            _built(tree)


def _built(tree: Path) -> str:
    done = subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--inplace"], cwd=tree, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else f"the kernel cannot be built: {done.stderr.strip()[-200:]}"


def tried(fault: Fault, tree: Path) -> Verdict:
    """Plant a fault in a copy and run its tests there."""
    began = time.monotonic()
    with planted(fault, tree) as trouble:
        outcome, by = ("not tried", trouble) if trouble else _tested(fault, tree)
    return Verdict(fault, outcome, by, time.monotonic() - began)


def _tested(fault: Fault, tree: Path) -> tuple[str, str]:
    said = tree / "said.txt"
    process = STARTED.Process(target=_pytest, args=(str(tree), shlex.split(fault.tests), str(said)))
    process.start()
    process.join(SECONDS)
    if process.exitcode is None:
        process.terminate()
        process.join()
        return "not tried", f"{fault.tests}: not done in {SECONDS:g} s; a busy machine, or they hang"
    if process.exitcode == 0:
        return "survived", fault.tests
    noticed = re.search(r"^(?:FAILED|ERROR) (\S+)", said.read_text(), flags=re.M)
    if process.exitcode != 1 or noticed is None:
        return "not tried", said.read_text().strip()[-300:]
    return "caught", noticed[1]


def _pytest(tree: str, tests: list[str], said: str) -> None:
    """Run tests in a process of its own, which has imported what takes long and nothing of ours."""
    out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.chdir(tree)
    os.environ["PYTHONPATH"] = tree
    sys.path.insert(0, tree)
    sys.dont_write_bytecode = True
    import pytest

    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:warnings", "--show-capture=no", "--tb=line"]
    sys.exit(int(pytest.main([*options, *tests])))


def command() -> int:
    parser = argparse.ArgumentParser(description="Plant faults and see whether the tests notice.")
    parser.add_argument("--only", default="", help="faults with these words in their file or about")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="only say which there are")
    given = parser.parse_args()
    faults = [fault for fault in FAULTS if given.only in f"{fault.file} {fault.about}"]
    if given.list:
        for fault in faults:
            print(f"{fault.file}: {fault.about}")
        return 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(given.workers) as pool:
        trees: Queue[Path] = Queue()
        for number in range(given.workers):
            trees.put(copied(Path(folder) / str(number)))

        def one(fault: Fault) -> Verdict:
            tree = trees.get()
            try:
                verdict = tried(fault, tree)
            finally:
                trees.put(tree)
            print(
                f"{verdict.outcome:9} {fault.file}: {fault.about} [{verdict.by}] ({verdict.seconds:.0f} s)", flush=True
            )
            return verdict

        verdicts = list(pool.map(one, faults))
    counts = {word: sum(v.outcome == word for v in verdicts) for word in ("caught", "survived", "not tried")}
    print(", ".join(f"{number} {word}" for word, number in counts.items()))
    return 0 if counts["caught"] == len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(command())
