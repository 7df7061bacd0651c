"""Any ASE calculator by name."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
from ase.calculators.calculator import CalculationFailed, Calculator
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from genarris_fw import engines
from genarris_fw.crystal import Structure
from genarris_fw.errors import EngineError, InputError

COPPER = Structure(
    np.eye(3) * 3.6, ["Cu"] * 4, 3.6 * np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
)


def test_the_numbers_are_the_calculators():
    atoms = COPPER.to_ase()
    atoms.calc = EMT()
    found = engines.get("ase", calculator="ase.calculators.emt:EMT").evaluate(COPPER)
    assert found.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-12)
    assert np.allclose(found.forces, atoms.get_forces())
    assert np.allclose(found.stress, atoms.get_stress(voigt=False))
    assert found.details["method"] == "ase.calculators.emt:EMT"
    assert found.details["version"].startswith("ase ")


def test_settings_reach_the_factory_and_the_hash():
    one, two = (
        engines.get("ase", calculator="ase.calculators.lj:LennardJones", calculator_settings={"epsilon": e})
        for e in (1.0, 2.0)
    )
    pair = Structure(None, ["Ar", "Ar"], [[0, 0, 0], [0, 0, 1.3]])
    assert two.evaluate(pair).energy == pytest.approx(2 * one.evaluate(pair).energy)
    assert one.settings_hash != two.settings_hash


def with_factory(monkeypatch, factory, **settings):
    module = ModuleType("a_users_module")
    module.make = factory
    monkeypatch.setitem(sys.modules, "a_users_module", module)
    return engines.get("ase", calculator="a_users_module:make", **settings)


def test_a_model_is_loaded_once(monkeypatch):
    made = []

    def make():
        made.append(1)
        return LennardJones(sigma=3.4, epsilon=0.01)

    engine = with_factory(monkeypatch, make)
    assert not made
    for distance in (3.6, 3.9, 4.2):
        engine.evaluate(Structure(None, ["Ar", "Ar"], [[0, 0, 0], [0, 0, distance]]))
    assert len(made) == 1


def test_a_calculator_that_failed_is_made_anew(monkeypatch):
    """Such as one whose program has died: the next structure must not meet the dead one."""
    made = []

    class Dying(LennardJones):
        def calculate(self, atoms=None, properties=(), system_changes=()):
            if self.dead or len(atoms) > 2:
                self.dead = True
                raise BrokenPipeError("the program is gone")
            super().calculate(atoms, properties, system_changes)

    def make():
        made.append(1)
        calculator = Dying(sigma=3.4, epsilon=0.01)
        calculator.dead = False
        return calculator

    engine = with_factory(monkeypatch, make)
    with pytest.raises(EngineError, match="the program is gone") as caught:
        engine.evaluate(COPPER)
    assert (caught.value.kind, caught.value.permanent) == ("crash", False)
    pair = Structure(None, ["Ar", "Ar"], [[0, 0, 0], [0, 0, 3.6]])
    assert np.isfinite(engine.evaluate(pair).energy)
    engine.evaluate(pair, relax=True)
    assert len(made) == 2


class NeedsCharge(LennardJones):
    """A calculator of the kind that wants to be told the charge when it is made."""

    def __init__(self, charge, **kwargs):
        super().__init__(**kwargs)
        self.charge = charge


def test_a_calculator_that_needs_a_charge(monkeypatch):
    with pytest.raises(EngineError, match=r"could not be made with .*'charge'"):
        with_factory(monkeypatch, NeedsCharge).evaluate(COPPER)
    engine = with_factory(monkeypatch, NeedsCharge, calculator_settings={"charge": 0})
    assert np.isfinite(engine.evaluate(COPPER).energy)
    assert engine.calculator.charge == 0


def test_a_factory_may_be_a_method_of_a_class(monkeypatch):
    class Maker:
        @classmethod
        def from_file(cls, name):
            assert name == "weights"
            return EMT()

    module = ModuleType("a_users_module")
    module.Maker = Maker
    monkeypatch.setitem(sys.modules, "a_users_module", module)
    engine = engines.get("ase", calculator="a_users_module:Maker.from_file", calculator_settings={"name": "weights"})
    assert engine.evaluate(COPPER).energy == pytest.approx(
        engines.get("ase", calculator="ase.calculators.emt:EMT").evaluate(COPPER).energy
    )


class Broken(Calculator):
    implemented_properties = ("energy", "forces")

    def __init__(self, energy=0.0, error=None):
        super().__init__()
        self.given, self.error = energy, error

    def calculate(self, atoms=None, properties=(), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        if self.error:
            raise self.error
        self.results = {"energy": self.given, "forces": np.zeros((len(atoms), 3))}


@pytest.mark.parametrize(
    ("calculator", "words", "permanent"),
    [
        (Broken(float("nan")), "not a finite number", True),
        (Broken(float("inf")), "not a finite number", True),
        (Broken(error=CalculationFailed("lost the node")), "lost the node", False),
        (Broken(error=KeyError("Xx")), "KeyError", True),
    ],
)
def test_what_goes_wrong_is_an_engine_error(monkeypatch, calculator, words, permanent):
    engine = with_factory(monkeypatch, lambda: calculator)
    with pytest.raises(EngineError, match=words) as caught:
        engine.evaluate(COPPER)
    assert (caught.value.kind, caught.value.permanent) == ("crash", permanent)


def test_a_calculator_without_stress_cannot_relax_a_cell(monkeypatch):
    engine = with_factory(monkeypatch, Broken)
    assert engine.evaluate(COPPER).stress is None
    with pytest.raises(EngineError, match="relax_cell = False") as caught:
        engine.evaluate(COPPER, relax=True)
    assert caught.value.permanent
    assert with_factory(monkeypatch, Broken, relax_cell=False).evaluate(COPPER, relax=True).converged


def test_a_module_of_the_users_that_cannot_be_loaded(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    for name, text in (("unfinished", "def f(:\n"), ("lacking", "raise OSError('libcudart.so: no such file')\n")):
        (tmp_path / f"{name}.py").write_text(text)
    for name in ("unfinished:f", "lacking:f"):
        with pytest.raises(EngineError, match=f"the module of calculator '{name}' cannot be loaded") as caught:
            engines.get("ase", calculator=name)
        assert caught.value.kind == "missing" and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_such_package.calculators:Thing", "cannot be loaded"),
        ("ase.calculators.lj:LennardJonez", "has no 'LennardJonez'"),
    ],
)
def test_what_is_not_there(name, words):
    with pytest.raises(EngineError, match=words) as caught:
        engines.get("ase", calculator=name)
    assert (caught.value.kind, caught.value.permanent) == ("missing", True)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "module:factory"),
        ({"calculator": "ase.calculators.lj"}, "module:factory"),
        ({"calculator": ".relative:f"}, "must be module:factory"),
        ({"calculator": "ase.calculators.lj:__name__"}, "nothing that can be called"),
        ({"calculator": "ase.calculators.emt:EMT", "epsilon": 1}, "unknown setting 'epsilon'"),
        ({"calculator": "ase.calculators.emt:EMT", "calculator_settings": [1]}, "must be {.* of plain values, not"),
    ],
)
def test_wrong_settings(settings, words):
    with pytest.raises(InputError, match=words):
        engines.get("ase", **settings)


def test_a_factory_that_refuses_its_keywords(monkeypatch):
    engine = with_factory(monkeypatch, lambda: None, calculator_settings={"nonsense": 1})
    with pytest.raises(EngineError, match="could not be made") as caught:
        engine.evaluate(COPPER)
    assert caught.value.kind == "input"
