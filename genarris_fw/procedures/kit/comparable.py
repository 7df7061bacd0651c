"""Energies are compared only where one engine with the same settings gave all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from genarris_fw.errors import RunFailed
from genarris_fw.procedures.kit.campaign import Campaign

# What an energy comes from: these fields of its record, or nothing where it was read from a file.
SOURCE = ("engine", "engine_version", "settings_hash")
Source = tuple[str, str, str]
FROM_A_FILE: Source = ("a file", "", "")


def source_of(document: Mapping[str, Any], name: str) -> Source | None:
    """Return where a structure's energy comes from; None where it has none.

    Parameters
    ----------
    document : mapping
        A document of ``structures``, with ``energies.<name>`` and ``properties.<name>``.
    name : str
        The energy's name.
    """
    record = (document.get("energies") or {}).get(name)
    if record:
        engine, version, settings = (str(record.get(field)) for field in SOURCE)
        return engine, version, settings
    return FROM_A_FILE if (document.get("properties") or {}).get(name) is not None else None


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
    counts = Counter(source for source in sources if source is not None)
    if len(counts) < 2:
        return
    words = ", ".join(f"{number} by {_said(source)}" for source, number in counts.most_common())
    raise RunFailed(
        f"{step}: the energies '{name}' of these structures are not to be compared: {words}; evaluate all of them with "
        "one engine and the same settings, or give the other energies another energy_name"
    )


def refuse_mixed(campaign: Campaign[Any], ids: Sequence[str], name: str) -> None:
    """Refuse to compare the energies of structures that come from several engines or settings; see `refuse_several`."""
    fields = [*(f"energies.{name}.{field}" for field in SOURCE), f"properties.{name}"]
    documents = campaign.catalogue.structures.load(campaign.run, ids, fields)
    refuse_several(campaign.step, name, (source_of(document, name) for document in documents))


def _said(source: Source) -> str:
    engine, version, settings = source
    return f"{engine} ({version}, settings {settings})" if settings else engine
