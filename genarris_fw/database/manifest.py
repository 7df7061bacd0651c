"""The manifest of a backup archive: what an archive says of itself, checked before anything is done with it.

No checksum covers the manifest, and whoever restores by ``--force`` drops what the database holds. So a manifest that
the server would refuse half way is refused whole.
"""

from __future__ import annotations

from typing import Annotated, Any

import bson
from bson.errors import BSONError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

# What the server takes for a collection and for an index, as pymongo's own parameters are no part of that.
_OF_COLLECTIONS = {"capped", "size", "max", "collation", "validator", "validationLevel", "validationAction"}
_OF_INDEXES = {
    *("name", "key", "unique", "sparse", "hidden", "background", "expireAfterSeconds", "partialFilterExpression"),
    *("collation", "weights", "default_language", "language_override", "textIndexVersion", "wildcardProjection"),
    *("2dsphereIndexVersion", "bits", "min", "max"),
}


def _name(text: str) -> str:
    if not text or not text.isprintable() or text.startswith(("$", "system.")):
        raise ValueError("cannot be a name here")
    return text


def _options_of_a_collection(options: dict[str, Any]) -> dict[str, Any]:
    if not options.keys() <= _OF_COLLECTIONS:
        raise ValueError("holds options that this version does not know")
    return options


Name = Annotated[str, AfterValidator(_name), Field(max_length=200)]


class _Index(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    name: Name
    key: Annotated[dict[Name, Annotated[int, Field(ge=-1, le=1)] | str], Field(min_length=1)]
    unique: bool = False
    sparse: bool = False

    @model_validator(mode="after")
    def _known(self) -> _Index:
        if not self.model_fields_set <= _OF_INDEXES:
            raise ValueError("holds options that this version does not know")
        return self


class _Collection(BaseModel):
    model_config = ConfigDict(strict=True)

    name: Name
    options: Annotated[dict[str, Any], AfterValidator(_options_of_a_collection)]
    file: Name
    count: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    indexes: list[_Index]


class _Manifest(BaseModel):
    model_config = ConfigDict(strict=True)

    collections: list[_Collection]


def entries_of(manifest: Any) -> list[dict[str, Any]]:
    """Return the collections' entries of a manifest.

    Parameters
    ----------
    manifest : object
        Whatever the json of the archive's first file holds.

    Returns
    -------
    list of dict
        ``name``, ``options``, ``file``, ``count``, ``sha256`` and ``indexes`` of each.

    Raises
    ------
    ValueError
        In few words what is wrong, and where.
    """
    try:
        found = _Manifest.model_validate(manifest)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))[:80]
        raise ValueError(f"its manifest is none: {place}: {first['msg']}") from None
    if len({about.name for about in found.collections}) < len(found.collections):
        raise ValueError("its manifest is none: a collection stands there twice")
    entries = [about.model_dump(exclude_unset=True) for about in found.collections]
    try:
        bson.encode({"entries": entries})
    except (BSONError, OverflowError, RecursionError) as error:
        raise ValueError(f"its manifest is none: {error}") from None
    return entries
