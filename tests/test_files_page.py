"""What docs/files.md quotes of messages is what the program says."""

import re
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
