"""What the small run cost, and how it is shown."""

import io
import json

import pytest
from rich.console import Console
from small_run import EXEMPLARS, OWNER, RUN

from genarris_fw.catalogue import Catalogue
from genarris_fw.errors import InputError
from genarris_fw.owner import user_name
from genarris_fw.views.costs import costs, render
from genarris_fw.views.wording import core_time

GENERATION, CLUSTERING, ENERGIES, RELAXATION = (
    "pygenarris_structure_generation",
    "affinity_propagation_fixed_clusters",
    "fhi_aims_energy_evaluation",
    "run_fhi_aims_batch",
)


def shown(found: dict, width: int = 160) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width).print(render(found))
    return stream.getvalue()


@pytest.fixture
def told(catalogue: Catalogue) -> Catalogue:
    """The run with its replica, and a forecast."""
    catalogue.replicas.begin(OWNER, RUN, RELAXATION, "gate", 5, cores=2)
    step = {"structures": 4.0, "bound": "", "seconds_each": 5.0, "cores": 2.0, "core_seconds": 40.0}
    catalogue.runs.set(RUN, forecast={"made": "2025-01-02T03:04:05", "steps": {RELAXATION: step}, "assumptions": []})
    return catalogue


def test_the_sums_by_everything(told: Catalogue) -> None:
    found = costs(told, RUN)
    assert json.loads(json.dumps(found)) == found
    stages = {stage["step"]: stage for stage in found["stages"]}
    assert list(stages) == [GENERATION, CLUSTERING, ENERGIES, RELAXATION]
    # Generation: four items of 2.5 s, of which the older version that made them said no more. Energies: 2 s each.
    # Relaxations: two of 4 s on two cores; one failed after 7 s, one is at work.
    assert {name: stage["core_seconds"] for name, stage in stages.items()} == {
        GENERATION: 10.0,
        CLUSTERING: 0,
        ENERGIES: 8.0,
        RELAXATION: 2 * 4.0 * 2 + 7.0 * 2,
    }
    assert (stages[GENERATION]["unknown_cores"], stages[GENERATION]["cpu_seconds"]) == (4, None)
    assert (stages[ENERGIES]["unknown_cores"], stages[ENERGIES]["cpu_seconds"]) == (0, 6.0)
    relaxation = stages[RELAXATION]
    assert (relaxation["items"], relaxation["failed"], relaxation["failed_core_seconds"]) == (2, 1, 14.0)
    assert (relaxation["engine"], relaxation["forecast_core_seconds"], relaxation["wall_seconds"]) == (
        "tblite",
        40.0,
        None,
    )
    assert stages[CLUSTERING]["forecast_core_seconds"] is None
    for kind in ("stages", "engines", "hosts", "users"):
        for name in ("core_seconds", "items", "failed", "failed_core_seconds", "unknown_cores"):
            assert sum(entry[name] for entry in found[kind]) == pytest.approx(found["total"][name]), (kind, name)
    assert {entry["engine"]: entry["core_seconds"] for entry in found["engines"]} == {"tblite": 38.0, None: 10.0}
    assert [entry["host"] for entry in found["hosts"]] == ["node1"]
    assert [entry["user"] for entry in found["users"]] == [user_name()]
    assert found["structures"]["steps"] == [ENERGIES, RELAXATION]
    # Ids of the steps with an engine: an energy of 2 s, and its relaxation.
    dearest = {row["struct_id"]: (row["core_seconds"], row["attempts"]) for row in found["structures"]["dearest"]}
    assert dearest == {
        EXEMPLARS[2]: (16.0, 2),
        EXEMPLARS[0]: (10.0, 2),
        EXEMPLARS[1]: (10.0, 2),
        EXEMPLARS[3]: (2.0, 1),
    }
    assert costs(told, RUN, dearest=1)["structures"]["dearest"][0]["struct_id"] == EXEMPLARS[2]


def test_what_a_person_reads(told: Catalogue) -> None:
    text = shown(costs(told, RUN))
    assert "48.0 core s in work items" in text
    assert "1 attempt without a result: 14.0 core s of it" in text
    assert "4 attempts counted with one core" in text
    [line] = [line for line in text.splitlines() if line.strip().startswith(RELAXATION)]
    assert "30.0 core s" in line and "40.0 core s" in line and "1 (14.0 core s)" in line
    assert EXEMPLARS[2] in text and user_name() in text and "node1" in text
    assert "no forecast" not in text
    assert max(map(len, shown(costs(told, RUN), 80).splitlines())) <= 80


def test_without_forecast_replicas_or_items(catalogue: Catalogue) -> None:
    found = costs(catalogue, RUN)
    assert found["forecast"] is None and found["users"][0]["user"] is None
    assert "genarris-fw check --keep" in shown(found) and "not known" in shown(found)
    catalogue.runs.create("new", {"options": {"steps": []}, "state": "imported"}, begun_by=0)
    nothing = costs(catalogue, "new")
    assert nothing["total"]["core_seconds"] == 0 and nothing["hosts"] == [] and "0.0 core s" in shown(nothing)
    with pytest.raises(InputError, match="no run 'unknown'"):
        costs(catalogue, "unknown")


@pytest.mark.parametrize(
    ("core_seconds", "words"),
    [
        (None, ""),
        (0.04, "0.0 core s"),
        (99.94, "99.9 core s"),
        (599.0, "599 core s"),
        (600.0, "10.0 core min"),
        (36_000.0, "10.0 core h"),
        (3.6e9, "1,000,000 core h"),
    ],
)
def test_core_time_in_words(core_seconds: float | None, words: str) -> None:
    assert core_time(core_seconds) == words
