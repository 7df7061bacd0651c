"""Corrections: asked in order, each within its cap, recorded, and said when all was in vain."""

from __future__ import annotations

import pytest

from genarris_fw.engines.programs.handlers import Handler, with_corrections
from genarris_fw.errors import EngineError


def halve(failure: EngineError, job: dict) -> str:
    job["mixing"] /= 2
    return f"mixing {job['mixing']:g}"


def more(failure: EngineError, job: dict) -> str | None:
    if job["cycles"] >= 100:
        return None
    job["cycles"] = 100
    return "cycles 100"


HALVE, MORE = Handler("halve", "scf", halve, most=2), Handler("more", "scf", more)


def attempt_until(condition, kind="scf", permanent=True):
    tried = []

    def attempt(job: dict) -> str:
        tried.append(dict(job))
        if not condition(job):
            raise EngineError("no convergence", kind, permanent, folder="/scratch/1", output="the end")
        return "energy"

    return attempt, tried


def new_job() -> dict:
    return {"mixing": 0.4, "cycles": 10}


def test_nothing_to_correct():
    attempt, tried = attempt_until(lambda job: True)
    assert with_corrections(new_job(), attempt, [HALVE, MORE]) == ("energy", [])
    assert len(tried) == 1


def test_corrections_are_tried_in_order_and_recorded():
    attempt, tried = attempt_until(lambda job: job["cycles"] == 100)
    result, corrections = with_corrections(new_job(), attempt, [HALVE, MORE])
    assert result == "energy"
    assert corrections == ["scf: mixing 0.2", "scf: mixing 0.1", "scf: cycles 100"]
    assert tried[-1] == {"mixing": 0.1, "cycles": 100}


def test_a_failure_without_a_handler_is_raised_as_it_is():
    attempt, tried = attempt_until(lambda job: False, kind="memory", permanent=False)
    with pytest.raises(EngineError, match=r"^no convergence$") as caught:
        with_corrections(new_job(), attempt, [HALVE, MORE])
    assert (caught.value.kind, caught.value.permanent, len(tried)) == ("memory", False, 1)


def test_when_all_is_in_vain_the_error_says_what_was_tried():
    attempt, tried = attempt_until(lambda job: False)
    with pytest.raises(EngineError, match=r"no convergence; tried: scf: mixing 0.2, .*, scf: cycles 100") as caught:
        with_corrections(new_job(), attempt, [HALVE, MORE])
    error = caught.value
    assert (error.kind, error.permanent, error.folder, error.output) == ("scf", True, "/scratch/1", "the end")
    assert len(tried) == 4  # once, and after each of two halvings and one raise


def test_a_handler_that_does_not_apply_is_passed_over_and_not_counted():
    job = {"mixing": 0.4, "cycles": 100}
    attempt, _ = attempt_until(lambda job: job["mixing"] == 0.1)
    _, corrections = with_corrections(job, attempt, [MORE, HALVE])
    assert corrections == ["scf: mixing 0.2", "scf: mixing 0.1"]


def test_a_cap_of_none():
    attempt, tried = attempt_until(lambda job: False)
    with pytest.raises(EngineError, match=r"^no convergence$"):
        with_corrections(new_job(), attempt, [Handler("never", "scf", halve, most=0)])
    assert len(tried) == 1


def test_other_errors_pass():
    def attempt(job: dict) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        with_corrections(new_job(), attempt, [HALVE])
