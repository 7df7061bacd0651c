"""The pages of options: every option of every section and engine is on one, with its range and its defaults."""

from __future__ import annotations

import re

import pytest

from genarris_fw.engines import registry
from genarris_fw.options.engine_settings import EngineOptions
from genarris_fw.options.pages import SHARED, as_markdown, page_name, pages
from genarris_fw.options.registered import models
from genarris_fw.options.tables import model_named, rows

PAGES = pages()


def headings(page: str) -> list[str]:
    return re.findall(r"^## (\w+)$", PAGES[page], re.M)


def test_every_section_and_every_engine_has_a_page() -> None:
    engines = [f"engine_{name}" for name in registry.working()]
    assert list(PAGES) == [*(page_name(model) for model in models()), SHARED, *engines]
    assert all(text.startswith("# ") and text.endswith("\n") for text in PAGES.values())


@pytest.mark.parametrize("model", models(), ids=page_name)
def test_every_option_of_a_section_is_on_its_page_or_on_one_that_it_leads_to(model: type) -> None:
    page = page_name(model)
    reached = {page, *re.findall(r"\]\((\w+)\.md\)", PAGES[page])}
    assert {row.option for row in rows(model)} <= {name for one in reached for name in headings(one)}
    assert len(headings(page)) == len(set(headings(page)))
    assert (f"engine_{next(iter(registry.working()))}" in reached) == issubclass(model, EngineOptions)


def test_what_is_said_of_an_option() -> None:
    text = PAGES["run_rdf_calc"]
    assert "Also called `Run_RSF_Calc`." in text
    cutoff = text[text.index("\n## cutoff\n") : text.index("\n## n_D_inter\n")]
    assert "- Takes: a number from 0.1 to 100 (Å)\n- Default: `12.0`\n" in cutoff
    assert "- Default: `[0.1, 12.0]`; with `defaults = 2.0` `[1.0, 10.0]`" in text
    assert "- Also called `normalize_rsf_vectors`" in text
    assert "- Default: none, it must be given" in PAGES["genarris_master"]


def test_nothing_in_a_description_is_taken_for_markdown() -> None:
    bare = re.compile(r"(?<!\\)[*<>]|(?<=\w)(?<!\\)_")
    for text in PAGES.values():
        for line in re.sub(r"`[^`\n]*`|\]\([^)]*\)", "", text).splitlines():
            assert line.startswith("#") or not bare.search(line), line


def test_the_command_prints_the_same() -> None:
    model = model_named("Run_Rdf_Calc")
    assert as_markdown([model]) == PAGES["run_rdf_calc"]
    assert as_markdown(models()) == "\n".join(PAGES.values())
