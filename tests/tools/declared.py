"""Documents held against their types."""

from __future__ import annotations

from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints, is_typeddict

from pymongo.database import Database

from genarris_fw.catalogue.documents import DOCUMENTS


def undeclared(value: Any, kind: Any, name: str) -> list[str]:
    """What of a value is not as its type says: fields that it does not have, values of another type."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    choices = [part for part in get_args(kind) if part is not NoneType] if NoneType in get_args(kind) else [kind]
    if value is None and choices != [kind]:
        return []
    kind = choices[0]
    if is_typeddict(kind):
        hints = get_type_hints(kind, include_extras=True)
        if not isinstance(value, dict):
            return [f"{name}: {type(value).__name__}"]
        known = {f"{name}.{key}": (one, hints[key]) for key, one in value.items() if key in hints}
        others = [f"{name}.{key}: not declared" for key in value if key not in hints]
        return others + [said for field, (one, of) in known.items() for said in undeclared(one, of, field)]
    form = get_origin(kind) or kind
    if kind is not Any and not isinstance(value, (float, int) if form is float else form):
        return [f"{name}: {type(value).__name__}"]
    if form is dict:
        return [said for key, one in value.items() for said in undeclared(one, get_args(kind)[1], f"{name}.{key}")]
    if form is list:
        return [said for one in value for said in undeclared(one, get_args(kind)[0], f"{name}[]")]
    return []


def undeclared_in(database: Database[Any]) -> list[str]:
    """What of a catalogue's documents is not as their types say."""
    return [
        said
        for collection, kind in DOCUMENTS.items()
        for document in database[collection].find()
        for said in undeclared(document, kind, collection)
    ]
