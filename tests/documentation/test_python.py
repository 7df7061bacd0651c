"""Blocks of Python on the pages are run as they stand, page by page, beside a finished run of urea."""

from __future__ import annotations

import os
import re
from unittest import mock

import pytest
from documented.blocks import PAGES, Block, blocks
from documented.elsewhere import PYTHON
from documented.workplace import MOLECULES, Workplace, in_folder, put_file

from genarris_fw.crystal import Structure, read_folder

# What takes long is made smaller.
SMALLER = {
    'method="GFN1-xTB")': 'method="GFN1-xTB", max_steps=2)',
    "lattice.electrostatics(molecule)": 'lattice.electrostatics(molecule, "GFN2")',
    "model, window=10.0)": "model, [113], window=3.0, max_cpu_seconds=1.0)",
}
# The blocks of how-to pages that are a file begin with its name: they are run with the package that the page shows.
_FILE = re.compile(r"# [\w/.-]+\.py\n")

pytestmark = pytest.mark.xdist_group("documentation")


def is_python(block: Block) -> bool:
    """Whether a block is Python to be run here."""
    begins = not block.language and block.text.startswith(("import ", "from "))
    return (block.language == "python" or begins) and not _FILE.match(block.text) and block.page not in PYTHON


SHOWN: dict[str, list[Block]] = {}
for page in PAGES:
    for block in filter(is_python, blocks(page)):
        SHOWN.setdefault(block.page, []).append(block)


@pytest.mark.parametrize("page", SHOWN)
def test_the_python_of_a_page(page: str, workplace: Workplace) -> None:
    """A page's blocks are one program; what it takes for granted are crystals of urea."""
    for name in ("my_folder", "runs/urea"):
        (workplace.folder / name).parent.mkdir(exist_ok=True)
        (workplace.folder / name).symlink_to(workplace.folder)
    for name in (*MOLECULES, "measured.cif", "mine.cif"):
        put_file(name, workplace.folder)
    pool = read_folder(workplace.folder / "minima")
    known = {"structure": dry_ice(), "crystal": pool[0], "pool": pool}
    with in_folder(workplace.folder), mock.patch.dict(os.environ, workplace.variables()):
        for block in SHOWN[page]:
            text = block.text
            for before, after in SMALLER.items():
                text = text.replace(before, after)
            exec(compile("\n" * (block.line - 1) + text, page, "exec"), known)
    workplace.restore()


def dry_ice() -> Structure:
    """A small crystal, for an engine."""
    return Structure([[4.0, 0, 0], [0, 4.0, 0], [0, 0, 5.5]], ["C", "O", "O"], [[0, 0, 0], [0, 0, 1.16], [0, 0, -1.16]])


def test_they_are_found_and_everything_that_makes_them_smaller_is_needed() -> None:
    assert {"README.md", "docs/prediction.md", "docs/experiment.md"} <= set(SHOWN)
    texts = "".join(block.text for found in SHOWN.values() for block in found)
    assert [before for before in SMALLER if before not in texts] == []
