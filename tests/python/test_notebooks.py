"""The notebooks of examples/notebooks are carried out, cell by cell, beside a finished run."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import nbformat
import pytest
from command import EXAMPLES, genarris
from databases import new_database

import genarris_fw as gfw

# As Sphinx loads it.
_spec = spec_from_file_location("notebook_pages", EXAMPLES.parent / "docs" / "_extensions" / "notebook_pages.py")
assert _spec is not None and _spec.loader is not None
notebook_pages = module_from_spec(_spec)
_spec.loader.exec_module(notebook_pages)

# The demo in seconds: two groups, few draws.
SMALL = {
    r"^space_groups = .*": "space_groups = [113, 4]",
    r"^stop = .*": "stop = draws\ndraws = 60",
    r"^lowest = .*": "lowest = 3",
}
NOTEBOOKS = sorted((EXAMPLES / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def finished(mongod: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder with the examples and a finished run in ``runs/urea``, and the database of the run."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(EXAMPLES, folder / "examples")
    run = folder / "runs" / "urea"
    shutil.copytree(EXAMPLES / "urea", run)
    text = (run / "ui.conf").read_text(encoding="utf-8")
    for line, other in SMALL.items():
        text, changed = re.subn(line, other, text, flags=re.M)
        assert changed == 1, line
    (run / "ui.conf").write_text(text, encoding="utf-8")
    with new_database(mongod) as uri:
        done = genarris("run", "ui.conf", "--workers", "1", cwd=run, GENARRIS_FW_URI=uri)
        assert done.returncode == 0, done.stderr
        yield folder, uri


def shown(cells: nbformat.NotebookNode, beginning: str) -> dict[str, str]:
    """What the cell that begins so shows, by kind."""
    [cell] = [cell for cell in cells.cells if cell.cell_type == "code" and cell.source.startswith(beginning)]
    return {kind: data for output in cell.outputs for kind, data in output.get("data", {}).items()}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_stored_without_outputs(notebook: Path) -> None:
    cells = nbformat.read(notebook, as_version=4)
    nbformat.validate(cells)
    code = [cell for cell in cells.cells if cell.cell_type == "code"]
    assert code and all(not cell.outputs and cell.execution_count is None for cell in code)


def test_a_run_in_a_notebook(finished: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder, uri = finished
    monkeypatch.setenv("GENARRIS_FW_URI", uri)
    place = folder / "examples" / "notebooks"
    cells = notebook_pages.executed(EXAMPLES / "notebooks" / "a_run_in_a_notebook.ipynb", place)
    assert "run urea: finished" in shown(cells, "import genarris_fw as gfw\n\nrun")["text/html"]
    assert "image/png" in shown(cells, "run.landscape")
    assert "rank 1, 0.00 kJ/mol above the lowest" in shown(cells, "found = ")["text/plain"]
    assert "'P-42_1m'" in shown(cells, "from pymatgen")["text/plain"]
    assert list((place / "lowest").glob("*.cif"))
    code = [cell for cell in cells.cells if cell.cell_type == "code"]
    assert not [one for cell in code for one in cell.outputs if one.get("name") == "stderr"], "no warnings"
    page = notebook_pages.page_of(cells, tmp_path, "made")
    assert (
        page.startswith("# A run in a notebook") and "<td>crystal_search</td>" in page and "```python\nimport" in page
    )
    [picture] = re.findall(r"^!\[.*\]\((made_\d+\.png)\)$", page, re.M)
    assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")


def test_science_without_a_database(finished: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GENARRIS_FW_URI", raising=False)
    place = finished[0] / "examples" / "notebooks"
    cells = notebook_pages.executed(EXAMPLES / "notebooks" / "science_without_a_database.ipynb", place)
    assert "rank 1, 0.00 kJ/mol above the lowest, RMSD_15 0.13" in shown(cells, "measured = ")["text/plain"]
    assert "image/png" in shown(cells, "from genarris_fw.units")


def nearly(number: str) -> float:
    """The last digits of an overlay depend on where the numbers lie in memory."""
    return round(float(number), 9)


def test_the_comparison_is_that_of_the_command(finished: tuple[Path, str]) -> None:
    folder, uri = finished
    said = genarris("compare", "--pool", "minima", "--json", cwd=folder / "runs" / "urea", GENARRIS_FW_URI=uri)
    told = json.loads(said.stdout, parse_float=nearly)
    with gfw.open(folder / "runs" / "urea", uri=uri) as run:
        found = json.loads(json.dumps(run.compare(pool="minima").to_dict()), parse_float=nearly)
        assert {name: told[name] for name in found} == found
        assert run.experiment is not None and run.state == "finished"
        starred = run.landscape("minima").axes[0].get_legend().get_texts()
        assert "experiment" in [text.get_text() for text in starred]
