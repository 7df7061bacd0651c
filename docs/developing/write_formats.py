"""Write the table of docs/files.md that says what each format holds, from the formats themselves.

    python docs/developing/write_formats.py

replaces what stands between the two marks; tests/test_files_page.py says when that is old.
"""

from __future__ import annotations

from pathlib import Path

from genarris_fw.crystal import PoolFormat, StructureFormat
from genarris_fw.crystal.file_format import Holds
from genarris_fw.crystal.formats.registry import KnownFormat, find_format, writable
from genarris_fw.declaring.door import EXPORTS, FORMATS

PAGE = Path(__file__).parents[1] / "files.md"
BEGIN = "<!-- made by docs/developing/write_formats.py: change the formats, not this table -->\n"
END = "<!-- the end of what is made -->\n"
PROPERTIES = {"all": "all", "plain": "numbers and texts", "some": "those it knows", "none": "none"}


def table() -> str:
    """Return what stands between the marks."""
    short = FORMATS.short_forms() | EXPORTS.short_forms()
    lines = [
        "",
        "| format | file | geometry | molecules | struct_id | properties | group | read by import |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [_row(find_format(name)) for name in writable() if name not in short]
    return "\n".join([*lines, "", ""])


def _row(known: KnownFormat) -> str:
    kind = known.kind
    assert isinstance(kind, StructureFormat | PoolFormat)
    assert kind.holds is not None
    holds: Holds = kind.holds
    if isinstance(kind, PoolFormat):
        file = f"`POOL{kind.ending}`"
    else:
        file = ", ".join(f"`ID{ending}`" for ending in kind.write)
    crystal = "" if holds.oriented else ", its cell by lengths and angles"
    places = "none" if holds.geometry is None else f"{_digits(holds.geometry)}{crystal}"
    cells = [
        f"`{known.name}`",
        file,
        places,
        "yes" if kind.molecules else "no",
        "yes" if holds.ids else "by the file's name",
        PROPERTIES[holds.properties],
        "yes" if holds.group else "no",
        "yes" if _is_read(known) else "no",
    ]
    return f"| {' | '.join(cells)} |"


def _digits(places: float) -> str:
    return "all digits" if not places else f"within {places:.0e} Å".replace("e-0", "e-")


def _is_read(known: KnownFormat) -> bool:
    """Whether import reads such files, perhaps by another format: those of ASE's database, of cif."""
    return known.kind.is_read or known.name in ("ase_db", "both", "cif_standard")


def page(text: str) -> str:
    """Return the page with the table of now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table() + END + after


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
