"""Which procedures there are: the entry points of the group ``genarris_fw.procedures``."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from genarris_fw.errors import InputError
from genarris_fw.procedures.base import Procedure

GROUP = "genarris_fw.procedures"


@cache
def procedure_class(name: str) -> type[Procedure]:
    """Return the class of a procedure by its name in ``ui.conf``.

    Raises
    ------
    InputError
        When no installed package registers it.
    """
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        raise InputError(f"no procedure '{name}'; installed: {', '.join(sorted(found))}")
    loaded: type[Procedure] = found[name].load()
    return loaded
