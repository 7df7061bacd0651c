"""`reuse = True` by the commands: what a person sees of it, with a real engine and with a stand-in of FHI-aims."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aims_inputs import COMMAND, control
from command import genarris, urea_folder
from engine_data import crystal
from pymongo import MongoClient

from genarris_fw.crystal import write
from genarris_fw.database.launchpads import database_name

MORE = """
[relax_single_molecule]
molecule_path = urea.in
engine = tblite
min_width = 3
fmax = 0.2

[fhi_aims_energy_evaluation]
output_dir = energies
"""
PROCEDURES = ("Relax_Single_Molecule", "Pygenarris_Structure_Generation", "FHI_Aims_Energy_Evaluation")


def said(*words: str, cwd: Path) -> str:
    done = genarris(*words, cwd=cwd)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def results(folder: Path, run: str, uri: str) -> dict[str, str]:
    """What the closing table and `status` say of each step."""
    found = json.loads(said("status", run, "--json", "--uri", uri, cwd=folder))
    return {step["name"]: step["result"] for step in found["steps"]}


def test_the_same_run_once_more(database_uri: str, tmp_path: Path) -> None:
    pytest.importorskip("tblite", reason="the engine tblite is not installed")
    for run, reuse in (("once", ""), ("again", "reuse = True\n")):
        conf = urea_folder(tmp_path / run, procedures=PROCEDURES, run=run, number=2, groups="[4]", more=MORE)
        conf.write_text(conf.read_text().replace("seed = 7\n", f"seed = 7\n{reuse}"))
        closing = said("run", str(conf), "--workers", "2", "--uri", database_uri, cwd=tmp_path)
    words = results(tmp_path, "again", database_uri)
    assert words["relax_single_molecule"].endswith(", reused 1 of 1")
    assert words["fhi_aims_energy_evaluation"] == "2 evaluated, reused 2 of 2"
    assert "reused 2 of 2" in closing
    account = said("costs", "again", "--uri", database_uri, cwd=tmp_path)
    assert "3 results of engines taken over, not computed: they cost nothing here" in account
    assert "taken over" not in said("costs", "once", "--uri", database_uri, cwd=tmp_path)
    # Exports say whose energies they are.
    for file in (tmp_path / "again" / "energies").glob("*.json"):
        properties = json.loads(file.read_text())["properties"]
        assert properties["energy_reused_from"].startswith("once:fhi_aims_energy_evaluation:")
    words_to_export = (
        "export",
        "again",
        "--pool",
        "energies",
        "--format",
        "csv",
        "--to",
        "files",
        "--uri",
        database_uri,
    )
    said(*words_to_export, cwd=tmp_path)
    assert "once:fhi_aims_energy_evaluation:" in next((tmp_path / "files").glob("*.csv")).read_text()


AIMS = """\
[Genarris_master]
procedures = ["FHI_Aims_Energy_Evaluation"]
run_name = {run}
reuse = {reuse}
[fhi_aims_energy_evaluation]
structure_dir = raw
engine = aims
aims_command = {command}
control_path = control.in
Z = 2
"""
# A compiled program, as FHI-aims is, that counts its starts and becomes the stand-in.
PROGRAM = """
#include <stdio.h>
#include <unistd.h>
const char *version = "{version}";
int main(void) {{
    FILE *starts = fopen("{starts}", "a");
    fputs("one\\n", starts);
    fclose(starts);
    char *words[] = {{{words}, NULL}};
    return execv(words[0], words);
}}
"""


class StandIn:
    """A mock of FHI-aims as a compiled program of some version."""

    def __init__(self, folder: Path) -> None:
        self.program, self.starts = folder / "aims.x", folder / "starts"

    def build(self, version: str) -> None:
        words = ", ".join(json.dumps(word) for word in shlex.split(COMMAND))
        source = self.program.with_suffix(".c")
        source.write_text(PROGRAM.format(version=version, starts=self.starts, words=words))
        compiler = shutil.which("cc") or pytest.skip("no C compiler: apt-get install build-essential")
        subprocess.run([compiler, "-o", self.program, source], check=True)

    def started(self) -> int:
        number = len(self.starts.read_text().split()) if self.starts.exists() else 0
        self.starts.unlink(missing_ok=True)
        return number


def test_the_stand_in_of_fhi_aims(database_uri: str, tmp_path: Path) -> None:
    aims = StandIn(tmp_path)
    aims.build("1")

    def run(name: str, reuse: bool = True, command: str = str(aims.program)) -> tuple[int, str]:
        folder = tmp_path / name
        folder.mkdir()
        write([crystal("urea")], folder / "raw", "json")
        (folder / "control.in").write_text(control(["C", "O", "N", "H"]))
        (folder / "ui.conf").write_text(AIMS.format(run=name, reuse=reuse, command=command))
        said("run", str(folder / "ui.conf"), "--uri", database_uri, "--quiet", cwd=tmp_path)
        return aims.started(), results(folder, name, database_uri)["fhi_aims_energy_evaluation"]

    assert run("first", reuse=False) == (1, "1 evaluated")
    assert run("second") == (0, "1 evaluated, reused 1 of 1")
    aims.build("2")
    assert run("version") == (1, "1 evaluated, reused 0 of 1")
    never = "1 evaluated, reused 0 of 1 (the version of what computes is not known beforehand)"
    assert run("script", command=COMMAND) == (0, never)
    assert first_energy(database_uri)["engine_version"].startswith("FHI-aims ")


def first_energy(uri: str) -> dict[str, Any]:
    with MongoClient(uri) as client:
        found = client[database_name(uri)].structures.find_one({"run": "second"})
    energy: dict[str, Any] = found["energies"]["energy"]
    return energy
