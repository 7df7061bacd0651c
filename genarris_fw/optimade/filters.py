"""Filters of OPTIMADE as queries of the index."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from lark import Lark, v_args
from lark.exceptions import LarkError
from optimade.exceptions import BadRequest
from optimade.filterparser import LarkParser
from optimade.filtertransformers.mongo import MongoTransformer

# What the index has stand-ins of: their length and whether they are known can be asked for, but not what they are.
COORDINATES = ("lattice_vectors", "cartesian_site_positions")
DEEPEST = 50  # parentheses; the server takes 100 levels of a query, of which one pair may make two
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_COMPARED = ("$eq", "$ne", "$lt", "$lte", "$gt", "$gte")
# What a property of a type is compared with.
_VALUES: Mapping[str, tuple[type, ...]] = {
    "integer": (int, float),
    "float": (int, float),
    "string": (str,),
    "timestamp": (str,),
    "boolean": (bool,),
}


def _nesting(filter_: str) -> int:
    """Return how deep the parentheses of a filter are, those within texts aside."""
    steps = ((letter == "(") - (letter == ")") for letter in re.sub(r'"(?:\\.|[^"\\])*"', "", filter_))
    return max(accumulate(steps), default=0)


class Parser(LarkParser):
    """The library's parser, which says in one line where a filter is wrong, and keeps where in it its parts are."""

    def __init__(self) -> None:
        super().__init__()
        self.lark: Lark = Lark(self.lark.source_grammar, maybe_placeholders=False, propagate_positions=True)

    def parse(self, filter_: str) -> Any:
        """Return the tree of a filter, or refuse it (400)."""
        if _nesting(filter_) > DEEPEST:
            raise BadRequest(detail=f"the filter cannot be understood: parentheses more than {DEEPEST} deep")
        try:
            return self.lark.parse(filter_)
        except LarkError as error:
            where = str(error).strip().partition("\n")[0].partition(". Expected")[0]
            raise BadRequest(detail=f"the filter cannot be understood: {where}") from None


class Filters(MongoTransformer):
    """The library's translation, with texts taken as they are, and without what would quietly find nothing.

    Parameters
    ----------
    mapper : genarris_fw.optimade.collection.Mapper
        Names in the index.
    types : mapping of str to str
        By name in the index: the type of a property.
    """

    def __init__(self, mapper: Any, types: Mapping[str, str]) -> None:
        super().__init__(mapper=mapper)
        self.types = types

    @v_args(inline=True)
    def property_first_comparison(self, quantity: str, query: dict[str, Any]) -> Any:
        """Refuse what is asked of coordinates, which the specification leaves open (501), and wrong types (400)."""
        if quantity in COORDINATES and not query.keys() & {"$size", "#known"}:
            raise NotImplementedError(f"{quantity}: only LENGTH, IS KNOWN and IS UNKNOWN can be asked of it")
        wanted = self.types.get(quantity, "")
        for value in (query[operator] for operator in _COMPARED if operator in query):
            if wanted in _VALUES and type(value) not in _VALUES[wanted]:
                name = self.mapper.get_optimade_field(quantity)
                raise BadRequest(detail=f"{name} is of type {wanted}: it cannot be compared with {value!r}")
        return super().property_first_comparison(quantity, query)

    def constant_first_comparison(self, arg: list[Any]) -> Any:
        """Turn a comparison round."""
        return self.property_first_comparison(arg[2], {self.operator_map[self._reversed_operator_map[arg[1]]]: arg[0]})

    def fuzzy_string_op_rhs(self, arg: list[Any]) -> dict[str, str]:
        """Take what is looked for as a text, not as a regular expression."""
        found = super().fuzzy_string_op_rhs([*arg[:-1], re.escape(arg[-1])])
        return {"$regex": found["$regex"].removesuffix("$") + r"\Z"} if arg[0] == "ENDS" else found

    @v_args(meta=True)
    def bool(self, where: Any, arg: list[Any]) -> bool:
        """Return what TRUE and FALSE are; the grammar keeps no more of them than where they stand."""
        return where.end_pos - where.start_pos == len("TRUE")  # type: ignore[no-any-return]

    @v_args(inline=True)
    def number(self, number: Any) -> int | float:
        """Refuse a whole number that no database holds."""
        found: int | float = super().number(number)
        if isinstance(found, int) and not _SMALLEST <= found <= _LARGEST:
            raise BadRequest(detail=f"{number} is too large a number: give it as 1e19, for example")
        return found

    @v_args(inline=True)
    def signed_int(self, number: Any) -> int:
        """Refuse a length that no list has."""
        found = int(number)
        if abs(found) > _LARGEST:
            raise BadRequest(detail=f"{number} is too large a length")
        return found

    def _apply_mongo_id_filter(self, filter_: Any) -> Any:
        """Leave ids as the texts that ours are."""
        return filter_

    def _apply_mongo_date_filter(self, filter_: Any) -> Any:
        try:
            return super()._apply_mongo_date_filter(filter_)
        except ValueError:
            raise BadRequest(detail='a time is written as in RFC 3339: "2025-01-31T12:00:00Z"') from None
