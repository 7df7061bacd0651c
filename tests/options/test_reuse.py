"""The option `reuse`: of every step that calls an engine, and of the master for all of them."""

from __future__ import annotations

from pathlib import Path

from ui_conf import problems, resolve

from genarris_fw.declaring.door import OPTIONS
from genarris_fw.options.configuration import options_hash
from genarris_fw.procedures.options.engine_procedures import CallsEngine

CONF = """\
[Genarris_master]
procedures = ["Relax_Single_Molecule", "Run_FHI_Aims_Batch", "Run_FHI_Aims_Batch"]
engine = tblite
{master}
[relax_single_molecule]
molecule_path = molecule.in
{relax}
[run_fhi_aims_batch]
structure_dir = raw
Z = 2
{batch}
"""


def conf(master: str = "", relax: str = "", batch: str = "") -> str:
    return CONF.format(master=master, relax=relax, batch=batch)


def reusing(folder: Path, text: str) -> list[bool]:
    (folder / "raw").mkdir(parents=True, exist_ok=True)
    (folder / "raw" / "one.json").write_text("{}")
    return [step.options["reuse"] for step in resolve(folder, text).steps]


def test_the_masters_is_that_of_all_and_a_sections_own_comes_first(tmp_path: Path) -> None:
    assert reusing(tmp_path, conf()) == [False, False, False]
    assert reusing(tmp_path, conf("reuse = True")) == [True, True, True]
    assert reusing(tmp_path, conf("reuse = True", batch="reuse = False")) == [True, False, False]
    assert reusing(tmp_path, conf(relax="reuse = True")) == [True, False, False]
    assert reusing(tmp_path, conf(batch="reuse = True\nreuse_2 = False")) == [False, True, False]


def test_it_changes_no_result(tmp_path: Path) -> None:
    """So it may be switched on in a run that has begun."""
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "one.json").write_text("{}")
    hashes = {options_hash(resolve(tmp_path, conf(master))) for master in ("", "reuse = True")}
    assert len(hashes) == 1


def test_what_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "one.json").write_text("{}")
    [line] = problems(tmp_path, conf("reuse = perhaps"))
    assert line == "4: [Genarris_master] reuse = 'perhaps': expected True or False"
    [line] = problems(tmp_path, conf().replace("Z = 2\n", "Z = 2\n[crystal_search]\nreuse = True\n"))
    assert "[crystal_search] unknown option 'reuse'" in line


def test_every_step_with_an_engine_has_it_and_no_other() -> None:
    models = {name: OPTIONS.load(name) for name in OPTIONS.names()}
    having = {name for name, model in models.items() if "reuse" in model.model_fields}
    assert having == {name for name, model in models.items() if issubclass(model, CallsEngine)}
    assert {"Relax_Single_Molecule", "FHI_Aims_Energy_Evaluation", "LAPW_Convergence"} < having
