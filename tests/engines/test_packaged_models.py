"""SevenNet-0 + D3(BJ) and SO3LR: what surrounds the models with made-up ones, and, where they are, the real ones."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ase.calculators.lj import LennardJones
from engine_data import KJ_PER_MOL, crystal, molecule
from ui_conf import problems, resolve

from genarris_fw import engines
from genarris_fw.crystal import Structure, write
from genarris_fw.engines import Settings
from genarris_fw.engines.ase.packaged_model import PackagedModel
from genarris_fw.engines.relaxing.settings import RelaxationSettings
from genarris_fw.engines.sevennet import SevenNetEngine
from genarris_fw.engines.so3lr import SO3LREngine
from genarris_fw.engines.so3lr.engine import TRAINED_ON
from genarris_fw.errors import EngineError, InputError

CELL = Structure(5.3 * np.eye(3), ["Ar"] * 2, 5.3 * np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))


class Torch(ModuleType):
    """What PyTorch keeps for a whole process."""

    float32, float64 = "single", "double"

    def set_default_dtype(self, dtype: str) -> None:
        self.dtype = dtype

    def set_num_threads(self, number: int) -> None:
        self.threads = number


class Recording(LennardJones):
    def __init__(self, torch: Torch, seen: list[str]) -> None:
        super().__init__(sigma=3.4, epsilon=0.01, rc=6.0, smooth=True)
        self.torch, self.seen = torch, seen

    def calculate(self, *given: Any, **named: Any) -> None:
        self.seen.append(self.torch.dtype)
        super().calculate(*given, **named)


@pytest.fixture
def made_up(monkeypatch):
    """Return a function that gives an engine of a made-up model, and what it saw of PyTorch's precision."""
    torch = Torch("torch")
    torch.__spec__ = SimpleNamespace(name="torch")  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "torch", torch)

    def make(precision_: str, settings: type[Settings] = RelaxationSettings, does: bool = True):
        seen: list[str] = []

        class MadeUp(PackagedModel):
            name = "made_up"
            model = settings
            packages = (("numpy", "numpy"),)
            precision = precision_
            relaxes = does
            without_relaxations = "is for ranking only"

            def load(self) -> Any:
                print("words of somebody else")
                return Recording(torch, seen)

            def elements(self) -> set[int]:
                return {18}

        return MadeUp(), seen

    return make


def test_each_call_has_the_models_own_precision(made_up, capsys):
    """PyTorch keeps one for the process, and whoever loads a model last sets it for all."""
    (one, of_one), (two, of_two) = made_up("float32"), made_up("float64")
    for engine in (one, two, one, two):
        engine.evaluate(CELL)
    assert set(of_one) == {"single"} and set(of_two) == {"double"}
    assert sys.modules["torch"].threads == 1  # type: ignore[attr-defined]
    assert capsys.readouterr().out == ""
    assert one.version == f"numpy {np.__version__}"


def test_elements_that_a_model_was_not_trained_on(made_up):
    engine, _ = made_up("float64")
    with pytest.raises(EngineError, match="was not trained on Kr, Xe") as caught:
        engine.evaluate(Structure(None, ["Xe", "Kr"], [[0, 0, 0], [0, 0, 4.0]]))
    assert (caught.value.kind, caught.value.permanent) == ("input", True)


def test_a_model_for_ranking_only_relaxes_nothing(made_up):
    engine, _ = made_up("float64", Settings, False)
    assert np.isfinite(engine.evaluate(CELL).energy)
    with pytest.raises(EngineError, match="engine made_up is for ranking only") as caught:
        engine.evaluate(CELL, relax=True)
    assert (caught.value.kind, caught.value.permanent) == ("input", True)
    relaxing, _ = made_up("float64")
    assert relaxing.evaluate(CELL, relax=True).converged


@pytest.mark.parametrize(("engine", "package"), [("sevennet", "sevenn, dftd3"), ("so3lr", "so3krates-torch")])
def test_without_the_packages(engine, package, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    available, remark = engines.installed([engine])[engine]
    assert not available and remark.startswith(f"not installed: torch, {package}; pip install 'genarris_fw[ml]'")
    with pytest.raises(EngineError, match=r"genarris_fw\[ml\]") as caught:
        engines.get(engine)
    assert (caught.value.kind, caught.value.permanent) == ("missing", True)
    with pytest.raises(InputError, match="unknown setting 'device'"):
        engines.get(engine, device="cuda")


def test_a_ui_conf_that_relaxes_with_so3lr_is_refused_with_the_reason(tmp_path):
    """Before a run, and whether it is installed or not."""
    write([crystal("urea")], tmp_path / "raw", "json")
    text = "[Genarris_master]\nprocedures = ['{0}']\n[{1}]\nstructure_dir = raw\nZ = 2\nengine = so3lr\n"
    [line] = problems(tmp_path, text.format("Run_FHI_Aims_Batch", "run_fhi_aims_batch"))
    assert "engine = so3lr is for ranking only: it distorts stacked cells when it relaxes them" in line
    assert "take another engine here: aims, ase, gfnff, lattice, sevennet, tblite" in line
    [step] = resolve(tmp_path, text.format("FHI_Aims_Energy_Evaluation", "fhi_aims_energy_evaluation")).steps
    assert step.options["engine"] == "so3lr" and step.options["engine_settings"] == {}


# The real ones. Numbers by sevenn 0.13.0, dftd3 1.7.0, so3krates-torch 0.2.1 and torch 2.13, one thread; the molecule
# exactly as in the crystal.


def real(engine: type[PackagedModel], **settings: Any) -> PackagedModel:
    available, remark = engine.installed()
    if not available:
        pytest.skip(remark)
    return engine(**settings)


@pytest.mark.ml
@pytest.mark.parametrize(
    ("engine", "settings", "name", "Z", "lattice_energy"),
    [
        (SevenNetEngine, {}, "urea", 2, -136.94),
        (SevenNetEngine, {"weights": "11July2024"}, "urea", 2, -139.56),
        (SevenNetEngine, {}, "benzene", 4, -59.25),
        (SO3LREngine, {}, "urea", 2, -136.63),
        (SO3LREngine, {}, "benzene", 4, -50.12),
    ],
)
def test_lattice_energies(engine, settings, name, Z, lattice_energy):
    made = real(engine, **settings)
    bulk, single = made.evaluate(crystal(name)), made.evaluate(molecule(name))
    assert (bulk.energy / Z - single.energy) * KJ_PER_MOL == pytest.approx(lattice_energy, abs=0.1)
    assert single.stress is None and bulk.stress is not None


@pytest.mark.ml
@pytest.mark.parametrize(("weights", "change"), [("22May2024", -1.8), ("11July2024", -2.3)])
def test_the_volume_of_urea(weights, change):
    start = crystal("urea")
    found = real(SevenNetEngine, weights=weights).evaluate(start, relax=True)
    assert found.converged and found.details["spacegroup_after"] == 113 and not found.details["reacted"]
    # Where the stress is below smax. The project's ENGINES.md has -0.2 %: with these weights, -0.2 to -0.3 % is where
    # ASE's cell filter stops at 0.05 eV/Å.
    assert 100 * (found.structure.cell_volume / start.cell_volume - 1) == pytest.approx(change, abs=0.3)


@pytest.mark.ml
@pytest.mark.parametrize("engine", [SevenNetEngine, SO3LREngine])
def test_a_repeated_cell_has_the_same_energy_and_stress_is_its_slope(engine):
    made = real(engine)
    start = crystal("urea")
    one = made.evaluate(start)
    twice = Structure.from_ase(start.to_ase().repeat((2, 1, 1)))
    assert made.evaluate(twice).energy / 2 == pytest.approx(one.energy, abs=0.01 / KJ_PER_MOL)
    energies = []
    for sign in (1, -1):
        stretched = start.copy()
        stretched.lattice = start.lattice * (1 + sign * 3e-3)
        stretched.positions = start.positions * (1 + sign * 3e-3)
        energies.append(made.evaluate(stretched).energy)
    slope = (energies[0] - energies[1]) / 6e-3 / start.cell_volume
    assert np.trace(one.stress) == pytest.approx(slope, abs=2e-3)


@pytest.mark.ml
def test_the_two_models_in_one_process_do_not_change_each_other():
    seven, so3lr = real(SevenNetEngine), real(SO3LREngine)
    first = [engine.evaluate(crystal("urea")).energy for engine in (seven, so3lr)]
    again = [engine.evaluate(crystal("urea")).energy for engine in (seven, so3lr)]
    assert first == pytest.approx(again, abs=1e-5)


@pytest.mark.ml
def test_elements_beyond_the_real_models():
    crowd = Structure(None, ["H", "I"], [[0, 0, 0], [0, 0, 1.6]])
    with pytest.raises(EngineError, match="SO3LR was not trained on I"):
        real(SO3LREngine).evaluate(crowd)
    assert np.isfinite(real(SevenNetEngine).evaluate(crowd).energy)


@pytest.mark.ml
def test_what_so3lr_was_trained_on_is_what_its_weights_say():
    """An element's scale of the energy is 1, as it was made, where training never moved it."""
    [network] = real(SO3LREngine).calculator.models
    scales = network.atomic_energy_output_block.energy_scales.weight.flatten().tolist()
    assert {number for number, scale in enumerate(scales, start=1) if scale != 1.0} == set(TRAINED_ON)
