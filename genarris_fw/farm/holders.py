"""Who works on a run now: the fireworks that living processes hold."""

from __future__ import annotations

from genarris_fw.catalogue import Catalogue
from genarris_fw.owner import is_dead


def living_holders(catalogue: Catalogue, run: str) -> list[str]:
    """Return the fireworks of a run that a living process holds now, as ``step role``."""
    expired = {lease["_id"] for lease in catalogue.leases.expired(run)}
    return [
        f"{lease['step']} {lease['role']}"
        for lease in catalogue.leases.holders(run)
        if lease["_id"] not in expired and not is_dead(lease["owner"])
    ]
