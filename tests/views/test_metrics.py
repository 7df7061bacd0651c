"""The numbers of the small run, as Prometheus reads them."""

from datetime import timedelta

import pytest
from exposition import parse
from small_run import IDS, OWNER, RUN, fill

from genarris_fw.catalogue import Catalogue
from genarris_fw.errors import InputError
from genarris_fw.views.metrics import metrics

RELAXATION = "run_fhi_aims_batch"
ODD = 'a "pool"\\with\nlines, {braces}="x"'


def test_every_number_of_the_small_run(catalogue: Catalogue) -> None:
    assert catalogue.work_items.release_lost(OWNER) == 1
    for owner, done in (("node1:1:1:1:a", 2), ("node2:1:1:1:b", 0)):
        catalogue.replicas.begin(owner, RUN, RELAXATION, "side", 1)
        catalogue.replicas.tally(owner, done, 1, 4.5 * done)
        catalogue.replicas.collection.update_one({"_id": owner}, {"$set": {"past.at": _ago(catalogue, owner, 10)}})
    catalogue.replicas.quarantine("node2:1:1:1:b", "broken")
    catalogue.structures.replace_pool(RUN, ODD, IDS[:3])
    families = parse(metrics(catalogue, [RUN]))

    def value(family: str, name: str = "", **labels: str) -> float:
        key = (f"genarris_fw_{family}{name}", tuple(sorted({"run": RUN, **labels}.items())))
        return families[f"genarris_fw_{family}"].samples[key]

    states = {state: value("items", step=RELAXATION, state=state) for state in ("waiting", "running", "done", "failed")}
    assert states == {"waiting": 1, "running": 0, "done": 2, "failed": 1}
    assert value("items_done_total", step="fhi_aims_energy_evaluation") == 4
    assert (value("lost_total", step=RELAXATION), value("lost_total", step="fhi_aims_energy_evaluation")) == (1, 0)
    assert value("item_seconds", "_sum", step=RELAXATION) == 9.0
    assert value("item_seconds", "_count", step=RELAXATION) == 2
    assert (value("replicas", host="node1"), value("replicas", host="node2")) == (1, 0)
    assert value("host_items_per_second", host="node1") == pytest.approx(0.2, rel=0.1)
    assert (value("replicas_quarantined", host="node1"), value("replicas_quarantined", host="node2")) == (0, 1)
    assert (value("structures", pool="raw"), value("structures", pool=ODD)) == (12, 3)
    assert families["genarris_fw_run_state"].samples == {
        ("genarris_fw_run_state", (("run", RUN), ("state", "running"))): 1
    }
    kinds = {name.removeprefix("genarris_fw_"): family.kind for name, family in families.items()}
    assert kinds["items"] == "gauge" and kinds["lost_total"] == "counter" and kinds["item_seconds"] == "summary"
    assert all(family.words for family in families.values())


def _ago(catalogue: Catalogue, owner: str, seconds: float):
    return catalogue.replicas.collection.find_one({"_id": owner})["started"] - timedelta(seconds=seconds)


def test_several_runs_and_none(catalogue: Catalogue, tmp_path) -> None:
    fill(catalogue, tmp_path, 'the "other"\\run')
    families = parse(metrics(catalogue, catalogue.runs.names()))
    runs = {dict(labels)["run"] for _, labels in families["genarris_fw_items"].samples}
    assert runs == {RUN, 'the "other"\\run'}
    empty = parse(metrics(catalogue, []))
    assert set(empty) == set(families) and not any(family.samples for family in empty.values())
    with pytest.raises(InputError, match="no run 'x'"):
        metrics(catalogue, ["x"])


@pytest.mark.parametrize(
    "text",
    [
        "genarris_fw_x 1\n",  # no TYPE
        "# HELP a b\n# TYPE a gauge\na{x=\"1} 1\n",
        "# HELP a b\n# TYPE a gauge\na 1\na 1\n",
        "# HELP a b\n# TYPE a counter\n",
        "# HELP a b\n# TYPE a gauge\nb 1\n",
        "# HELP a b\n# TYPE a gauge\na None\n",
    ],
)  # fmt: skip
def test_the_parser_is_strict(text: str) -> None:
    with pytest.raises((AssertionError, ValueError)):
        parse(text)
