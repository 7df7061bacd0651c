"""The Python reference has every public name, and each says what it is; README is short."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from types import ModuleType

import pytest
from documented.blocks import DOCS, ROOT

sys.path.insert(0, str(DOCS / "_extensions"))
try:
    from public_names import constant, public, words_of
finally:
    sys.path.pop(0)

DIRECTIVE = re.compile(r"^\.\. public-names:: ([\w.]+)((?: \w+)*)$", re.M)
# The rooms that are for others, besides those whose modules are named one by one.
ROOMS = {
    *("genarris_fw", "genarris_fw.crystal", "genarris_fw.generation", "genarris_fw.lattice", "genarris_fw.descriptors"),
    *("genarris_fw.clustering", "genarris_fw.engines", "genarris_fw.pictures", "genarris_fw.catalogue"),
    *("genarris_fw.options", "genarris_fw.procedures.kit.base", "genarris_fw.comparing", "genarris_fw.energetics"),
}


def shown() -> dict[str, list[str]]:
    """Module -> the names of it in the reference."""
    found: dict[str, list[str]] = {}
    for page in sorted((DOCS / "reference").glob("*.md")):
        for module, names in DIRECTIVE.findall(page.read_text()):
            found.setdefault(module, []).extend(names.split() or public(importlib.import_module(module)))
    return found


SHOWN = shown()


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_every_public_name_of_a_room_is_in_the_reference(room: str) -> None:
    assert sorted(SHOWN[room]) == sorted(importlib.import_module(room).__all__)


def test_what_packages_may_import_is_in_the_reference() -> None:
    page = (DOCS / "developing" / "plug-in-packages.md").read_text()
    page = page[page.index("What packages may import") : page.index("All else may change")]
    stated = {
        (module, name)
        for modules, what in re.findall(r"^\| ((?:`genarris_fw[\w.]*`(?:, )?)+) \| (.*) \|$", page, re.M)
        for module in re.findall(r"`([\w.]+)`", modules)
        for name in re.findall(r"`(\w+)`", what)
        if hasattr(importlib.import_module(module), name)
    }
    assert len(stated) > 30
    objects = {id(getattr(importlib.import_module(module), name)) for module in SHOWN for name in SHOWN[module]}
    assert [one for one in sorted(stated) if id(getattr(importlib.import_module(one[0]), one[1])) not in objects] == []


@pytest.mark.parametrize("module", sorted(SHOWN))
def test_every_name_says_what_it_is(module: str) -> None:
    found = importlib.import_module(module)
    assert found.__doc__
    assert [name for name in SHOWN[module] if not is_described(found, name)] == []


def is_described(module: ModuleType, name: str) -> bool:
    """Whether a function or class, and the public methods that it defines, have docstrings; of a constant a comment."""
    value = getattr(module, name)
    if inspect.isclass(value):
        own = {key: part for key, part in vars(value).items() if key[0] != "_" and inspect.isfunction(part)}
        own = {key: part for key, part in own.items() if part.__name__ == key}  # no default that is a function
        inherits = {key for base in value.__mro__[1:] for key in vars(base)}
        return bool(value.__doc__) and all(part.__doc__ or key in inherits for key, part in own.items())
    if callable(value) or name in ("__version__", "REQUIRED"):
        return bool(value.__doc__)
    return bool(constant(module.__name__, name)) or bool(words_of(value))


def test_the_readme_is_short_and_has_a_picture() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 80
    [picture] = re.findall(r"^!\[[^\]]+\]\(([\w/.]+)\)$", text, re.M)
    assert (ROOT / picture).is_file()
