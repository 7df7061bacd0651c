"""What a duplicate's document says: which structure stands for it."""

from __future__ import annotations

from typing import Any

from genarris_fw.options.base import SharedOptions
from genarris_fw.procedures.kit.campaign import Campaign


def mark_duplicates(campaign: Campaign[SharedOptions], duplicates: dict[str, tuple[str, float | None]]) -> None:
    """Write on every duplicate which structure stands for it, and how far it is from it (Å), where that is known."""
    fields = {}
    for name, (survivor, rmsd) in sorted(duplicates.items()):
        values: dict[str, Any] = {"properties.duplicate_of": survivor}
        fields[name] = values | ({} if rmsd is None else {"properties.duplicate_rmsd": rmsd})
    campaign.set_fields(fields)
