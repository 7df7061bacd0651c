"""The runs' documents: begun once, by one firework; started, finished, failed, resumed."""

import pytest

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.work_items import Item
from genarris_fw.errors import InputError


def test_begun_any_number_of_times_by_the_same_firework(catalogue: Catalogue) -> None:
    catalogue.runs.create("urea", {"options_hash": "a", "seed": 1}, begun_by=3)
    catalogue.runs.step_finished("urea", "step", {"structures": 7})
    catalogue.runs.create("urea", {"options_hash": "a", "seed": 1}, begun_by=3)
    record = catalogue.runs.get("urea")
    assert record["summaries"] == {"step": {"structures": 7}}
    assert (record["name"], record["state"], record["seed"]) == ("urea", "running", 1)


@pytest.mark.parametrize(("hash", "words"), [("a", "the same options"), ("b", "other options")])
def test_another_firework_is_refused(catalogue: Catalogue, hash: str, words: str) -> None:
    catalogue.runs.create("urea", {"options_hash": "a"}, begun_by=3)
    with pytest.raises(InputError, match=words):
        catalogue.runs.create("urea", {"options_hash": hash}, begun_by=4)


def test_an_unknown_run_names_those_there_are(catalogue: Catalogue) -> None:
    with pytest.raises(InputError, match="none yet"):
        catalogue.runs.get("urea")
    for number, name in enumerate(("first", "second")):
        catalogue.runs.create(name, {}, begun_by=number)
    with pytest.raises(InputError, match="second, first"):
        catalogue.runs.get("urea")
    assert catalogue.runs.find("urea") is None


def test_a_procedure_starts_once_and_takes_its_time(catalogue: Catalogue) -> None:
    catalogue.runs.create("urea", {}, begun_by=1)
    catalogue.runs.step_started("urea", "step")
    started = catalogue.runs.get("urea")["steps"]["step"]["started"]
    catalogue.runs.step_started("urea", "step")
    assert catalogue.runs.get("urea")["steps"]["step"] == {"started": started, "state": "running"}
    catalogue.runs.step_finished("urea", "step", {"failed": 0})
    step = catalogue.runs.get("urea")["steps"]["step"]
    assert step["state"] == "finished"
    assert step["seconds"] == pytest.approx((step["finished"] - started).total_seconds(), abs=0.002)


def test_a_failed_run_resumes_in_the_procedure_that_failed(catalogue: Catalogue) -> None:
    catalogue.runs.create("urea", {}, begun_by=1)
    catalogue.runs.step_finished("urea", "first", {})
    catalogue.runs.step_started("urea", "second")
    catalogue.runs.failed("urea", "second", "no space group")
    record = catalogue.runs.get("urea")
    assert (record["state"], record["failure"]) == ("failed", "no space group")
    assert record["steps"]["second"]["state"] == "failed"
    assert record["finished"] == record["steps"]["second"]["finished"]
    catalogue.runs.resumed("urea")
    record = catalogue.runs.get("urea")
    assert record["state"] == "running" and not {"failure", "finished"} & set(record)
    assert [record["steps"][step]["state"] for step in ("first", "second")] == ["finished", "running"]
    catalogue.runs.set("urea", state="finished")
    catalogue.runs.resumed("urea")
    assert catalogue.runs.get("urea")["state"] == "finished"


def test_deleting_a_run_leaves_the_others(catalogue: Catalogue, tmp_path) -> None:
    file = tmp_path / "matrix.dat"
    file.write_bytes(b"1234")
    for number, run in enumerate(("a", "b")):
        catalogue.runs.create(run, {}, begun_by=number)
        catalogue.structures.write_new(run, "generate", [({"struct_id": f"s{i}"}, 1) for i in range(3)])
        catalogue.work_items.insert(run, "step", [Item("x"), Item("y")])
        catalogue.leases.take(run, "step", "gate", 1, 1, "me", 60)
        catalogue.artifacts.upload(run, "matrix", file)
        catalogue.replicas.begin(f"me:{run}", run, "step", "gate", 1)
    removed = catalogue.delete_run("a")
    counts = {"structures": 3, "work_items": 2, "leases": 1, "artifacts": 1, "replicas": 1, "runs": 1}
    assert removed == counts | {"publications": 0, "spare_structures": 0, "engine_results": 0}
    assert catalogue.runs.names() == ["b"]
    for name in ("structures", "work_items", "leases", "artifacts", "replicas"):
        assert catalogue.database[name].distinct("run") == ["b"]
    assert catalogue.database["artifact_files.files"].distinct("metadata.run") == ["b"]
    assert set(catalogue.delete_run("a").values()) == {0}
