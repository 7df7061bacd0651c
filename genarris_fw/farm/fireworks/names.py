"""FireWorks' words for states, and ours: names, specs and metadata of the fireworks and workflows of a run."""

from __future__ import annotations

from typing import Any

READY, WAITING, RESERVED, RUNNING = "READY", "WAITING", "RESERVED", "RUNNING"
COMPLETED, FIZZLED, ARCHIVED = "COMPLETED", "FIZZLED", "ARCHIVED"
CHECKED_OUT = (RUNNING, RESERVED)
# Somebody works on these, or may.
ALIVE = (READY, *CHECKED_OUT)
# What a firework that is not at rest may be in when its rocket died; FIZZLED when it noticed and gave up first.
UNDER_WAY = (*CHECKED_OUT, FIZZLED)

BEGIN, FINISH = "begin", "finish"  # the names of a run's first and last firework
# The path comes first: a missing priority would sort below every number.
PATH_PRIORITY = 10
SIDE_PRIORITY = 1


def name_of(step: str, role: str) -> str:
    """Return the name of the firework of a step's role."""
    return step if role == "whole" else f"{step} {role}"


def path_spec(run: str) -> dict[str, Any]:
    """Return what stands in the spec of every firework of a run's chain."""
    return _spec(run, PATH_PRIORITY)


def side_spec(run: str) -> dict[str, Any]:
    """Return what stands in the spec of every side."""
    return _spec(run, SIDE_PRIORITY)


def _spec(run: str, priority: int) -> dict[str, Any]:
    return {"run": run, "_priority": priority, "_add_launchpad_and_fw_id": True}


def chain_metadata(run: str, options_hash: str) -> dict[str, Any]:
    """Return the metadata of a run's chain; the hash tells whether a ui.conf is the one it was made from."""
    return {"run": run, "options_hash": options_hash}


def side_metadata(run: str, step: str) -> dict[str, Any]:
    """Return the metadata of a side's workflow."""
    return {"run": run, "side_of": step}


def of_run(run: str) -> dict[str, Any]:
    """Return the query for the fireworks of a run; a worker's, too."""
    return {"spec.run": run}
