"""What docs/files.md quotes of messages is what the program says; what formats hold is what they declare."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = "\n".join(file.read_text() for file in (ROOT / "genarris_fw").rglob("*.py"))
TABLE = (ROOT / "docs" / "files.md").read_text().partition("\n## My file is refused\n")[2].partition("\n## ")[0]
QUOTED = [
    part.strip()
    for line in re.findall(r"^\| (`.*?) \|", TABLE, re.MULTILINE)
    for message in re.findall(r"`([^`]+)`", line)
    for part in re.split(r"\.\.\.|\bX\b|gzip", message)
    if len(part.strip(" ,():;")) > 3
]


@pytest.mark.parametrize("part", dict.fromkeys(QUOTED))
def test_a_message_is_one_of_the_program(part: str) -> None:
    joined = re.sub(r"\"\s*\n\s*f?\"", "", SOURCES)
    assert part.strip(" ,():;") in joined


def test_the_table_of_formats_is_that_of_now() -> None:
    program = runpy.run_path(str(ROOT / "docs" / "developing" / "write_formats.py"))
    page = (ROOT / "docs" / "files.md").read_text()
    assert page == program["page"](page), "python docs/developing/write_formats.py"
    assert "| `cif_standard` | `ID.standard.cif` | within 1e-2 Å" in page
