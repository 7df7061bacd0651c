"""Our own properties as OPTIMADE describes them: what a structure has, under which name, of which type and unit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from functools import lru_cache
from math import isfinite
from typing import Any

from genarris_fw.crystal.known_properties import KNOWN_PROPERTIES, KnownProperty
from genarris_fw.pools.property_table import OF_DOCUMENTS, OF_ENERGIES, OF_PROVENANCE, about_energies

_ABOUT = {
    "run": KnownProperty("run", "", "name of the run that the structure belongs to"),
    "struct_id": KnownProperty("struct_id", "", "id of the structure within its run"),
    "pools": KnownProperty("pools", "", "pools of the run that hold the structure"),
}
_TYPES = {
    frozenset({"int"}): "integer",
    frozenset({"float"}): "float",
    frozenset({"int", "float"}): "float",
    frozenset({"bool"}): "boolean",
    frozenset({"str"}): "string",
    frozenset({"list"}): "list",
}
_AGAIN = re.compile(r"_\d+$")  # what a second step of one kind makes: ap_cluster_2
_OF_AN_ENGINE = "_settings_hash"  # every energy that an engine gave has one

# By name: the Python types of its values.
Kinds = Mapping[str, Set[str]]


def own_properties(document: Mapping[str, Any], run: str) -> dict[str, Any]:
    """Return what is served of a structure beyond OPTIMADE's own properties, by name without the prefix."""
    found: dict[str, Any] = {"run": run, "struct_id": document["struct_id"], "pools": sorted(document["pools"])}
    for name, value in _plain(_flat(document)):
        found.setdefault(served_name(name), value)
    return found


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a structure, named as the columns of a property table."""
    flat: dict[str, Any] = dict(document.get("properties") or {})
    flat |= {name: document[name] for name in OF_DOCUMENTS if document.get(name) is not None}
    flat |= {name: (document.get("provenance") or {}).get(name) for name in OF_PROVENANCE}
    for name, energy in (document.get("energies") or {}).items():
        flat |= {f"{name}_{field}": energy.get(field) for field in ("per_molecule", *OF_ENERGIES)}
    return flat


def _plain(properties: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what has a value; JSON has no word for numbers that are none."""
    for name, value in properties.items():
        if isinstance(value, Mapping):
            yield from _plain({f"{name}.{inner}": one for inner, one in value.items()})
        elif value is not None and not (isinstance(value, float) and not isfinite(value)):
            yield name, value


@lru_cache(maxsize=4096)
def served_name(name: str) -> str:
    """Return the name of a property as OPTIMADE has names: small letters, digits and ``_``."""
    return re.sub(r"[^a-z0-9]", "_", name.lower())


def provider_fields(kinds: Kinds, prefix: str) -> list[dict[str, str]]:
    """Return how the properties are described at ``/info/structures``.

    Parameters
    ----------
    kinds : mapping
        What structures have. A property that is a text in one and a number in another is left out.
    prefix : str
        The provider's, without underscores.
    """
    energies = [name.removesuffix(_OF_AN_ENGINE) for name in kinds if name.endswith(_OF_AN_ENGINE)]
    known = {served_name(name): about for name, about in [*KNOWN_PROPERTIES.items(), *about_energies(energies)]}
    found = []
    for name in sorted(kinds):
        type_ = _TYPES.get(frozenset(kinds[name]))
        if type_ is not None:
            about = (known | _ABOUT).get(name) or known.get(_AGAIN.sub("", name)) or KnownProperty(name)
            field = {"name": f"_{prefix}_{name}", "type": type_, "description": about.meaning or _unknown(name)}
            found.append(field | ({"unit": about.unit} if about.unit else {}))
    return found


def _unknown(name: str) -> str:
    return f"the property {name} of the structure, as a step of the run or the file that it was read from states it"
