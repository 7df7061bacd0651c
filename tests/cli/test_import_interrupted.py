"""An import of many files that is interrupted goes on: nothing is read or written twice, few files are in memory."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import finish, python_path, start
from command_line import call
from installed_packages import Package
from small_run import crystal
from waiting import wait_until

from genarris_fw.crystal import Reading, write
from genarris_fw.farm.opening import Opened, open_database
from genarris_fw.pools import reading as reading_module
from genarris_fw.pools.importing import AT_A_TIME
from genarris_fw.pools.reading import reader
from genarris_fw.pools.sources import Part, Source

# A reader that waits for a file: the import stands still where it has come to it.
HELD = Package(
    "held",
    {
        "held.py": """
import time
from pathlib import Path
from genarris_fw.crystal import ReadFormat, Structure

def read(text, where):
    while not Path(where).with_name("go").exists():
        time.sleep(0.01)
    return [Structure(None, ["C", "O"], [[0, 0, 0], [0, 0, 1.16]])]

HELD = ReadFormat(read=read, endings=(".held",), order=10)
"""
    },
    {"genarris_fw.readers": {"held": "held:HELD"}},
)
NUMBER = 2 * AT_A_TIME


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of so many small files, and one in the middle that holds the import up."""
    folder = tmp_path_factory.mktemp("many") / "pool"
    write([crystal(k, f"s_{k:04d}") for k in range(NUMBER)], folder, "json")
    (folder / f"s_{AT_A_TIME - 1:04d}_hold.held").write_text("here it stands still")
    return folder


@pytest.fixture
def opened(database_uri: str, tmp_path: Path) -> Iterator[Opened]:
    with open_database(tmp_path, database_uri) as opened:
        yield opened


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_import_goes_on(many: Path, opened: Opened, tmp_path: Path, sign: signal.Signals) -> None:
    (many / "go").unlink(missing_ok=True)
    path = python_path(HELD.write(tmp_path))
    words = ("import", str(many), "--run", "r", "--uri", opened.uri, "--json")
    structures = opened.catalogue.structures
    first = start(*words, cwd=tmp_path, truly=True, PYTHONPATH=path)
    wait_until(lambda: structures.count("r", "pool") == AT_A_TIME or first.poll() is not None)
    assert first.poll() is None, first.communicate()
    first.send_signal(sign)
    if sign == signal.SIGINT:  # the processes that read come to the end of what they have begun
        (many / "go").touch()
    done = finish(first, 120)
    assert done.returncode == (130 if sign == signal.SIGINT else -signal.SIGKILL)
    if sign == signal.SIGINT:
        assert f"interrupted; it goes on with: genarris-fw import {many}" in done.stderr
        assert opened.catalogue.runs.get("r")["pools"] == {"pool": AT_A_TIME}
    assert structures.count("r") == AT_A_TIME
    (many / "go").touch()
    times = {record["_id"]: record for record in structures.collection.find()}
    again = finish(start(*words, cwd=tmp_path, truly=True, PYTHONPATH=path), 120)
    answer, rest = json.loads(again.stdout), NUMBER - AT_A_TIME + 1
    assert (again.returncode, answer["left_out"]) == (0, [])
    assert (answer["already"], answer["read"], answer["new"]) == (AT_A_TIME, rest, rest)
    assert answer["structures"] == structures.count("r", "pool") == NUMBER + 1
    assert opened.catalogue.runs.get("r")["pools"] == {"pool": NUMBER + 1}
    assert {record["_id"]: record for record in structures.collection.find() if record["_id"] in times} == times


def test_a_file_that_was_written_again_is_read_again(
    opened: Opened, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files are known by name, size and time; another pool has none of them yet."""
    folder = tmp_path / "pool"
    write([crystal(k, f"s_{k}") for k in range(3)], folder, "json")
    words = ("import", folder, "--run", "r", "--uri", opened.uri, "--json")
    assert call(capsys, *words).json["new"] == 3
    changed = crystal(1, "s_1")
    changed.properties["energy"] = -5.0
    write([changed], folder, "json")
    done = call(capsys, *words).json
    assert (done["already"], done["read"], done["new"]) == (2, 1, 0)
    [document] = opened.catalogue.structures.load("r", ["s_1"])
    assert document["properties"]["energy"] == -5.0
    other = call(capsys, *words, "--pool", "other").json
    assert (other["already"], other["read"], other["new"]) == (0, 3, 0)


def test_few_files_are_in_memory(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read some ahead of what is wanted, not all."""
    (many / "go").touch()
    taken: list[Part] = []

    def noted(parts: Iterator[Part]) -> Iterator[Part]:
        for part in parts:
            taken.append(part)
            yield part

    source = Source(many)
    with reader(source, Reading(), processes=2) as read:
        found = read(noted(source.parts()))
        assert next(found).documents[0]["struct_id"] == "s_0000"
        most = reading_module._CHUNK * (2 * reading_module._AHEAD + 1)
        assert 0 < len(taken) <= most < NUMBER / 4
