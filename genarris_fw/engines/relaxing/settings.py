"""The settings of a relaxation."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from genarris_fw.declaring.option import derived, option
from genarris_fw.declaring.types import Flag, Real, Said, Whole, one_of
from genarris_fw.engines.base import Settings

Optimizer = Annotated[str, BeforeValidator(one_of("model", "bfgs")), Said("str", "model or bfgs")]


class RelaxationSettings(Settings):
    """How structures are relaxed; none of it enters the energy of a given structure."""

    fmax: Real = option(
        "a relaxation has converged when no force is larger",
        0.05,
        unit="eV/Å",
        changes_energy=False,
        ge=1e-9,
        le=100,
    )
    # 0.0005 eV/Å3 = 0.08 GPa: a loosely packed molecular crystal is soft, and at 0.5 GPa still 3 kJ/mol per molecule
    # away from its minimum.
    smax: Real = option(
        "... and no component of the stress is larger", 0.0005, unit="eV/Å3", changes_energy=False, ge=1e-12, le=10
    )
    max_steps: Whole = option("a relaxation stops after this many steps", 200, changes_energy=False, ge=1, le=10**6)
    optimizer: Optimizer = option(
        "quasi-Newton from a model of the curvature, or plain BFGS", "model", changes_energy=False
    )
    keep_symmetry: Flag = option("keep the space group in a relaxation", True, changes_energy=False)
    relax_cell: Flag = option("relax the cell together with the positions", True, changes_energy=False)
    trajectory: Flag = option(
        "keep every step of a relaxation as relaxation.extxyz in the structure's folder", False, changes_results=False
    )
    symprec: Real = derived(
        "how far atoms may lie from their symmetric places for a symmetry to count",
        1e-2,
        unit="Å",
        changes_energy=False,
        gt=0,
    )

    def of_the_result(self, relax: bool) -> dict[str, Any]:
        """Return the settings that a result depends on: of a single point none of how relaxations are carried out."""
        found = super().of_the_result(relax)
        return found if relax else {name: found[name] for name in found.keys() - RelaxationSettings.model_fields.keys()}
