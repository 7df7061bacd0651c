"""Filters of OPTIMADE as queries of the index."""

from __future__ import annotations

import re
from typing import Any

from lark import v_args
from optimade.exceptions import BadRequest
from optimade.filtertransformers.mongo import MongoTransformer

# What the index has stand-ins of: their length and whether they are known can be asked for, but not what they are.
COORDINATES = ("lattice_vectors", "cartesian_site_positions")
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


class Filters(MongoTransformer):  # type: ignore[misc]  # the library has no types
    """The library's translation, with texts taken as they are and numbers that MongoDB can hold."""

    @v_args(inline=True)  # type: ignore[untyped-decorator]
    def property_first_comparison(self, quantity: str, query: dict[str, Any]) -> Any:
        """Refuse (501) what is asked of coordinates, which the specification leaves open."""
        if quantity in COORDINATES and not query.keys() & {"$size", "#known"}:
            raise NotImplementedError(f"{quantity}: only LENGTH, IS KNOWN and IS UNKNOWN can be asked of it")
        return super().property_first_comparison(quantity, query)

    def fuzzy_string_op_rhs(self, arg: list[Any]) -> dict[str, str]:
        """Take what is looked for as a text, not as a regular expression."""
        found = super().fuzzy_string_op_rhs([*arg[:-1], re.escape(arg[-1])])
        return {"$regex": found["$regex"].removesuffix("$") + r"\Z"} if arg[0] == "ENDS" else found

    @v_args(inline=True)  # type: ignore[untyped-decorator]
    def number(self, number: Any) -> int | float:
        """Refuse a whole number that no database holds."""
        found = super().number(number)
        if isinstance(found, int) and not _SMALLEST <= found <= _LARGEST:
            raise BadRequest(detail=f"{number} is too large a number: give it as 1e19, for example")
        return found

    @v_args(inline=True)  # type: ignore[untyped-decorator]
    def signed_int(self, number: Any) -> int:
        """Refuse what `number` refuses."""
        return int(self.number(number))

    def _apply_mongo_id_filter(self, filter_: Any) -> Any:
        """Leave ids as the texts that ours are."""
        return filter_
