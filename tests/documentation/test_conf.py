"""What pages show of a ui.conf is read: its sections and options are known, its values taken."""

from __future__ import annotations

import re

import pytest
from documented.blocks import PAGES, Block, blocks

from genarris_fw.declaring.option import Declared
from genarris_fw.options.problems import Remarks
from genarris_fw.options.reading import read_text
from genarris_fw.options.registered import named
from genarris_fw.options.sections import match_section

# Options without a section: those of an engine, of a relaxation.
ANY = "run_fhi_aims_batch"
LANGUAGES = ("ini", "conf", "cfg")
SECTION = re.compile(r"^\[(\w+)\]$", re.M)


def is_conf(block: Block) -> bool:
    """Whether a block is a part of a ui.conf; how-to pages show those of packages, which have tests of their own."""
    header = SECTION.search(block.text)
    begins = block.text.lstrip().startswith("[") and header is not None and match_section(header[1]) is not None
    return (block.language in LANGUAGES or (not block.language and begins)) and "docs/developing/" not in block.page


SHOWN = [block for page in PAGES for block in blocks(page) if is_conf(block)]


def wrong(text: str) -> list[str]:
    """What is wrong with a part of a ui.conf."""
    remarks = Remarks("ui.conf")
    found = []
    for section in read_text(text if SECTION.search(text) else f"[{ANY}]\n{text}", remarks):
        matched = match_section(section.name)
        if matched is None:
            found.append(f"no section {section.name}")
            continue
        for entry in section.entries:
            found += wrong_option(matched[0], entry.name, entry.text)
    return [*found, *(message for _, message in remarks.problems)]


def wrong_option(model: type[Declared], name: str, text: str) -> list[str]:
    option = model.names().get(name.lower())
    if option is None:
        return [f"no option {name} in {model.__name__}"]
    try:
        model.read(option, text)
    except ValueError as error:
        return [str(error)]
    return []


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: block.name)
def test_a_part_of_a_ui_conf_is_read(block: Block) -> None:
    assert wrong(block.text) == []


def test_they_are_found_and_what_is_wrong_is_noticed() -> None:
    assert len(SHOWN) > 8 and {"docs/prediction.md", "docs/engines.md"} <= {block.page for block in SHOWN}
    assert wrong("[crystal_search]\nZ = two\nwindwo = 3\n[crystal_serch]\n") == [
        "Z: expected " + expected("crystal_search", "Z"),
        "no option windwo in CrystalSearchOptions",
        "no section crystal_serch",
    ]


def expected(section: str, option: str) -> str:
    model = named(section)
    assert model is not None
    return model.expected(option)
