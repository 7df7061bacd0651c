"""How far runs are, as Prometheus reads it: the text exposition format, version 0.0.4."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.replicas import summed
from genarris_fw.views.status import status

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STATES = ("waiting", "running", "done", "failed")

Found = list[tuple[dict[str, Any], list[dict[str, Any]]]]  # status and tallies of every run
Sample = tuple[list[str], float]  # values of the labels, and the number
Samples = Callable[[Found], Iterator[Sample]]


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
    registry = CollectorRegistry()
    registry.register(_Runs([(status(catalogue, run), catalogue.replicas.tallies(run)) for run in runs]))
    return generate_latest(registry).decode()


class _Runs(Collector):
    """Everything that is told of some runs."""

    def __init__(self, found: Found) -> None:
        self.found = found

    def collect(self) -> Iterator[Metric]:
        """Yield the families of metrics."""
        yield self._gauges("items", "Work items of a step, by state.", ("step", "state"), _items)
        yield self._done("items_done", "Work items done.", "done")
        yield self._done("lost", "How often a work item lost its replica.", "lost")
        yield self._seconds()
        yield self._gauges("replicas", "Replicas at work.", ("host",), _per_host("replicas"))
        rate = "Work items done per second in the last minutes."
        yield self._gauges("host_items_per_second", rate, ("host",), _per_host("rate"))
        out = "Replicas that took themselves out of work."
        yield self._gauges("replicas_quarantined", out, ("host",), _quarantined)
        yield self._gauges("structures", "Structures in a pool.", ("pool",), _structures)
        yield self._gauges("run_state", "1 for the state that a run is in.", ("state",), _states)

    def _gauges(self, name: str, words: str, labels: tuple[str, ...], samples: Samples) -> Metric:
        family = GaugeMetricFamily(f"genarris_fw_{name}", words, labels=("run", *labels))
        for values, number in samples(self.found):
            family.add_metric(values, number)
        return family

    def _done(self, name: str, words: str, field: str) -> Metric:
        """Count something for every step; the name in the text ends in ``_total``."""
        family = CounterMetricFamily(f"genarris_fw_{name}", words, labels=("run", "step"))
        for run, _ in self.found:
            for step in run["steps"]:
                family.add_metric([run["run"], step["name"]], step[field])
        return family

    def _seconds(self) -> Metric:
        family = SummaryMetricFamily("genarris_fw_item_seconds", "Time that work items took.", labels=("run", "step"))
        for run, tallies in self.found:
            for tally in summed(tallies, "step"):
                family.add_metric([run["run"], tally["step"]], tally["done"], tally["seconds"])
        return family


def _items(found: Found) -> Iterator[Sample]:
    for run, _ in found:
        for step in run["steps"]:
            for state in STATES:
                yield [run["run"], step["name"], state], step[state]


def _per_host(field: str) -> Samples:
    return lambda found: (([run["run"], host["host"]], host[field]) for run, _ in found for host in run["hosts"])


def _quarantined(found: Found) -> Iterator[Sample]:
    for run, _ in found:
        for host in run["hosts"]:
            number = sum(out["host"] == host["host"] for out in run["quarantined"])
            yield [run["run"], host["host"]], number


def _structures(found: Found) -> Iterator[Sample]:
    for run, _ in found:
        for pool, number in run["pools"].items():
            yield [run["run"], pool], number


def _states(found: Found) -> Iterator[Sample]:
    for run, _ in found:
        yield [run["run"], run["state"]], 1
