"""docs/studies/force_free.md: its ui.conf is carried out, made small, and its queries and Python are run on that."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import genarris
from databases import new_database
from documented.blocks import DOCS, blocks
from documented.commands import commands
from documented.workplace import in_folder
from leases import scaled
from mongo_shell import ask

from genarris_fw.studies.force_free.showing.published import CASES, COLUMNS

PAGE = DOCS / "studies" / "force_free.md"
# What would take minutes.
SMALLER = {
    r"^\[low_lou_field\]$": "[low_lou_field]\nshape = [8, 8, 8]",
    r"^seeds = 5$": "seeds = 2\nunits = 6\ninterior_points = 50\nboundary_points = 50\nfit_iterations = 2",
    r"^max_cpu_seconds = 60$": "max_iterations = 4",
    r"units=48": "units=6",
    r"nodes_to_fit\(potential, 6000\)": "nodes_to_fit(potential, 60)",
    r"interior=6000, boundary_points=6000": "interior=50, boundary_points=50",
    r"max_iterations=300": "max_iterations=3",
    r"max_cpu_seconds=45": "max_iterations=3",
}


def shown(language: str) -> list[str]:
    return [block.text for block in blocks(PAGE) if block.language == language]


def smaller(text: str) -> str:
    for before, after in SMALLER.items():
        text = re.sub(before, after, text, flags=re.MULTILINE)
    return text


@pytest.fixture(scope="module")
def done(mongod: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder and the database of the page's campaign."""
    folder = tmp_path_factory.mktemp("page") / "case_1"
    folder.mkdir()
    conf = smaller(shown("ini")[0]).replace("[low_lou_field]", f"lease_seconds = {scaled(5)}\n[low_lou_field]", 1)
    (folder / "ui.conf").write_text(conf + "\n[field_lines]\nseeds_along_edge = 3\n")
    with new_database(mongod) as uri:
        for command in commands(PAGE):
            if "case_1" in command.words[2:3] or "case_1/ui.conf" in command.words:
                ended = genarris(*command.words[1:], cwd=folder.parent, GENARRIS_FW_URI=uri)
                assert ended.returncode == 0, ended.stderr
        yield folder, uri


def test_the_campaign_leaves_what_the_page_says(done: tuple[Path, str]) -> None:
    folder, _ = done
    for name in re.findall(r"`(\w+/)`", PAGE.read_text().partition("| folder |")[2].partition("\n\n")[0]):
        assert any((folder / name).iterdir()), name
    assert len(list((folder / "pinn_train").glob("*.npz"))) == 4
    evaluated = {path.name for path in (folder / "pinn_evaluate").iterdir()}
    pictures = {f"{name}_low_lou.{kind}" for name in ("loss", "heights", "bottom") for kind in ("png", "svg")}
    assert evaluated == {"low_lou.csv", "low_lou.md", *pictures}


def test_the_python_of_the_page(done: tuple[Path, str]) -> None:
    folder, _ = done
    known: dict[str, object] = {}
    with in_folder(folder):
        for text in shown("python"):
            exec(compile(smaller(text), str(PAGE), "exec"), known)
    assert {path.name for path in folder.glob("*.png")} == {"lines.png", "magnetograms.png", "heights.png"}


def test_the_queries_of_the_page(done: tuple[Path, str]) -> None:
    _, uri = done
    best, layers, ends, fields = ask(uri, [text.strip() for text in shown("js")])
    assert len(best) == 4 and [one["E_m"] for one in best] == sorted((one["E_m"] for one in best), reverse=True)
    assert all(one["loss"] > 0 for one in best)
    assert [one["quasi_output"] for one in layers] == [True, False] and all(one["trainings"] == 2 for one in layers)
    assert layers[0]["least_loss"] <= layers[0]["greatest_loss"]
    assert [(one["why_ended"], one["trainings"]) for one in ends] == [("all 4 iterations are done", 4)]
    assert [(one["name"], one["kind"]) for one in fields] == [
        ("field/low_lou", "low_lou"),
        ("field/low_lou_potential", "potential"),
    ]


def test_all_that_makes_it_smaller_is_needed() -> None:
    text = "".join(shown("ini") + shown("python"))
    assert [before for before in SMALLER if not re.search(before, text, re.MULTILINE)] == []


def test_the_tables_of_the_page_are_those_of_the_paper() -> None:
    text = PAGE.read_text()
    for number, case in CASES.items():
        part = text.partition(f"<!-- table {number},")[2].partition(f"<!-- end of table {number} -->")[0]
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in part.splitlines() if line.startswith("|")]
        assert rows[0] == ["model", *COLUMNS.values(), "CPU s"]
        published = [[row.model, *(f"{value:.2f}" for value in row.values), ""] for row in case.rows]
        assert [row for row in rows[2:] if "ours" not in row[0]] == published
