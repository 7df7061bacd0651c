"""The manual's tutorial as its page shows it: the same commands, fewer crystals, a force field."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from command import EXAMPLES, genarris
from documented.blocks import DOCS
from documented.commands import commands

PAGE = DOCS / "tutorials" / "the-manuals-tutorial.md"
SMALLER = {
    r"^engine = .*": "engine = gfnff",
    r"^num_structures = .*": "num_structures = 2\nspace_groups = [2]",
    r"^num_of_clusters = .*": "num_of_clusters = 2",
    r"^num_of_clusters_2 = .*": "num_of_clusters_2 = 1",
    r"^\[run_fhi_aims_batch\]$": "[run_fhi_aims_batch]\nfmax = 50\nsmax = 1",  # what is relaxed already
}


def test_the_tutorial_of_the_manual(database_uri: str, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "benzene", tmp_path / "benzene")
    conf = tmp_path / "benzene" / "ui.conf"
    text = conf.read_text()
    for before, after in SMALLER.items():
        text, changed = re.subn(before, after, text, flags=re.MULTILINE)
        assert changed, before
    conf.write_text(text)
    shown = [command.of_genarris for command in commands(PAGE) if "benzene" in command.text]
    typed = [words for words in shown if words and words[0] != "check"]
    assert [words[0] for words in typed] == ["run", "status", "pictures"]
    said = {}
    for words in typed:
        done = genarris(*words, cwd=tmp_path, GENARRIS_FW_URI=database_uri)
        assert done.returncode == 0, done.stderr
        said[words[0]] = done.stdout
    for line in re.findall(r"^(\w+): finished in ", PAGE.read_text(), re.M):
        assert f"{line}: finished in " in said["run"]
    assert "benzene_2mpc_relaxed 1" in said["status"]
    # What the page says lies in the folder.
    listed = PAGE.read_text().partition("## What lies in the folder")[2].partition("\n## ")[0]
    named = [name for name in re.findall(r"`([\w.]+(?:/|\.dat|\.log|\.err))`", listed) if not name.startswith("genarris_db")]
    assert len(named) >= 8
    assert [name for name in named if not (tmp_path / "benzene" / name).exists()] == []
