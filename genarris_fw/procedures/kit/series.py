"""Series of single points: work items that change an engine's settings, and what a series must have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genarris_fw.catalogue.work_items import Item
from genarris_fw.crystal import Structure
from genarris_fw.engines import Evaluation
from genarris_fw.engines.checks import refuse_overlaps
from genarris_fw.errors import EngineError
from genarris_fw.procedures.kit.base import Campaign
from genarris_fw.procedures.kit.energies import E, EngineProcedure, energy_record, engine_of, engine_settings
from genarris_fw.procedures.options.engine_procedures import CallsEngine


class SeriesProcedure(EngineProcedure[E]):
    """A procedure of single points whose items may change settings of the engine (``payload["settings"]``)."""

    _changes: dict[str, Any] | None = None

    def single_point(self, campaign: Campaign[E], item: Item, structure: Structure) -> Evaluation:
        """Evaluate one structure with the item's settings.

        Raises
        ------
        EngineError
            Also where the engine did not converge.
        """
        changes = dict(item.payload.get("settings") or {})
        if self._engine is None or changes != self._changes:
            self._engine = self.made_with(campaign, changes)
            self._changes = changes
        evaluation = self.evaluate(campaign, item, structure, relax=False)
        if not evaluation.converged:
            raise EngineError(f"{structure.struct_id}: the calculation did not converge", kind="scf", permanent=True)
        return evaluation

    def source(self, campaign: Campaign[E], evaluation: Evaluation) -> dict[str, Any]:
        """Return what an energy is kept with: engine, its version, settings and method."""
        record = energy_record(evaluation, self.engine(campaign), Z=1)
        return {
            "engine": record["engine"],
            "engine_version": record["engine_version"],
            "settings_hash": record["settings_hash"],
            "method": record["details"].get("method"),
        }


def shared_settings(campaign: Campaign[CallsEngine], structures: Sequence[Structure]) -> dict[str, Any]:
    """Return the settings that several structures must share for their energies to be compared.

    Structures that the engine will refuse have no say.
    """
    usable = [structure for structure in structures if _is_usable(structure)]
    return engine_of(campaign).shared_by(engine_settings(campaign), usable)


def _is_usable(structure: Structure) -> bool:
    if structure.lattice is None:
        return False
    try:
        refuse_overlaps(structure)
    except EngineError:
        return False
    return True


def fixed_k_grid(campaign: Campaign[CallsEngine], structure: Structure) -> dict[str, Any]:
    """Return the setting that keeps the k grid of a structure where its cell changes; where the engine has one."""
    return engine_of(campaign).kept_for(engine_settings(campaign), structure)
