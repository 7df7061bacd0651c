"""Completion in a real bash, and what it is asked of."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import BIN, environment
from command_line import call
from databases import new_database
from small_run import fill

from genarris_fw.farm.opening import open_database

# What bash does when the tab key is pressed after these words.
BASH = """
source "$SCRIPT"
declare -F _genarris_fw_completion > /dev/null || exit 9
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
compopt() {{ echo "compopt $*"; }}
_genarris_fw_completion genarris-fw
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def uri(mongod: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("completion")
    with new_database(mongod) as found:
        with open_database(folder, found) as opened:
            fill(opened.catalogue, folder)
            fill(opened.catalogue, folder, "other")
        yield found


def completed(folder: Path, words: str, **env: str) -> list[str]:
    """Return what bash offers; words as typed, the last one incomplete."""
    bash = shutil.which("bash")
    assert bash is not None
    script = folder / "completion.bash"
    if not script.exists():
        made = subprocess.run(
            [BIN / "genarris-fw", "completion", "bash"], env=environment(), capture_output=True, check=True
        )
        script.write_bytes(made.stdout)
    path = f"{BIN}:{environment()['PATH']}"
    done = subprocess.run(
        [bash, "--norc", "-c", BASH.format(words=words)],
        cwd=folder,
        env=environment(PATH=path, SCRIPT=str(script), **env),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("genarris-fw re", {"retry", "recover"}),
        ("genarris-fw db st", {"start", "status", "stop"}),
        ("genarris-fw export --fo", {"--format", "--force"}),
        ("genarris-fw export --format json,c", {"json,cif", "json,csv"}),
        ("genarris-fw export u", {"urea"}),
        ("genarris-fw export urea --pool re", {"relaxed"}),
        ("genarris-fw status ''", {"other", "urea"}),
        ("genarris-fw options Run_R", {"Run_Rdf_Calc"}),
        ("genarris-fw completion z", {"zsh"}),
    ],
)
def test_completed(words: str, expected: set[str], uri: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp()
    assert set(completed(folder, words, GENARRIS_FW_URI=uri)) >= expected
    assert not words.endswith(("u", "st", "z")) or set(completed(folder, words, GENARRIS_FW_URI=uri)) == expected


def test_without_a_server_the_runs_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / ".genarris_fw").mkdir()
    (tmp_path / ".genarris_fw" / "mine.lock").touch()
    assert completed(tmp_path, "genarris-fw status m") == ["mine"]
    assert not (tmp_path / "genarris_db").exists()


def test_nothing_goes_wrong_aloud(tmp_path: Path) -> None:
    (tmp_path / "my_launchpad.yaml").write_text("host: [")
    assert completed(tmp_path, "genarris-fw status m") == []
    (tmp_path / "my_launchpad.yaml").unlink()
    assert completed(tmp_path, "genarris-fw status m", GENARRIS_FW_URI="mongodb://127.0.0.1:9/x") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells(shell: str, capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, "completion", shell)
    assert done.code == 0 and f"_GENARRIS_FW_COMPLETE={shell}_complete" in done.out
    if shutil.which(shell):
        subprocess.run([shell, "-n", "-c", done.out], check=True)
