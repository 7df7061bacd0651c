"""Files are whole or not there."""

import os
import stat
from pathlib import Path

import pytest

from genarris_fw.files import whole_file, write_text


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("durable", [False, True])
def test_it_takes_its_place_at_the_end(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with whole_file(path, durable=durable) as partial:
        partial.write_text("new")
        assert partial.parent == tmp_path
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_an_error_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), whole_file(path) as partial:
        partial.write_text(str(1 / 0))
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_the_file_that_was_asked_for_is_named(tmp_path: Path) -> None:
    path = tmp_path / "no_folder" / "table.csv"
    with pytest.raises(FileNotFoundError) as caught, whole_file(path):
        pass
    assert caught.value.filename == str(path)


def test_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "there" / "plain", "x")
        with whole_file(tmp_path / "secret", mode=0o600) as partial:
            assert mode(partial) == 0o600
            partial.write_text("x")
    finally:
        os.umask(before)
    assert (mode(tmp_path / "there" / "plain"), mode(tmp_path / "secret")) == (0o640, 0o600)


def test_a_name_of_the_callers(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a", meanwhile=tmp_path / "b") as partial:
        assert partial == tmp_path / "b"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]
    (tmp_path / "b").write_text("somebody else's")
    with pytest.raises(FileExistsError), whole_file(tmp_path / "a", meanwhile=tmp_path / "b"):
        raise AssertionError("it was opened")
    assert (tmp_path / "b").read_text() == "somebody else's"
