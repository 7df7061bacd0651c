"""Energies are compared only where one engine with the same settings gave all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from genarris_fw.energetics.comparable import FIELDS, Source, comparable_groups, source_of
from genarris_fw.errors import RunFailed
from genarris_fw.options.base import SharedOptions
from genarris_fw.procedures.kit.campaign import Campaign


def refuse_several(step: str, name: str, sources: Iterable[Source | None]) -> None:
    """Refuse to compare energies of several engines or settings.

    Parameters
    ----------
    step : str
        The step that would compare, for the message.
    name : str
        The energy's name.
    sources : iterable
        As of `source_of`, one a structure.

    Raises
    ------
    RunFailed
        Naming the sources, and how many structures each has.
    """
    groups = comparable_groups(Counter(sources))
    if len(groups) < 2:
        return
    words = ", ".join(f"{number} by {source}" for source, number in groups)
    raise RunFailed(
        f"{step}: the energies '{name}' of these structures are not to be compared: {words}; evaluate all of them with "
        "one engine and the same settings, or give the other energies another energy_name"
    )


def refuse_mixed(campaign: Campaign[SharedOptions], ids: Sequence[str], name: str) -> None:
    """Refuse to compare the energies of structures that come from several engines or settings; see `refuse_several`."""
    fields = [*(f"energies.{name}.{field}" for field in FIELDS), f"properties.{name}"]
    documents = campaign.catalogue.structures.load(campaign.run, ids, fields)
    refuse_several(campaign.step, name, (source_of(document, name) for document in documents))
