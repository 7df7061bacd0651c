"""A run as an RO-Crate: read back by rocrate, with all structures, who made what of what, and no secret."""

import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from command import one_line
from command_line import call
from databases import new_database
from small_run import CHILDREN, EXEMPLARS, IDS, RUN, crystal, fill

from genarris_fw.catalogue import Catalogue
from genarris_fw.crystal import read
from genarris_fw.errors import InputError
from genarris_fw.farm.opening import open_database
from genarris_fw.views.archive.secrets import cleaner
from genarris_fw.views.archive.write import write_archive

HOOK = "https://hooks.example.org/services/T000/very-secret"
PASSWORD = "correct-horse"
URI = f"mongodb://somebody:{PASSWORD}@db.example.org/fireworks"


class Archived(NamedTuple):
    """An archive, and the database of its run."""

    file: Path
    catalogue: Catalogue
    uri: str


@pytest.fixture(scope="module")
def archived(mongod: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archived]:
    """The archive of a run whose files are full of secrets."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "Genarris.log").write_text(f"opened {URI}\nwrote {folder}/raw\nposted to {HOOK}\n")
    with new_database(mongod) as uri, open_database(folder, uri) as opened:
        fill(opened.catalogue, folder)
        text = f"[Genarris_master]\nnotify = {HOOK}\nrun_name = urea\n# uri {URI}\n"
        carried = {"run_fhi_aims_batch": {"control": f"# from {URI}\nxc pbe\n"}}
        opened.catalogue.runs.set(RUN, text=text, carried=carried, **{"options.notify": HOOK})
        file = folder / "urea.crate.zip"
        write_archive(opened.catalogue, RUN, file, author="A. Author", license="CC-BY-4.0", uri=URI)
        yield Archived(file, opened.catalogue, uri)


@pytest.fixture(scope="module")
def crate(archived: Archived) -> Any:
    from rocrate.rocrate import ROCrate

    return ROCrate(str(archived.file))


def test_it_is_a_crate(crate: Any, archived: Archived) -> None:
    root = crate.root_dataset
    assert root["name"] == "run urea of Genarris" and root["author"]["name"] == "A. Author"
    assert root["license"].id == "https://spdx.org/licenses/CC-BY-4.0" and root["datePublished"]
    assert root["conformsTo"].id == "https://w3id.org/ro/wfrun/process/0.5"
    with zipfile.ZipFile(archived.file) as opened:
        there = set(opened.namelist())
        assert there == {part.id for part in root["hasPart"]} | {"ro-crate-metadata.json"}
        for part in root["hasPart"]:
            assert int(part["contentSize"]) == opened.getinfo(part.id).file_size and part["encodingFormat"]
        graph = json.loads(opened.read("ro-crate-metadata.json"))["@graph"]
    named = {entity["@id"] for entity in graph}
    referred = {one for entity in graph for one in _references(entity)}
    assert {one for one in referred if not one.startswith("http")} <= named  # nothing is referred to that is not there


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            yield value["@id"]
        for item in value.values():
            yield from _references(item)
    if isinstance(value, list):
        for item in value:
            yield from _references(item)


def test_every_structure_is_there_once_with_its_parent(crate: Any, archived: Archived, tmp_path: Path) -> None:
    with zipfile.ZipFile(archived.file) as opened:
        opened.extractall(tmp_path)
    files = sorted(path.stem for path in (tmp_path / "structures").glob("*.json"))
    assert files == sorted([*IDS, *CHILDREN])
    [found] = read(tmp_path / "structures" / f"{IDS[3]}.json")
    assert (found.positions == crystal(3, "").positions).all() and found.properties["energy"]
    [by_cif] = read(tmp_path / "structures" / f"{IDS[3]}.cif")
    assert by_cif.density == pytest.approx(found.density)
    child = crate.dereference(f"structures/{CHILDREN[1]}.json")
    assert child["isBasedOn"].id == f"structures/{EXEMPLARS[1]}.json"
    assert crate.dereference(f"structures/{IDS[0]}.json").get("isBasedOn") is None
    rows = (tmp_path / "pools" / "relaxed.csv").read_text().splitlines()
    assert len(rows) == 3 and rows[0].startswith("struct_id,")
    assert "energy: energy (eV per cell)" in crate.dereference("pools/relaxed.csv")["description"]
    [molecule] = read(tmp_path / "molecule.json")
    assert molecule.species == ["C", "O", "O"]
    summary = json.loads((tmp_path / "run.json").read_text())
    assert summary["name"] == RUN and len(summary["options"]["steps"]) == 4


def test_steps_are_actions(crate: Any) -> None:
    actions = {action.id: action for action in crate.root_dataset["mentions"]}
    assert len(actions) == 4
    clustering = actions["#step-affinity_propagation_fixed_clusters"]
    assert clustering.type == "CreateAction"
    assert clustering["instrument"]["name"] == "Affinity_Propagation_Fixed_Clusters"
    assert "pools/raw.csv" in {one.id for one in clustering["object"]}
    assert {one.id for one in clustering["result"]} == {"pools/clusters.csv", "pools/exemplars.csv"}
    assert clustering["actionStatus"] == "http://schema.org/CompletedActionStatus"
    assert clustering["startTime"] <= clustering["endTime"]
    relaxation = actions["#step-run_fhi_aims_batch"]
    assert relaxation["actionStatus"] == "http://schema.org/ActiveActionStatus" and relaxation.get("endTime") is None
    [tool, engine] = relaxation["instrument"]
    assert tool["softwareRequirements"]["name"] == "genarris_fw" and tool["softwareVersion"] == "0.1.0"
    assert (engine["name"], engine["softwareVersion"], engine["identifier"]["value"]) == ("tblite", "0.4.0", "5e77")
    options = {one["name"]: one["value"] for one in relaxation["object"] if one.type == "PropertyValue"}
    assert options["energy_name"] == "energy" and options["output_dir"] == "relaxed"
    assert "settings/run_fhi_aims_batch/control" in {one.id for one in relaxation["object"]}


def test_no_secret_gets_in(archived: Archived) -> None:
    with zipfile.ZipFile(archived.file) as opened:
        texts = {name: opened.read(name).decode() for name in opened.namelist()}
    for name, text in texts.items():
        assert PASSWORD not in text and "very-secret" not in text, name
        assert str(archived.file.parent) not in text, name
    assert "notify = https://hooks.example.org/..." in texts["ui.conf"]
    assert texts["logs/Genarris.log"].startswith("opened ***\nwrote raw\n")
    assert "xc pbe" in texts["settings/run_fhi_aims_batch/control"]


@pytest.mark.parametrize(
    "text",
    [
        f"x {URI} y",
        f"mongodb+srv://u:{PASSWORD}@h.example.org/?x=1",
        f"mongodb://u:{PASSWORD}@h1:27017,h2:27017/db",
        f"https://me:{PASSWORD}@files.example.org/x",
        f"ftp://{PASSWORD}@files.example.org",
        f"[Genarris_master]\nnotify : send --token {PASSWORD}\n  --more {PASSWORD}\nseed = 1\n",
    ],
)
def test_texts_are_cleaned(text: str) -> None:
    assert PASSWORD not in cleaner({"options": {}, "folder": "/home/me/run"}, "mongodb://localhost/x")(text)


def test_a_pool_alone(archived: Archived, tmp_path: Path) -> None:
    write_archive(archived.catalogue, RUN, tmp_path / "x.zip", ["relaxed"])
    with zipfile.ZipFile(tmp_path / "x.zip") as opened:
        names = opened.namelist()
        graph = json.loads(opened.read("ro-crate-metadata.json"))["@graph"]
    assert len([name for name in names if name.startswith("structures/") and name.endswith(".json")]) == 2
    assert [name for name in names if name.startswith("pools/")] == ["pools/relaxed.csv"]
    [child] = [entity for entity in graph if entity["@id"] == f"structures/{CHILDREN[0]}.json"]
    assert child["isBasedOn"] == EXEMPLARS[0]  # which is not in the archive
    assert any(entity["@id"] == "#no-licence" for entity in graph)


def test_the_command(
    archived: Archived, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call(capsys, "archive", RUN, "--pool", "relaxed", "--uri", archived.uri)
    assert (done.code, done.err) == (0, "") and done.out.startswith("archive of run 'urea': ")
    assert done.out.endswith("files in urea.crate.zip\n") and zipfile.is_zipfile("urea.crate.zip")
    again = call(capsys, "archive", RUN, "--uri", archived.uri)
    assert again.code == 2 and "urea.crate.zip: there already, and nothing was written" in one_line(again.err)
    forced = call(capsys, "archive", RUN, "--pool", "raw", "--force", "--json", "--uri", archived.uri)
    assert forced.json["files"] > 2 * len(IDS) and forced.json["archive"] == "urea.crate.zip"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody"], "no run 'nobody' in this database; runs here: urea"),
        ([RUN, "--pool", "rwa"], "no pool 'rwa' in run 'urea' (did you mean 'raw'?); its pools: clusters, "),
        ([RUN, "--to", "file/x.zip"], "file: cannot be written (File exists)"),
    ],
)
def test_what_is_wrong_is_one_line(
    words: list[str],
    said: str,
    archived: Archived,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    done = call(capsys, "archive", *words, "--uri", archived.uri)
    assert done.code == 2 and said in one_line(done.err)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_without_rocrate(archived: Archived, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rocrate", None)
    with pytest.raises(InputError, match=r"pip install 'genarris_fw\[archive\]'"):
        write_archive(archived.catalogue, RUN, tmp_path / "x.zip")
