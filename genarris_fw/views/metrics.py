"""How far runs are, as Prometheus reads it: the text exposition format, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.replicas import summed
from genarris_fw.views.status import status

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STATES = ("waiting", "running", "done", "failed")

Sample = tuple[str, dict[str, str], float]  # what its name ends in, labels, value


def metrics(catalogue: Catalogue, runs: Iterable[str]) -> str:
    """Return the metrics of runs as text.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    runs : iterable of str
        Names of the runs.

    Raises
    ------
    InputError
        When one of them is not there.
    """
    found = [(status(catalogue, run), catalogue.replicas.tallies(run)) for run in runs]
    families: list[tuple[str, str, str, Iterator[Sample]]] = [
        ("items", "gauge", "Work items of a step, by state.", _items(found)),
        ("items_done_total", "counter", "Work items done.", _per_step(found, "done")),
        ("lost_total", "counter", "How often a work item lost its replica.", _per_step(found, "lost")),
        ("item_seconds", "summary", "Time that work items took.", _seconds(found)),
        ("replicas", "gauge", "Replicas at work.", _per_host(found, "replicas")),
        ("host_items_per_second", "gauge", "Work items done per second in the last minutes.", _per_host(found, "rate")),
        ("replicas_quarantined", "gauge", "Replicas that took themselves out of work.", _quarantined(found)),
        ("structures", "gauge", "Structures in a pool.", _structures(found)),
        ("run_state", "gauge", "1 for the state that a run is in.", _states(found)),
    ]
    return "".join(line for name, kind, words, samples in families for line in _family(name, kind, words, samples))


def _family(name: str, kind: str, words: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP genarris_fw_{name} {words}\n"
    yield f"# TYPE genarris_fw_{name} {kind}\n"
    for suffix, labels, value in samples:
        inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"genarris_fw_{name}{suffix}{{{inside}}} {value!r}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


Found = list[tuple[dict[str, Any], list[dict[str, Any]]]]  # status and tallies of every run


def _items(found: Found) -> Iterator[Sample]:
    for run, _ in found:
        for step in run["steps"]:
            for state in STATES:
                yield "", {"run": run["run"], "step": step["name"], "state": state}, step[state]


def _per_step(found: Found, name: str) -> Iterator[Sample]:
    for run, _ in found:
        for step in run["steps"]:
            yield "", {"run": run["run"], "step": step["name"]}, step[name]


def _seconds(found: Found) -> Iterator[Sample]:
    for run, tallies in found:
        for tally in summed(tallies, "step"):
            labels = {"run": run["run"], "step": tally["step"]}
            yield "_sum", labels, tally["seconds"]
            yield "_count", labels, tally["done"]


def _per_host(found: Found, name: str) -> Iterator[Sample]:
    for run, _ in found:
        for host in run["hosts"]:
            yield "", {"run": run["run"], "host": host["host"]}, host[name]


def _quarantined(found: Found) -> Iterator[Sample]:
    for run, _ in found:
        for host in run["hosts"]:
            number = sum(out["host"] == host["host"] for out in run["quarantined"])
            yield "", {"run": run["run"], "host": host["host"]}, number


def _structures(found: Found) -> Iterator[Sample]:
    for run, _ in found:
        for pool, number in run["pools"].items():
            yield "", {"run": run["run"], "pool": pool}, number


def _states(found: Found) -> Iterator[Sample]:
    for run, _ in found:
        yield "", {"run": run["run"], "state": run["state"]}, 1
