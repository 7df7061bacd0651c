"""Series of single points: work items that change an engine's settings, and what a series must have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genarris_fw.catalogue.work_items import Item
from genarris_fw.crystal import Structure
from genarris_fw.engines import Evaluation
from genarris_fw.engines import get as get_engine
from genarris_fw.engines.checks import refuse_overlaps
from genarris_fw.errors import EngineError
from genarris_fw.procedures.kit.base import Campaign
from genarris_fw.procedures.kit.energies import EngineProcedure, energy_record, engine_settings


class SeriesProcedure(EngineProcedure):
    """A procedure of single points whose items may change settings of the engine (``payload["settings"]``)."""

    _changes: dict[str, Any] | None = None

    def single_point(self, campaign: Campaign[Any], item: Item, structure: Structure) -> Evaluation:
        """Evaluate one structure with the item's settings.

        Raises
        ------
        EngineError
            Also where the engine did not converge.
        """
        changes = dict(item.payload.get("settings") or {})
        if self._engine is None or changes != self._changes:
            self._engine = get_engine(campaign.options["engine"], **engine_settings(campaign) | changes)
            self._changes = changes
        evaluation = self.evaluate(campaign, item, structure, relax=False)
        if not evaluation.converged:
            raise EngineError(f"{structure.struct_id}: the calculation did not converge", kind="scf", permanent=True)
        return evaluation

    def source(self, campaign: Campaign[Any], evaluation: Evaluation) -> dict[str, Any]:
        """Return what an energy is kept with: engine, its version, settings and method."""
        record = energy_record(evaluation, self.engine(campaign), Z=1)
        return {
            "engine": record["engine"],
            "engine_version": record["engine_version"],
            "settings_hash": record["settings_hash"],
            "method": record["details"].get("method"),
        }


def shared_muffin_tins(campaign: Campaign[Any], structures: Sequence[Structure]) -> dict[str, Any]:
    """Return the setting that gives several structures the same muffin tins, where the engine has any.

    The basis follows from the radii, so that energies with different ones are not of the same quality. The user's
    own radii stay. Structures that the engine will refuse have no say.
    """
    settings = engine_settings(campaign)
    if campaign.options["engine"] != "lapw" or settings.get("muffin_tin") not in (None, "auto"):
        return {}
    from genarris_fw.engines.lapw import LAPWEngine

    usable = [structure for structure in structures if _is_usable(structure)]
    return {"muffin_tin": LAPWEngine(**settings).muffin_tins(usable)} if usable else {}


def _is_usable(structure: Structure) -> bool:
    if structure.lattice is None:
        return False
    try:
        refuse_overlaps(structure)
    except EngineError:
        return False
    return True


def fixed_k_grid(campaign: Campaign[Any], structure: Structure) -> dict[str, Any]:
    """Return the setting that keeps the k grid of a structure where its cell changes; where the engine has one."""
    if campaign.options["engine"] != "lapw" or structure.lattice is None:
        return {}
    settings = engine_settings(campaign)
    spacing = {"k_grid": settings.get("k_grid"), "k_spacing": settings.get("k_spacing")}
    return {"k_grid": k_grid_of(structure, bool(settings.get("primitive")), **spacing)}


def k_grid_of(structure: Structure, primitive: bool, **settings: Any) -> list[int]:
    """Return the k grid of the cell that is computed.

    Parameters
    ----------
    structure : Structure
        A crystal.
    primitive : bool
        Whether the engine computes its primitive cell.
    **settings
        ``k_grid`` or ``k_spacing`` of the engine lapw.
    """
    from genarris_fw.engines.lapw.elk_input import k_grid
    from genarris_fw.engines.lapw.primitive_cell import primitive_cell
    from genarris_fw.engines.lapw.settings import LAPWSettings

    computed = primitive_cell(structure)[0] if primitive else structure
    return k_grid(computed, LAPWSettings.of("lapw", settings))
