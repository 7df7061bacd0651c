"""What failed in a test run, kept in pytest's cache for `again`: which tests, what they need, how they failed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import pytest
from distribution import without_group

KEY = "genarris_fw/failures"  # in pytest's cache
UNFINISHED = "the test run did not come to its end"


@dataclass(frozen=True)
class Failure:
    """A test that failed.

    Attributes
    ----------
    test : str
        Its name, as pytest takes it.
    when : str
        ``setup``, ``call`` or ``teardown``.
    watches : bool
        Whether it bears the marker `processes`.
    message : str
        What it failed with.
    """

    test: str
    when: str
    watches: bool
    message: str


def begin(config: pytest.Config) -> None:
    """Note that a run has begun: what an earlier one left does not stand for it."""
    keep(config, [], [UNFINISHED])


def keep(config: pytest.Config, failures: list[Failure], others: list[str]) -> None:
    """Keep what failed in a run, and what else was wrong with it."""
    if (cache := getattr(config, "cache", None)) is not None:
        cache.set(KEY, {"failures": [asdict(one) for one in failures], "others": others})


def finish(config: pytest.Config, reporter: Any, code: int, faults: list[str]) -> None:
    """Keep what failed in a run that has come to its end: tests, what pytest could not run, and faults of the run."""
    failures, others = [], list(faults)
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        others.append(UNFINISHED)
    for report in [*reporter.stats.get("failed", []), *reporter.stats.get("error", [])]:
        if isinstance(report, pytest.TestReport) and report.keywords:
            message = report.longreprtext.strip()
            failures.append(Failure(without_group(report.nodeid), report.when, "processes" in report.keywords, message))
        else:  # a file that cannot be read, a worker that died
            others.append(f"{report.nodeid}: {report.longreprtext.strip()[-300:]}")
    keep(config, failures, others)
