"""The sections of ui.conf: those of a whole run, and of the procedures that installed packages register."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from genarris_fw.declaring.door import OPTIONS, PROCEDURES, remembered
from genarris_fw.errors import InputError
from genarris_fw.options.base import ProcedureOptions
from genarris_fw.options.experimental_structure import ExperimentalStructureOptions
from genarris_fw.options.master import MasterOptions

# The sections that are no procedure's.
OF_THE_RUN: tuple[type[ProcedureOptions], ...] = (MasterOptions, ExperimentalStructureOptions)


@remembered
def models() -> tuple[type[ProcedureOptions], ...]:
    """Return the models of all sections: those of the run first, then in the order of the workflow."""
    found = [model for name, model in OPTIONS.working().items() if name in PROCEDURES.names()]
    return (*OF_THE_RUN, *in_order(found))


@remembered
def by_name() -> dict[str, type[ProcedureOptions]]:
    """Return every name of a section, in lower case -> its model."""
    return {name.lower(): model for model in models() for name in (model.procedure, *model.synonyms)}


def named(name: str) -> type[ProcedureOptions] | None:
    """Return the model of a section by any of its names, whatever the case; None for an unknown one.

    Others are imported only for a name that nobody has registered: it may be a synonym.
    """
    lower = name.lower()
    for of_the_run in OF_THE_RUN:
        if lower == of_the_run.procedure.lower():
            return of_the_run
    known = next((known for known in OPTIONS.names() if known.lower() == lower), "")
    if known and known in PROCEDURES.names():
        with suppress(InputError):
            model: type[ProcedureOptions] = OPTIONS.load(known)
            if model.procedure == known:
                return model
    return by_name().get(lower)


def in_order(found: Iterable[type[ProcedureOptions]]) -> list[type[ProcedureOptions]]:
    """Return models of procedures in the order of the workflow."""
    return sorted(found, key=lambda model: (model.order, model.procedure))


def spellings() -> list[str]:
    """Return all names that a procedure may be called by in ui.conf."""
    return [name for model in models() if model not in OF_THE_RUN for name in (model.procedure, *model.synonyms)]


def why_unusable(name: str) -> str:
    """Return why a registered procedure cannot be used here; empty for a usable one, and for one nobody registers."""
    for known in (*PROCEDURES.names(), *OPTIONS.names()):
        if known.lower() != name.lower():
            continue
        try:
            if known not in OPTIONS.names():
                return f"procedure '{known}': package '{PROCEDURES.package(known)}' registers no options of it"
            if known not in PROCEDURES.names():
                return f"procedure '{known}': package '{OPTIONS.package(known)}' registers options of it alone"
            OPTIONS.load(known)
            PROCEDURES.path(known)
        except InputError as error:
            return str(error)
    return ""
