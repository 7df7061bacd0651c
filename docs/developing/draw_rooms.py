"""The picture of docs/architecture.md: the rooms in their layers, and who imports whom, counted from the code.

python docs/developing/draw_rooms.py [--out docs/figures]

The layers are those of pyproject.toml, which ``make lint`` holds. Needs matplotlib.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "genarris_fw"
KERNELS = f"{PACKAGE}._kernels"  # each is of one room, whose compiled part it is
# The modules that lie in no room are one box: nearly everybody imports them, and they import nearly nothing.
GROUND = "ground floor"
COLORS = {"science": ("#c6f6d5", "#2f855a"), "house": ("#bee3f8", "#2b6cb0"), "ground": ("#e2e8f0", "#718096")}
WIDTH, HEIGHT = 2.9, 0.84


def contract(name: str) -> dict[str, Any]:
    """Return a contract of pyproject.toml by its name."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [found] = [contract for contract in contracts if contract["name"] == name]
    return dict(found)


def layers() -> list[str]:
    """Return the rooms from the top down; the ground floor is the last."""
    named = [room.strip() for layer in contract("rooms look down")["layers"] for room in layer.split("|")]
    return [*(room for room in named if (ROOT / PACKAGE / room).is_dir()), GROUND]


def science() -> set[str]:
    """Return the rooms that know neither database nor farm."""
    modules = contract("the science knows neither database nor farm")["source_modules"]
    return {module.rpartition(".")[2] for module in modules}


def room_of(module: str, rooms: set[str]) -> str:
    """Return the room of a module's dotted name."""
    first = module.split(".")[1]
    return first if first in rooms else GROUND


def imported(source: Path) -> Iterator[str]:
    """Yield the modules of ours that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            yield from (f"{PACKAGE}.{name.name}" for name in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE}."):
            yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.startswith(f"{PACKAGE}."))


def arrows(rooms: set[str]) -> Counter[tuple[str, str]]:
    """Return (room, imported room) -> number of import statements."""
    found: Counter[tuple[str, str]] = Counter()
    for source in (ROOT / PACKAGE).glob("*/**/*.py"):
        room = room_of(".".join(source.relative_to(ROOT).with_suffix("").parts), rooms)
        others = (module for module in imported(source) if not module.startswith(KERNELS))
        found.update((room, room_of(module, rooms)) for module in others)
    return Counter({pair: number for pair, number in found.items() if pair[0] != pair[1]})


def size(room: str) -> str:
    """Return how many files and lines a room has."""
    sources = list((ROOT / PACKAGE).glob("*.py" if room == GROUND else f"{room}/**/*.py"))
    lines = sum(len(source.read_text().splitlines()) for source in sources)
    return f"{len(sources)} files, {lines:,} lines"


def box(axes: Axes, room: str, at: int) -> None:
    """Draw a room at its place of the staircase."""
    fill, edge = COLORS["ground" if room == GROUND else "science" if room in science() else "house"]
    corner = (at - WIDTH, -at - HEIGHT / 2)
    style = "round,pad=0,rounding_size=0.12"
    axes.add_patch(FancyBboxPatch(corner, WIDTH + 0.45, HEIGHT, boxstyle=style, fc=fill, ec=edge, lw=1.4, zorder=3))
    middle = at - WIDTH / 2 + 0.22
    axes.text(middle, -at + 0.15, room, ha="center", va="center", fontsize=11, weight="bold", zorder=4)
    axes.text(middle, -at - 0.2, size(room), ha="center", va="center", fontsize=7.5, color="#2d3748", zorder=4)


def draw(out: Path) -> None:
    """Draw the rooms into ``rooms.svg``; fail where one looks up."""
    order = layers()
    counted = arrows(set(order) - {GROUND})
    most = max(counted.values())
    figure = Figure(figsize=(11.5, 9.2))
    axes = figure.add_axes((0.005, 0.005, 0.99, 0.99))
    for (room, other), number in counted.items():
        row, column = order.index(room), order.index(other)
        assert row < column, f"{room} looks up to {other}"
        strength = 0.12 + 0.88 * (number / most) ** 0.5
        axes.add_patch(Rectangle((column - 0.42, -row - 0.42), 0.84, 0.84, fc=colormaps["Oranges"](0.8 * strength)))
        axes.text(column, -row, str(number), ha="center", va="center", fontsize=9.5)
    for at, room in enumerate(order):
        axes.plot([at + 0.45, len(order) - 0.5], [-at - 0.5] * 2, color="#e2e8f0", lw=0.8, zorder=0)
        axes.plot([at + 0.5] * 2, [0.5, -at + 0.4], color="#e2e8f0", lw=0.8, zorder=0)
        box(axes, room, at)
    about = (
        "A room imports those below it, never one above:\n"
        "the number is of import statements from the room of the row\n"
        "into the room at the foot of the column.\n\n"
        "green: science, which knows neither database nor farm"
    )
    axes.text(-WIDTH, -len(order) + 1.2, about, ha="left", va="bottom", fontsize=11, color="#2d3748", linespacing=1.5)
    axes.set_xlim(-WIDTH - 0.2, len(order) - 0.4)
    axes.set_ylim(-len(order) + 0.4, 0.6)
    axes.axis("off")
    with rc_context({"svg.hashsalt": "rooms"}):  # the same file of the same code
        figure.savefig(out / "rooms.svg", metadata={"Date": None})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draw the rooms.")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "figures")
    draw(parser.parse_args().out)
