"""The pages on moving from Genarris 2 and 3: their tables are those of the code, what they name is there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from documented.blocks import DOCS

from genarris_fw.options.genarris3.documented import SYNONYMS, TASKS_WITHOUT, TRANSLATED, WITHOUT
from genarris_fw.options.genarris3.translation import METHODS
from genarris_fw.options.names import REPLACED
from genarris_fw.options.registered import models, spellings

MOVING = runpy.run_path(str(DOCS / "developing" / "write_moving.py"))
PAGES = MOVING["PAGES"]
# Names that are no options: properties, tasks and their parts, words of what stands beside.
OTHERS = {
    *(
        "ap_cluster",
        "next_step",
        "cell_vol",
        "unit_cell_volume",
        "struct_id",
        "calculator_settings",
        "experimental_structure",
    ),
    *("rigid_press", "symm_rigid_press", "crystal_generation", "structure_matcher", "minibatch_kmeans"),
    *("ap_center", "ap_window", "kmeans_center", "kmeans_window", "maceoff", "bfgs_", "lbfgs_", "prop_", "spg_bar_"),
}


def known() -> set[str]:
    names = {name.lower() for name in (*spellings(), *REPLACED, *SYNONYMS, *TASKS_WITHOUT, *METHODS)}
    for model in models():
        for name in model.declared():
            names |= {name.lower(), *(alias.lower() for alias in model.info(name).aliases)}
        names |= {name.lower().rstrip("*") for name in model.no_effect}
    for table in (TRANSLATED, WITHOUT):
        names |= {option.lower() for options in table.values() for option in options} | set(table)
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_tables_are_those_of_the_code(page: Path) -> None:
    text = page.read_text()
    assert text == MOVING["filled"](text), "python docs/developing/write_moving.py"
    for name in re.findall(r"made by docs/developing/write_moving\.py: ([^>]+) -->", text):
        assert MOVING["TABLES"][name]().count("\n") > 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_option_and_procedure_that_is_named_is_there(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    named = {word.lower() for code in re.findall(r"`([^`]+)`", text) for word in re.findall(r"\b[A-Za-z]\w*_\w*", code)}
    assert len(named) > 20
    files = set(re.findall(r"(\w+)\.(?:py|conf|json|dat|in|out)\b", text))
    assert sorted(named - known() - OTHERS - {file.lower() for file in files}) == []


def test_all_options_of_genarris_3_are_in_the_table() -> None:
    text = PAGES[1].read_text()
    for table in (TRANSLATED, WITHOUT):
        for section, options in table.items():
            for option in options:
                assert re.search(rf"^\| `{section}` \| `{option}`", text, re.M), (section, option)
