"""Run the tests so many times in a row and write what each run was: seconds, passed, failed tests by name.

``python tests/tools/in_a_row.py 20 [--processes] [--table FILE] [words for pytest]`` in the repository; without words
for pytest, those of ``make test``. With ``--processes`` only the tests that watch processes and clocks. The table is
Markdown and written anew after every run; every run's whole output lies beside it, and the table ends with the tests
that took longest. The exit code is 1 when any test failed in any run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from distribution import without_group

LONG_SECONDS = 3.0
PYTEST = ("-n", "5", "--dist", "loadgroup")
PROCESSES = "processes and not slow and not ml"


@dataclass(frozen=True)
class Ran:
    """One run of the suite."""

    seconds: float
    passed: int
    skipped: int
    failed: list[str] = field(default_factory=list)
    code: int = 0
    times: dict[str, float] = field(default_factory=dict)  # s, of each test with its fixtures

    @property
    def is_clean(self) -> bool:
        return self.code == 0 and not self.failed


def run(words: list[str], report: Path, output: Path) -> Ran:
    """Run the suite once, its output in a file; what it says of itself is read from its report."""
    report.unlink(missing_ok=True)
    begun = time.monotonic()
    with output.open("wb") as file:
        command = [sys.executable, "-m", "pytest", f"--junitxml={report}", *words]
        code = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False).returncode
    seconds = time.monotonic() - begun
    if not report.exists():
        return Ran(seconds, 0, 0, ["the run itself: see its output"], code)
    passed, skipped, failed, times = results(report)
    return Ran(seconds, passed, skipped, failed, code, times)


def results(report: Path) -> tuple[int, int, list[str], dict[str, float]]:
    """Return from a report how many tests passed and were skipped, the names of those that failed, and all times."""
    passed = skipped = 0
    failed: list[str] = []
    times: dict[str, float] = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = without_group(f"{case.get('classname')}::{case.get('name')}")
        times[name] = float(case.get("time", 0.0))
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(name)
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, skipped, sorted(set(failed)), times


def table(runs: list[Ran]) -> str:
    """Return the runs as a table, and how often each test failed."""
    lines = ["| run | seconds | passed | skipped | failed | exit code |", "|---|---|---|---|---|---|"]
    for number, ran in enumerate(runs, 1):
        failed = "<br>".join(ran.failed) or "-"
        lines.append(f"| {number} | {ran.seconds:.0f} | {ran.passed} | {ran.skipped} | {failed} | {ran.code} |")
    clean = sum(ran.is_clean for ran in runs)
    lines += ["", f"{clean} of {len(runs)} runs without a failure."]
    counts = Counter(name for ran in runs for name in ran.failed)
    lines += [f"* {name}: failed {count} times" for name, count in counts.most_common()]
    return "\n".join(lines + long_tests(runs)) + "\n"


def long_tests(runs: list[Ran]) -> list[str]:
    """Return the tests that took long in any run, with the shortest and the longest time of each."""
    taken: dict[str, list[float]] = {}
    for ran in runs:
        for name, seconds in ran.times.items():
            taken.setdefault(name, []).append(seconds)
    found = sorted((-max(times), name) for name, times in taken.items() if max(times) > LONG_SECONDS)
    lines = ["", f"Tests of more than {LONG_SECONDS:g} s, shortest and longest time:", ""]
    return lines + [f"* {name}: {min(taken[name]):.1f} to {-longest:.1f} s" for longest, name in found]


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the tests so many times in a row.")
    parser.add_argument("runs", type=int)
    parser.add_argument("--processes", action="store_true", help="only those that watch processes and clocks")
    parser.add_argument("--table", type=Path, default=Path("runs") / "in_a_row.md")
    given, words = parser.parse_known_args()
    words = words or list(PYTEST)
    if given.processes:
        words += ["-m", PROCESSES]
    folder = given.table.resolve().parent
    folder.mkdir(parents=True, exist_ok=True)
    runs: list[Ran] = []
    for number in range(1, given.runs + 1):
        runs.append(run(words, folder / "report.xml", folder / f"run_{number:02d}.log"))
        given.table.write_text(table(runs))
        last = runs[-1]
        print(f"run {number}: {last.seconds:.0f} s, {last.passed} passed, failed: {last.failed or 'none'}", flush=True)
    return 0 if all(ran.is_clean for ran in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
