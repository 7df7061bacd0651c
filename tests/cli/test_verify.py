"""genarris-fw verify: the user's FHI-aims on published calculations."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from aims_inputs import COMMAND, control
from command import TOOLS
from command_line import Called, call
from shared_data import shared

from genarris_fw.trials.published import published

SCF = ("geometry_00c3602574", "geometry_1d32b19e61")


@pytest.fixture
def tutorial() -> Path:
    return shared("benzene_tutorial") / "aims"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AIMS_SPECIES_DIR", raising=False)


def published_aims(tutorial: Path, shift: float = 0.0) -> str:
    """The command of an FHI-aims that answers with the published outputs."""
    return f"{sys.executable} {TOOLS / 'published_aims.py'} {tutorial} {shift}"


def controls(tutorial: Path) -> list[object]:
    return [
        *("--control", tutorial / "scf/geometry_1d32b19e61/control.in"),
        *("--control-molecule", tutorial / "molecule/control.in"),
        *("--relax", tutorial / "relaxation/geometry_1f0f30abd3/control.in"),
    ]


def verdicts(done: Called) -> dict[str, str]:
    return {case["name"]: case["verdict"] for case in done.json["cases"]}


def test_the_published_outputs_agree_with_themselves(tutorial: Path, capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, "verify", "--aims-command", published_aims(tutorial), *controls(tutorial), "--json")
    assert (done.code, done.err) == (0, "")
    assert verdicts(done) == {case.name: "agrees" for case in published().cases}
    for found, case in zip(done.json["cases"], published().cases):
        assert found["energy"] == case.energy and found["version"] == "FHI-aims 190522"
    assert done.json["relative"]["energy"] == pytest.approx(-1.633722582, abs=1e-9)
    folder = Path(done.json["folder"])
    assert folder.parent == Path.cwd() and (folder / "molecule" / "aims.out").is_file()


@pytest.mark.parametrize(("shift", "code", "verdict"), [(-9e-4, 0, "agrees"), (2e-3, 1, "disagrees")])
def test_the_tolerance(tutorial: Path, capsys: pytest.CaptureFixture, shift: float, code: int, verdict: str) -> None:
    words = ["--aims-command", published_aims(tutorial, shift), *controls(tutorial)[:2]]
    done = call(capsys, "verify", *words, "--json")
    assert done.code == code
    assert verdicts(done) == {"molecule": "not run", SCF[0]: verdict, SCF[1]: verdict, "geometry_1f0f30abd3": "not run"}
    assert all(
        case["difference"] == pytest.approx(shift, abs=1e-8) for case in done.json["cases"] if case["name"] in SCF
    )


@pytest.mark.parametrize("width", ["80", "140"])
def test_for_a_person(
    tutorial: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    done = call(capsys, "verify", "--aims-command", published_aims(tutorial, 0.5), *controls(tutorial)[:2])
    lines = done.out.splitlines()
    assert done.code == 1
    assert lines[0].split()[:3] == ["case", "energy", "(eV)"] and lines[0].split()[-1] == "verdict"
    row = next(line for line in lines if line.startswith(SCF[0]))
    assert row.split()[-1] == "disagrees" and "+0.5000" in row and len(row) <= int(width)
    assert any(line.startswith("2 disagree, 2 not run: compare the settings") for line in lines)
    assert "molecule: needs the tutorial's control_relax_single_molecule.in" in lines
    assert "agrees: within 0.001 or 0.01 eV (a relaxed crystal)" in done.out


def test_another_program_disagrees(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """The stand-in computes with tight binding: it runs, and is not taken for FHI-aims."""
    path = tmp_path / "control.in"
    path.write_text(control(["C", "H"]))
    done = call(capsys, "verify", "--aims-command", COMMAND, "--control", path, "--json")
    assert done.code == 1
    assert {verdicts(done)[name] for name in SCF} == {"disagrees"}
    assert all(case["difference"] > 1e4 for case in done.json["cases"] if case["name"] in SCF)
    assert "is not the published control_scf.in: it has 'k_grid 2.0 2.0 2.0'" in done.err


def test_a_control_file_of_something_else_is_noted(
    tutorial: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "control.in"
    path.write_text((tutorial / "scf/geometry_1d32b19e61/control.in").read_text().replace("pbe", "pbe0", 1))
    done = call(capsys, "verify", "--aims-command", published_aims(tutorial), "--control", path)
    assert "is not the published control_scf.in: it has 'xc pbe0' and lacks 'xc pbe'; energies will differ" in done.err


def test_a_program_that_fails(tutorial: Path, capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, "verify", "--aims-command", "/no/aims.x", *controls(tutorial)[:2], "--json")
    assert done.code == 1
    assert {case["kind"] for case in done.json["cases"] if case["verdict"] == "failed"} == {"missing"}
    done = call(capsys, "verify", "--aims-command", "/bin/false", *controls(tutorial)[:2], "--folder", "other")
    assert done.code == 1 and "2 failed" in done.out and "Traceback" not in done.out + done.err


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "give either --aims-command or --aims-lib-dir"),
        (["--aims-command", "a", "--aims-lib-dir", "b"], "give either --aims-command or --aims-lib-dir"),
        (["--aims-command", "a"], "give a control file of the tutorial"),
        (["--aims-command", "a", "--control", "none.in"], "'none.in' does not exist"),
        (["--aims-command", "a", "--control", "c.in", "--folder", "there"], "there: is there already"),
    ],
)
def test_bad_input_is_one_line(capsys: pytest.CaptureFixture, words: list[str], error: str) -> None:
    Path("c.in").write_text("xc pbe\n")
    Path("there").mkdir()
    done = call(capsys, "verify", *words)
    assert (done.code, done.out) == (2, "")
    lines = [line for line in done.err.splitlines() if not line.startswith("note:")]
    assert len(lines) == 1 and error in lines[0]


def test_the_help_says_that_the_authors_never_ran_it(capsys: pytest.CaptureFixture) -> None:
    words = " ".join(call(capsys, "verify", "--help").out.split())
    assert "The authors of genarris-fw have never run FHI-aims" in words
