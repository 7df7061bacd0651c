"""What installed packages bring, and what can be wrong with them, of any kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from installed_packages import Package, installed

from genarris_fw.declaring.door import DOORS, FORMATS, POTENTIALS, Door
from genarris_fw.errors import InputError

THINGS = Door("genarris_fw.things", "thing")


def package(name: str, text: str = "THING = 1\n", thing: str = "one", **more: str) -> Package:
    return Package(name, {f"{name}.py": text}, {"genarris_fw.things": {thing: f"{name}:THING"}}, **more)


def test_ours_come_by_the_same_door_and_can_all_be_used() -> None:
    found = {door.group: door.names() for door in DOORS if door.names()}
    assert {"genarris_fw.pictures", "genarris_fw.formats", "genarris_fw.exports", "genarris_fw.potentials"} <= set(
        found
    )
    for door in DOORS:
        assert door.problems() == [] and all(door.is_ours(name) for name in door.names())


def test_a_package_is_there_while_it_is_installed(tmp_path: Path) -> None:
    assert THINGS.names() == []
    with installed(tmp_path, package("mine", version="1.2")):
        assert THINGS.names() == ["one"]
        assert (THINGS.load("one"), THINGS.package("one"), THINGS.version("one")) == (1, "mine", "mine 1.2")
        assert not THINGS.is_ours("one") and THINGS.problems() == []
        with pytest.raises(InputError, match=r"unknown thing 'ona' \(did you mean 'one'\?\); installed: one"):
            THINGS.load("ona")
    assert THINGS.names() == []


def test_what_is_wrong_with_a_package_is_said_and_stops_nothing_else(tmp_path: Path) -> None:
    packages = (
        package("good", thing="good"),
        package("broken", "import no_such_module\n", "broken"),
        package("leaving", "raise SystemExit(3)\n", "leaving"),
        package("twice_a", thing="twice"),
        package("twice_b", thing="twice"),
        package("newer", thing="newer", interface="2"),
        package("typed", thing="typed"),
    )
    with installed(tmp_path, *packages):
        assert THINGS.working() == {"good": 1, "typed": 1}
        expected = {
            "broken": "package 'broken' cannot be loaded (ModuleNotFoundError: No module named 'no_such_module')",
            "leaving": "package 'leaving' cannot be loaded (SystemExit: 3)",
            "twice": "brought by two packages, 'twice_a' and 'twice_b': uninstall one of them",
            "newer": "package 'newer' was made for interface 2 of genarris_fw, and this version has interface 1",
        }
        lines = THINGS.problems()
        assert len(lines) == len(expected) and all("\n" not in line for line in lines)
        for name, words in expected.items():
            [line] = [line for line in lines if line.startswith(f"thing '{name}'")]
            assert words in line
            with pytest.raises(InputError) as caught:
                THINGS.load(name)
            assert str(caught.value) == line
        for name in ("twice", "newer"):
            with pytest.raises(InputError):
                THINGS.check(name)
        THINGS.check("broken")  # nothing is imported
        with pytest.raises(InputError, match=r"'typed' registers a int, where builtins\.str is expected"):
            THINGS.load_as("typed", str)
        assert THINGS.load_as("typed", int) == 1
        assert len(THINGS.problems(str)) == 6


def test_what_a_foreign_package_raises_is_blamed_on_it(tmp_path: Path) -> None:
    with installed(tmp_path, package("mine")):
        words = r"^file: thing 'one' of package 'mine' failed \(KeyError: 'x'\)$"
        with pytest.raises(InputError, match=words), THINGS.blaming("one", "file: "):
            raise KeyError("x")
        with pytest.raises(InputError, match=r"^its own words$"), THINGS.blaming("one"):
            raise InputError("its own words")
    with pytest.raises(KeyError), POTENTIALS.blaming("checked_cp2k"):
        raise KeyError("a fault of ours is not hidden")


def test_short_forms(tmp_path: Path) -> None:
    assert FORMATS.short_forms() == {"geo": "geometry"}
    points = {"genarris_fw.things": {"long_name": "mine:A", "ln": "mine:A", "other": "mine:B"}}
    with installed(tmp_path, Package("mine", {"mine.py": "A = B = 1\n"}, points)):
        assert THINGS.short_forms() == {"ln": "long_name"}
