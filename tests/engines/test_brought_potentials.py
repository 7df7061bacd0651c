"""Potentials by name: ours and those of other packages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase.calculators.lj import LennardJones
from ase.units import kB
from how_to_pages import package_of
from installed_packages import Package, installed
from pydantic import TypeAdapter, ValidationError

from genarris_fw import __version__, engines
from genarris_fw.crystal import Structure
from genarris_fw.declaring.door import POTENTIALS
from genarris_fw.declaring.types import Factory, Said
from genarris_fw.engines.ase.checked_cp2k import CheckedCP2K
from genarris_fw.engines.checked_cp2k import CheckedCP2K as Former
from genarris_fw.errors import EngineError, InputError

PAIR = Structure(None, ["Ar", "Ar"], [[0, 0, 0], [0, 0, 3.7]])
CRYSTAL = Structure(
    np.eye(3) * 5.3, ["Ar"] * 4, 5.3 * np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
)
TEXT = "from ase.calculators.lj import LennardJones as SOFT\nNOTHING = 1\n"


def brought(name: str, *potentials: str, text: str = TEXT, **more: str) -> Package:
    points = {"genarris_fw.potentials": {one: f"{name}:{one.upper()}" for one in potentials}}
    return Package(name, {f"{name}.py": text}, points, **more)


def calculator(text: str) -> str:
    value: str = TypeAdapter(Factory).validate_python(text)
    return value


def test_ours_by_name_and_by_its_former_path() -> None:
    assert POTENTIALS.load("checked_cp2k") is CheckedCP2K is Former
    assert calculator("Checked_CP2K") == "checked_cp2k"
    engine = engines.get("ase", calculator="checked_cp2k")
    assert (engine.version, engine.method) == (f"genarris_fw {__version__}", "checked_cp2k")
    former = "genarris_fw.engines.checked_cp2k:CheckedCP2K"
    assert calculator(former) == former
    assert engines.get("ase", calculator=former).method == former


def test_the_page_on_adding_a_potential(tmp_path: Path) -> None:
    with installed(tmp_path, package_of("add-a-potential.md")):
        assert calculator("argon") == "argon"
        said = next(mark for mark in Factory.__metadata__ if isinstance(mark, Said))
        assert said.words == "module:factory or one of the potentials installed: checked_cp2k or argon"
        engine = engines.get("ase", calculator="argon", calculator_settings={"rc": 10.0})
        found = engine.evaluate(PAIR)
        atoms = PAIR.to_ase()
        atoms.calc = LennardJones(sigma=3.4, epsilon=120 * kB, rc=10.0, smooth=True)
        assert found.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-12) and found.energy < 0
        assert (found.details["method"], found.details["version"]) == ("argon", "noble_gases 1.0")
        assert engine.evaluate(CRYSTAL, relax=True).converged
    with pytest.raises(
        InputError, match=r"module:factory or one of the potentials installed: checked_cp2k, not 'argon'"
    ):
        engines.get("ase", calculator="argon")


def test_the_hash_follows_the_package_that_registers_it(tmp_path: Path) -> None:
    def hash_with(*packages: Package, **settings: object) -> str:
        with installed(tmp_path, *packages):
            return engines.get("ase", **{"calculator": "soft", **settings}).settings_hash

    one = hash_with(brought("mine", "soft"))
    assert hash_with(brought("mine", "soft")) == one
    others = [
        hash_with(brought("mine", "soft", version="1.1")),
        hash_with(brought("other", "soft")),
        hash_with(brought("mine", "soft"), calculator_settings={"rc": 9.0}),
        hash_with(brought("mine", "soft"), calculator="mine:SOFT"),
    ]
    assert len({one, *others}) == 5


def test_what_is_wrong_with_a_package_is_said_and_the_others_work(tmp_path: Path) -> None:
    packages = (
        brought("mine", "soft", "nothing"),
        brought("broken", "broken", text="raise OSError('libcudart.so: no such file')\n"),
        brought("newer", "newer", interface="7"),
        brought("one", "twice"),
        brought("two", "twice"),
    )
    with installed(tmp_path, *packages):
        assert np.isfinite(engines.get("ase", calculator="soft").evaluate(PAIR).energy)
        for name, words in {
            "broken": "package 'broken' cannot be loaded (OSError: libcudart.so: no such file)",
            "newer": "package 'newer' was made for interface 7 of genarris_fw",
            "twice": "potential 'twice' is brought by two packages, 'one' and 'two'",
        }.items():
            # What cannot be loaded is missing; what is known to be wrong before that is a wrong setting.
            with pytest.raises(EngineError if name == "broken" else InputError) as caught:
                engines.get("ase", calculator=name)
            assert words in str(caught.value) and "\n" not in str(caught.value)
            if isinstance(caught.value, EngineError):
                assert (caught.value.kind, caught.value.permanent) == ("missing", True)
        with pytest.raises(InputError, match="nothing that can be called"):
            engines.get("ase", calculator="nothing")
        assert calculator("broken") == "broken"  # a ui.conf is read without loading it: check tries the engine
        for name in ("newer", "twice"):
            with pytest.raises(ValidationError, match="package"):
                calculator(name)


def test_a_name_is_no_way_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "near.py").write_text("raise SystemExit('loaded')\n")
    monkeypatch.chdir(tmp_path)
    for name in ("near", "./near", "near.py", "/near", ""):
        with pytest.raises(ValidationError):
            calculator(name)
        with pytest.raises(InputError, match="module:factory"):
            engines.get("ase", calculator=name)
