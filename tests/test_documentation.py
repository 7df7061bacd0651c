"""What the documentation says of the code's layout is so."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "genarris_fw"
ROOMS = sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file() and path.name[0] != "_")


def test_the_rooms_are_drawn_and_none_looks_up(tmp_path: Path) -> None:
    drawing = runpy.run_path(str(DOCS / "developing" / "draw_rooms.py"))
    assert sorted(drawing["layers"]()) == sorted([*ROOMS, drawing["GROUND"]])
    counted = drawing["arrows"](set(ROOMS))
    assert counted["procedures", "options"] > 0 and counted["cli", "farm"] > 0
    drawing["draw"](tmp_path)  # fails where a room looks up
    assert (tmp_path / "rooms.svg").stat().st_size > 10_000


def test_every_room_and_module_of_the_ground_floor_is_in_the_list() -> None:
    page = (DOCS / "architecture.md").read_text()
    listed = page[page.index("    genarris_fw/\n") : page.index("![The rooms")]
    assert [room for room in ROOMS if not re.search(rf"^      {room}/ ", listed, re.M)] == []
    modules = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")
    [floor] = re.findall(r"^      (errors [a-z ]+): the ground floor$", listed, re.M)
    assert sorted(floor.split()) == modules


@pytest.mark.parametrize("path", re.findall(r"`(\w+/[\w/]+\.py)`", (DOCS / "architecture.md").read_text()))
def test_a_file_that_the_page_on_architecture_names_is_there(path: str) -> None:
    assert any((folder / path).is_file() for folder in (ROOT, PACKAGE))
