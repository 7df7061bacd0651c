"""Tables of all options, made from the models: for the terminal, for programs and for the documentation."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from genarris_fw.errors import InputError
from genarris_fw.options.base import SharedOptions
from genarris_fw.options.models import MODELS, REQUIRED, Option, ProcedureOptions
from genarris_fw.options.names import why_not
from genarris_fw.options.problems import nearest, quoted
from genarris_fw.options.sections import MODEL_OF

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
    model = MODEL_OF.get(name.strip().lower())
    if model is None:
        names = [model.procedure for model in MODELS]
        reason = why_not(name.strip()) or (
            f"unknown procedure {quoted(name)}; expected one of {', '.join(names)}"
            + nearest(name, [spelling for m in MODELS for spelling in (m.procedure, *m.synonyms)])
        )
        raise InputError(reason)
    return model


def rows(model: type[ProcedureOptions]) -> list[Row]:
    """Return the rows of a model: its own options first, then those that every procedure has."""
    shared = set(SharedOptions.model_fields) if model.procedure != "Genarris_master" else set()
    names = sorted(model.declared(), key=lambda name: (name in shared, _rank(model.info(name))))
    return [
        Row(
            name,
            model.said(name).name,
            model.info(name).category,
            model.info(name).unit,
            _default(model.info(name), "manual"),
            _default(model.info(name), "2.0"),
            model.description(name),
            model.expected(name),
            model.info(name).aliases,
        )
        for name in names
    ]


def _rank(info: Option) -> int:
    return ("required", "inferred", "optional").index(info.category)


def _default(info: Option, defaults: str) -> str:
    value: Any = info.default_of(defaults)
    if value is REQUIRED:
        return "required"
    if value is None or info.default_words == str(value):
        return info.default_words or "None"
    return str(value)


def as_records(models: tuple[type[ProcedureOptions], ...] = MODELS) -> dict[str, Any]:
    """Return procedure -> {description, options, without_effect} as plain values."""
    return {
        model.procedure: {
            "description": _purpose(model),
            "synonyms": list(model.synonyms),
            "options": [asdict(row) | {"aliases": list(row.aliases)} for row in rows(model)],
            "without_effect": dict(model.no_effect),
        }
        for model in models
    }


def as_markdown(models: tuple[type[ProcedureOptions], ...] = MODELS) -> str:
    """Return the tables as Markdown, one section a procedure."""
    parts = []
    for model in models:
        lines = [f"## {model.procedure}", "", _purpose(model), ""]
        if model.synonyms:
            lines += [f"Also called {', '.join(model.synonyms)}.", ""]
        lines += ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
        for row in rows(model):
            cells = [f"`{row.option}`", *row.cells()[1:]]
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        if model.no_effect:
            lines += [
                "",
                "Known, without effect: " + ", ".join(f"`{name}`" for name in model.no_effect) + ".",
            ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _purpose(model: type[ProcedureOptions]) -> str:
    return str(model.__doc__).strip().splitlines()[0]
