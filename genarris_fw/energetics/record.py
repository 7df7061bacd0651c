"""An energy as it is kept: never a number without the engine, the version and the settings that gave it."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict


class _EnergyRecord(TypedDict):
    value: Annotated[float, "eV per cell; of a molecule eV"]
    per_molecule: Annotated[float, "eV per molecule"]
    engine: Annotated[str, "name of the engine"]
    engine_version: Annotated[str, "its version, as the program tells it"]
    settings_hash: Annotated[str, "SHA-256 over every setting that enters the energy"]
    converged: Annotated[bool, "whether everything that was asked for was reached"]
    seconds: Annotated[float, "wall time"]
    details: Annotated[dict[str, Any], "what the engine tells beside it: `method`, `steps`, `reason`, ..."]


class EnergyRecord(_EnergyRecord, total=False):
    """An energy of a structure."""

    reused_from: Annotated[str, "`_id` of the work item whose result it is, where it was not computed anew"]
