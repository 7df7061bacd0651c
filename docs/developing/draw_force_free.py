"""The tables and figures of docs/studies/force_free.md, from trainings that were kept.

    python benchmarks/force_free.py --train case1 --minutes 3 --keep case1.npz
    python docs/developing/draw_force_free.py case1.npz case2.npz [--bottom case2_bottom.npz] [--curves pinn_train]

`--bottom`: case 2 trained with `--options boundary=bottom` (figure 5). `--curves`: the folder of a PINN_Train with and
without the quasi-output layer, of the paper's kind (figure 2); `--default-curves`: one with the defaults. `--figures`:
what the benchmark wrote with `--json`. All else is left as it is.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from genarris_fw.pictures import save
from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.fields.grid import PAPER_GRID
from genarris_fw.studies.force_free.fields.low_lou import low_lou_field
from genarris_fw.studies.force_free.fields.potential import potential_field
from genarris_fw.studies.force_free.judging.factors import height_factors
from genarris_fw.studies.force_free.showing import (
    CASES,
    as_markdown,
    field_line_picture,
    height_picture,
    loss_picture,
    magnetogram_picture,
    our_row,
    table,
)
from genarris_fw.studies.force_free.training.curve import COLUMNS

DOCS = Path(__file__).resolve().parents[1]
PAGE = DOCS / "studies" / "force_free.md"
FIGURES = DOCS / "figures"
GROUPS = {True: "with the quasi-output layer", False: "without"}


def kept(path: Path) -> tuple[dict[str, Any], Field]:
    """Return what a training came to, and its field."""
    with np.load(path, allow_pickle=False) as file:
        return json.loads(str(file["about"])), Field(PAPER_GRID, file["values"], {})


def draw_case(path: Path, factors: dict[str, Any]) -> None:
    """Write the row of a case, and draw its field lines and magnetograms."""
    about, found = kept(path)
    number = about["case"]
    case = CASES[number]
    reference = low_lou_field(case.n, case.m, case.l, case.phi, PAPER_GRID)
    fields = {"reference": reference, "network": found, "potential field": potential_field(reference)}
    save(field_line_picture(fields, title=case.name), FIGURES / f"force_free_lines_{number}", ["png"])
    save(magnetogram_picture(reference, found, title=case.name), FIGURES / f"force_free_magnetogram_{number}", ["png"])
    factors[f"{case.name}, network"] = height_factors(found)
    factors[f"{case.name}, reference"] = height_factors(reference)  # what differences on the grid leave of zero
    write_table(number, about)


def write_table(number: int, about: dict[str, Any]) -> None:
    """Put the table of a case between its marks on the page."""
    rows = table(number, [our_row("**ours**", about["metrics"], about["cpu_seconds"])])
    put(f"table {number}", as_markdown(rows))


def put(name: str, block: str) -> None:
    """Put a block between its marks on the page."""
    between = re.compile(rf"(<!-- {name}, .* -->\n).*(<!-- end of {name} -->)", re.S)
    text, changed = between.subn(lambda marks: f"{marks[1]}\n{block}\n{marks[2]}", PAGE.read_text())
    assert changed == 1, f"no {name} on {PAGE}"
    PAGE.write_text(text)


def write_figures(path: Path) -> None:
    """Put the figures of a benchmark's JSON on the page; CPU seconds where the figure itself is none."""
    lines = ["| figure | measured | bar |\n", "| --- | ---: | --- |\n"]
    figures = json.loads(path.read_text())["figures"]
    lines += [f"| {one['name']} | {one['value']:.6g} | {one['bar']} |\n" for one in figures]
    put("figures", "".join(lines))


def draw_curves(folder: Path, name: str, title: str) -> None:
    """Draw the losses of a run's trainings by whether they have the quasi-output layer."""
    groups: dict[str, list[Any]] = {}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as file:
            about, curve = json.loads(str(file["about"])), file["curve"]
        columns = [COLUMNS.index("iteration"), COLUMNS.index("value")]
        groups.setdefault(GROUPS[about["settings"]["quasi_output"]], []).append(curve[:, columns])
    ordered = {group: groups[group] for group in GROUPS.values() if group in groups}
    save(loss_picture(ordered, title), FIGURES / name, ["svg"])


def main() -> None:
    """Draw what is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trainings", nargs="*", type=Path, help="files of --keep")
    parser.add_argument("--bottom", type=Path)
    parser.add_argument("--curves", type=Path)
    parser.add_argument("--default-curves", type=Path)
    parser.add_argument("--figures", type=Path, help="what the benchmark wrote with --json")
    given = parser.parse_args()
    factors: dict[str, Any] = {}
    for path in given.trainings:
        draw_case(path, factors)
    if factors:
        save(height_picture(factors), FIGURES / "force_free_heights", ["svg"])
    if given.bottom:
        picture = field_line_picture({"network, the bottom alone given": kept(given.bottom)[1]}, title=CASES[2].name)
        save(picture, FIGURES / "force_free_lines_2_bottom", ["png"])
    if given.curves:
        draw_curves(given.curves, "force_free_loss", f"{CASES[1].name}, the paper's kind of loss")
    if given.default_curves:
        draw_curves(given.default_curves, "force_free_loss_defaults", f"{CASES[1].name}, the defaults")
    if given.figures:
        write_figures(given.figures)


if __name__ == "__main__":
    main()
