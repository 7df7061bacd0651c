import configparser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genarris_fw.options.problems import Remarks
from genarris_fw.options.reading import read_text, split_comment


def read(text):
    remarks = Remarks("ui.conf")
    sections = read_text(text, remarks)
    return sections, [text for _, text in remarks.problems], remarks.notice_lines()


def test_every_option_knows_its_line():
    sections, problems, notices = read(
        "# head\n\n[A]\nx = 1\r\n; a comment\n  # an indented one\ny: two words\n[b] ; remark\nz=a=b\n"
    )
    assert not problems and not notices
    assert [(s.name, s.line) for s in sections] == [("A", 3), ("b", 8)]
    assert [(e.name, e.text, e.line) for s in sections for e in s.entries] == [
        ("x", "1", 4),
        ("y", "two words", 7),
        ("z", "a=b", 9),
    ]


def test_indented_lines_and_closing_brackets_continue_a_value():
    sections, problems, _ = read('[a]\nlist = [\n   "x",  # first\n   # gone\n   "y"\n]\nz = 1\n')
    assert not problems
    assert [(e.name, e.text) for e in sections[0].entries] == [("list", '[ "x", "y" ]'), ("z", "1")]


def test_an_option_indented_by_mistake_is_a_problem_not_a_value():
    _, problems, _ = read("[a]\noutput_dir = raw\n  Z = 4\n")
    assert len(problems) == 1 and problems[0].startswith("ui.conf:3: [a] 'Z = 4' is indented")


def test_percent_is_a_plain_character():
    sections, problems, _ = read("[a]\nx = 10 %(here)s %%\n")
    assert not problems and sections[0].entries[0].text == "10 %(here)s %%"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("90 # ninety", "90"),
        ("90 ; ninety", "90"),
        ("90\t;", "90"),
        ("a#b", "a#b"),
        ("a;b ;c", "a;b ;c"),
        ('"a # b"', '"a # b"'),
        ("['a # b', 1] # c", "['a # b', 1]"),
        ("it's here # not a quote", "it's here"),
    ],
)
def test_comments_behind_a_value(text, value):
    assert split_comment(text)[0] == value


def test_a_comment_behind_a_value_is_noticed():
    _, problems, notices = read("[a]\nx = 1 ; default\n")
    assert not problems
    assert notices == ["ui.conf:2: [a] '; default' behind the value is taken as a comment"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("x = 1\n[a]\n", 1, "before the first"),
        ("[a]\nnonsense\n", 2, "neither a [section] nor an option"),
        ("[a]\n= 3\n", 2, "neither a [section] nor an option"),
        ("[a\nx = 1\n", 1, "not a section header"),
        ("[]\n", 1, "not a section header"),
        ("[a]\n\nx =\n", 3, "has no value"),
        ("[a]\nx = # nothing\n", 2, "has no value"),
    ],
)
def test_lines_that_mean_nothing(text, line, words):
    _, problems, _ = read(text)
    assert problems and problems[0].startswith(f"ui.conf:{line}: ") and words in problems[0]


name = st.text("abcdefgXYZ_0123456789", min_size=1, max_size=8)
value = st.text(
    st.characters(codec="ascii", exclude_categories=["Cc", "Z"], exclude_characters="#;%\"'[]{}()"), min_size=1
)


@given(st.dictionaries(name, st.dictionaries(name.map(str.lower), value, max_size=4), max_size=4))
def test_agrees_with_configparser(content):
    content = {section: options for section, options in content.items() if section != "DEFAULT"}
    parser = configparser.RawConfigParser()
    text = "".join(
        f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in options.items())
        for section, options in content.items()
    )
    parser.read_string(text)
    sections, problems, _ = read(text)
    assert not problems
    assert {s.name: {e.name: e.text for e in s.entries} for s in sections} == {
        section: dict(parser[section]) for section in parser.sections()
    }
