"""Tables of all options, made from the models: for the terminal and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from genarris_fw.declaring.option import REQUIRED, Declared, Option
from genarris_fw.errors import InputError
from genarris_fw.options.base import ProcedureOptions, SharedOptions
from genarris_fw.options.names import why_not
from genarris_fw.options.problems import nearest, quoted
from genarris_fw.options.registered import by_name, models, spellings, why_unusable

COLUMNS = ("option", "type", "category", "unit", "manual", "2.0", "description")


@dataclass(frozen=True)
class Row:
    """One option: what it is called, what it takes, what holds when it is not given."""

    option: str
    type: str
    category: str
    unit: str
    default: str
    default_2_0: str
    description: str
    expected: str
    aliases: tuple[str, ...] = ()

    def cells(self) -> tuple[str, ...]:
        """Return the row in the order of `COLUMNS`."""
        text = self.description
        if self.aliases:
            text += f" (also {', '.join(self.aliases)})"
        return (self.option, self.type, self.category, self.unit, self.default, self.default_2_0, text)


def model_named(name: str) -> type[ProcedureOptions]:
    """Return a procedure's model by any of its names, whatever the case.

    Raises
    ------
    InputError
        For a name that is no procedure of this version.
    """
    model = by_name().get(name.strip().lower())
    if model is None:
        names = [model.procedure for model in models()]
        reason = (
            why_unusable(name.strip())
            or why_not(name.strip())
            or (
                f"unknown procedure {quoted(name)}; expected one of {', '.join(names)}"
                + nearest(name, ["Genarris_master", *spellings()])
            )
        )
        raise InputError(reason)
    return model


def rows(model: type[ProcedureOptions]) -> list[Row]:
    """Return the rows of a model: its own options first, then those that every procedure has."""
    shared = set(SharedOptions.declared()) if model.procedure != "Genarris_master" else set()
    names = sorted(model.declared(), key=lambda name: (name in shared, _rank(model.info(name))))
    return [row(model, name) for name in names]


def row(model: type[Declared], name: str) -> Row:
    """Return the row of one option, or of one setting of an engine."""
    info = model.info(name)
    return Row(
        name,
        model.said(name).name,
        info.category,
        info.unit,
        _default(info, "manual"),
        _default(info, "2.0"),
        model.description(name),
        model.expected(name),
        info.aliases,
    )


def _rank(info: Option) -> int:
    return ("required", "inferred", "optional").index(info.category)


def _default(info: Option, defaults: str) -> str:
    value: Any = info.default_of(defaults)
    if value is REQUIRED:
        return "required"
    return info.default_words or str(value)


def as_records(chosen: Sequence[type[ProcedureOptions]] | None = None) -> dict[str, Any]:
    """Return procedure -> {description, options, without_effect} as plain values."""
    return {
        model.procedure: {
            "description": purpose(model),
            "synonyms": list(model.synonyms),
            "options": [asdict(row) | {"aliases": list(row.aliases)} for row in rows(model)],
            "without_effect": dict(model.no_effect),
        }
        for model in chosen or models()
    }


def purpose(model: type[Declared]) -> str:
    """Return what a section or the settings of an engine are for, in a line."""
    return str(model.__doc__).strip().splitlines()[0]
