"""A directive that describes the public names of a module from their docstrings.

    .. public-names:: genarris_fw.crystal
    .. public-names:: genarris_fw.declaring.option option derived

They are those that are named, else those in its ``__all__``, else what it defines without an underscore.
"""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, ClassVar, get_args, get_origin

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from genarris_fw.declaring.types import Said

LONGEST = 90


class PublicNames(SphinxDirective):
    """Functions and classes as autodoc shows them; of a type of options what it takes; of all else the value."""

    required_arguments = 1
    optional_arguments = 100
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        """Return what the directives of autodoc make of the names."""
        module, *chosen = self.arguments
        found = importlib.import_module(module)
        lines = [f".. py:module:: {module}", ""]
        for name in chosen or public(found):
            lines += [*_directive(module, name, getattr(found, name)), ""]
        parent = nodes.container()
        self.state.nested_parse(StringList(lines, source=self.get_source_info()[0]), self.content_offset, parent)
        return parent.children


def public(module: ModuleType) -> list[str]:
    """Return the public names of a module."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, value in vars(module).items()
        if name[0] != "_" and (getattr(value, "__module__", "") == module.__name__ or words_of(value))
    ]


def _directive(module: str, name: str, value: Any) -> list[str]:
    if words := words_of(value):
        return [f".. py:data:: {name}", "", f"   Takes {words}."]
    if (room := _room(value)) and room != module:
        return [f".. py:data:: {name}", "", f"   The same as :py:obj:`{room}.{name}`."]
    if inspect.isclass(value):
        return [f".. autoclass:: {module}.{name}", "   :members:"]
    if callable(value):
        return [f".. autofunction:: {module}.{name}"]
    shown = repr(value)
    value_line = [f"   :value: {shown}"] if len(shown) <= LONGEST else []
    return [f".. py:data:: {name}", *value_line, "", f"   {constant(module, name)}"]


def constant(module: str, name: str) -> str:
    """Return what the comment at a constant says, above it or behind it; empty for none."""
    file = Path(str(importlib.import_module(module).__file__))
    for path in sorted(file.parent.rglob("*.py")) if file.stem == "__init__" else [file]:
        found = re.search(rf"((?:^# .*\n)*)^{name}\b(?::| = ).*?(?:  # (.*))?$", path.read_text(), re.MULTILINE)
        if found and (found[1] or found[2]):
            text = found[2] or " ".join(line.removeprefix("# ") for line in found[1].splitlines())
            return text[0].upper() + text[1:].rstrip(".") + "."
    return ""


def _room(value: Any) -> str:
    """Return the room that has a function or class among its own public names: a package right below ours."""
    package, _, rest = str(getattr(value, "__module__", "")).partition(".")
    room = f"{package}.{rest.partition('.')[0]}"
    if package != "genarris_fw" or not rest:
        return ""
    found = importlib.import_module(room)
    return room if getattr(value, "__name__", "") in getattr(found, "__all__", ()) else ""


def words_of(value: Any) -> str:
    """Return what a type of options takes; empty for all else."""
    if get_origin(value) is not Annotated:
        return ""
    return next((mark.words for mark in get_args(value)[1:] if isinstance(mark, Said)), "")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("public-names", PublicNames)
    return {"parallel_read_safe": True}
