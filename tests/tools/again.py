"""A second chance that hides nothing: tests of processes that failed beside others are run again, alone.

``python tests/tools/again.py [--told FILE] [words for pytest]`` after a test run. At most three tests may have failed,
and all must bear the marker `processes`: they watch processes and clocks while other workers take the cores. Each is
run three times, one after the other, with nothing beside it; one failure among these is the end. What had failed, and
how, is said in any case, and written to FILE: such a race is to be found and mended. A process that such a test left in
its folder, since it did not come to its end, is no fault of its own; any other is.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from failures import KEY, UNFINISHED, Failure

MOST = 3
TIMES = 3
LINES = 30  # of the end of a failure: what was asserted, and where
CACHE = Path(".pytest_cache", "v", *KEY.split("/"))


def read(cache: Path) -> tuple[list[Failure], list[str]]:
    """Return what failed in the last test run, and what else was wrong with it."""
    try:
        kept: dict[str, Any] = json.loads(cache.read_text())
    except FileNotFoundError:
        return [], [UNFINISHED]
    return [Failure(**one) for one in kept["failures"]], kept["others"]


def refusal(failures: list[Failure], others: list[str]) -> str:
    """Return why nothing is run again; empty where it may be."""
    if rest := [one for one in others if not _left_by(failures, one)]:
        return rest[0]
    if not failures:
        return "no test failed"
    if len({one.test for one in failures}) > MOST:
        return f"{len(failures)} tests failed: no more than {MOST} are run again"
    for one in failures:
        if not one.watches:
            return f"{one.test} watches no processes: it fails beside nobody either"
        if one.when == "teardown":
            return f"{one.test} failed when it was over: what it left would be hidden"
    return ""


def _left_by(failures: list[Failure], fault: str) -> bool:
    """Tell whether what was left running lies in the folder of a test that failed, and so did not come to its end."""
    folders = (re.sub(r"\W", "_", one.test.rpartition("::")[2])[:30] for one in failures)  # as tmp_path cuts them
    return any(re.match(rf"process \d+: .*/{folder}\d+[/)]", fault) for folder in folders)


def told(failures: list[Failure]) -> str:
    """Return which tests had failed, and with what."""
    lines = ["", "FAILED BESIDE OTHERS, passed three times alone: these races are to be found and mended."]
    for one in failures:
        lines += ["", f"* {one.test} ({one.when})", *(f"    {line}" for line in one.message.splitlines()[-LINES:])]
    return "\n".join([*lines, ""])


def passes(test: str, words: list[str]) -> bool:
    """Run a test alone; what the last run has kept is left as it is."""
    command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *words, test]
    return subprocess.run(command, check=False).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Run tests of processes again, alone, which failed beside others.")
    parser.add_argument("--told", type=Path, help="where to write what had failed")
    given, words = parser.parse_known_args()
    failures, others = read(CACHE)
    if reason := refusal(failures, others):
        print(f"nothing is run again: {reason}", flush=True)
        return 1
    tests = list(dict.fromkeys(one.test for one in failures))
    for test in tests:
        for number in range(1, TIMES + 1):
            print(f"again, alone, {number} of {TIMES}: {test}", flush=True)
            if not passes(test, words):
                print(f"it fails alone as well: {test}", flush=True)
                return 1
    print(told(failures), flush=True)
    if given.told is not None:
        given.told.write_text(told(failures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
