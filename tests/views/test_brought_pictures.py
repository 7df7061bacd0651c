"""Pictures of other packages, among ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import call
from how_to_pages import package_of
from installed_packages import Package, installed
from small_run import RUN

from genarris_fw.catalogue import Catalogue
from genarris_fw.declaring.door import PICTURES
from genarris_fw.views.drawing import pool_pictures

OURS = [
    "volumes",
    "densities",
    "space_groups",
    "energy_landscape",
    "map_by_cluster",
    "distances_by_cluster",
    "overview",
]
TEXT = """
from matplotlib.figure import Figure
from genarris_fw.errors import InputError
from genarris_fw.pictures import PoolPicture, histogram

def drawn(pool):
    return histogram(pool.sets(pool.property("a"), "length"), "a")

def lacking(pool):
    raise InputError("no crystal is blue")

def failing(pool):
    return pool.colour

FIRST = PoolPicture(draw=drawn, order=5)
SECOND = PoolPicture(draw=drawn, order=15)
LATE = PoolPicture(draw=drawn, called=lambda pool: f"late_of_{pool.name}")
NONE = PoolPicture(draw=drawn, called=lambda pool: "")
LACKING = PoolPicture(draw=lacking)
FAILING = PoolPicture(draw=failing)
WITHOUT = PoolPicture(draw=lambda pool: None)
UNDRAWABLE = PoolPicture(draw=lambda pool: Figure().text(0, 0, "$\\\\frac{$").figure)
SAME = PoolPicture(draw=drawn, called=lambda pool: "overview")
"""


def brought(name: str, *pictures: str, text: str = TEXT, **more: str) -> Package:
    points = {"genarris_fw.pictures": {picture: f"{name}:{picture.upper()}" for picture in pictures}}
    return Package(name, {f"{name}.py": text}, points, **more)


def test_every_picture_of_ours_is_drawn_where_its_file_says() -> None:
    for name in PICTURES.names():
        assert PICTURES.path(name).startswith(f"genarris_fw.pictures.of_pools.{name}.")


def test_the_page_on_adding_a_picture(
    catalogue: Catalogue, database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with installed(tmp_path, package_of("add-a-picture.md")):
        done = call(capsys, "pictures", RUN, "--pool", "raw", "--format", "svg", "--output", out, "--uri", database_uri)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"pool 'raw' of run 'urea': {len(OURS) + 1} pictures in {out}\n"
    assert "longest / shortest cell length" in (out / "raw_elongation.svg").read_text()


def test_pictures_stand_in_their_order_and_may_name_themselves(catalogue: Catalogue, tmp_path: Path) -> None:
    with installed(tmp_path, brought("mine", "late", "second", "first", "none")):
        pictures = pool_pictures(catalogue, RUN, "raw", tmp_path / "out", ["svg"])
    assert [picture.name for picture in pictures] == ["first", "volumes", "second", *OURS[1:], "late_of_raw"]
    assert all(picture.files and picture.files[0].is_file() for picture in pictures)


def test_what_cannot_be_drawn_is_left_out_and_the_rest_is_drawn(catalogue: Catalogue, tmp_path: Path) -> None:
    packages = (
        brought("mine", "lacking", "failing", "without", "undrawable", "same"),
        brought("broken", "broken", text="1 / 0\n"),
        brought("newer", "newer", interface="7"),
        brought("one", "overview_too"),
        brought("two", "overview_too"),
        brought("wrong", "wrong", text="WRONG = print\n"),
    )
    with installed(tmp_path, *packages):
        pictures = pool_pictures(catalogue, RUN, "raw", tmp_path / "out", ["svg"])
    assert [picture.name for picture in pictures if picture.files] == OURS
    reasons = {picture.name: picture.left_out for picture in pictures if not picture.files}
    assert reasons.pop("lacking") == "no crystal is blue"
    assert reasons.pop("overview") == "another picture has this name"
    for name, words in {
        "failing": "of package 'mine' failed (AttributeError: 'PoolData' object has no attribute 'colour')",
        "without": "of package 'mine' failed (TypeError: it drew no Figure but a NoneType)",
        "undrawable": "of package 'mine' failed (ValueError: ",
        "broken": "package 'broken' cannot be loaded (ZeroDivisionError: division by zero)",
        "newer": "package 'newer' was made for interface 7 of genarris_fw",
        "overview_too": "is brought by two packages, 'one' and 'two'",
        "wrong": "package 'wrong' registers a builtin_function_or_method, where genarris_fw.pictures.of_pools",
    }.items():
        assert words in reasons.pop(name)
    assert reasons == {}
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(f"raw_{name}.svg" for name in OURS)
