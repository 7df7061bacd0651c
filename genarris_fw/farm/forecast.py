"""What `check` has forecast of a run's costs, kept beside its ``ui.conf`` until a run of these options is begun."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from genarris_fw.errors import InputError
from genarris_fw.files import read_ordinary, write_text
from genarris_fw.options import Configuration, options_hash

LARGEST = 2**20  # bytes
_OF_A_STEP = ("structures", "bound", "seconds_each", "cores", "core_seconds")


def path_of(configuration: Configuration) -> Path:
    """Return where the forecast of a run lies."""
    return Path(configuration.folder) / ".genarris_fw" / f"{configuration.run_name}.forecast.json"


def keep(configuration: Configuration, estimate: Mapping[str, Any]) -> Path:
    """Keep an estimate for the run, and return its file.

    Parameters
    ----------
    configuration : Configuration
        The resolved ``ui.conf``.
    estimate : mapping
        As of `genarris_fw.trials.estimates.estimate`.

    Raises
    ------
    InputError
        When the folder cannot be written.
    """
    forecast = {
        "made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "steps": {step["step"]: {name: step[name] for name in _OF_A_STEP} for step in estimate["steps"]},
        "assumptions": estimate["assumptions"],
    }
    path = path_of(configuration)
    try:
        path.parent.mkdir(exist_ok=True)
        write_text(path, json.dumps({"options_hash": options_hash(configuration), "forecast": forecast}, indent=1))
    except OSError as error:
        raise InputError(f"{path}: the forecast cannot be kept ({error.strerror})") from error
    return path


def kept(configuration: Configuration) -> dict[str, Any] | None:
    """Return the forecast that was kept for a run, None where there is none of these options that can be read."""
    with suppress(InputError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        found = json.loads(read_ordinary(path_of(configuration), LARGEST))
        if found["options_hash"] == options_hash(configuration):
            return _checked(found["forecast"], [step.name for step in configuration.steps])
    return None


def _checked(forecast: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return a forecast as a document may hold it; a ValueError or another where it is none."""
    steps = {
        step: {name: str(about[name]) if name == "bound" else _number(about[name]) for name in _OF_A_STEP}
        for step, about in forecast["steps"].items()
        if step in names
    }
    made = datetime.fromisoformat(forecast["made"]).isoformat()
    return {"made": made, "steps": steps, "assumptions": [str(words) for words in forecast["assumptions"]]}


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
