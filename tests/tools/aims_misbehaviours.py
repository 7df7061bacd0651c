"""Every way in which the stand-in of FHI-aims misbehaves, and what the engine is to make of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aims_inputs import COMMAND, control

from genarris_fw.crystal import Structure
from genarris_fw.engines import Context
from genarris_fw.engines.aims import AimsEngine
from genarris_fw.errors import EngineError

# A bent water molecule away from its minimum: some steps to relax.
WATER = Structure(None, ["O", "H", "H"], [[0, 0, 0.12], [0, 0.78, -0.47], [0, -0.75, -0.5]], struct_id="water")
SETTINGS: dict[str, Any] = {"grace": 0.5, "max_restarts": 1, "max_gigabytes": 0.003}
# s; shorter than this the stand-in itself may be silent on a busy machine.
SILENCE = 10.0


@dataclass(frozen=True)
class Case:
    """One misbehaviour under one set of settings.

    Attributes
    ----------
    mood : str
        What ``AIMS_STAND_IN_MISBEHAVE`` says.
    relax : bool
        Whether a relaxation meets it.
    kind : str or None
        The class of failure; None where the engine is to come through.
    attempts : int
        How often FHI-aims is to be started.
    settings : dict
        Of the engine.
    always : bool
        Whether every start misbehaves, or the first alone.
    cure : str
        What alone helps a cycle that does not converge; empty: anything.
    """

    mood: str
    relax: bool
    kind: str | None
    attempts: int
    settings: dict[str, Any] = field(default_factory=dict)
    always: bool = True
    cure: str = ""

    @property
    def name(self) -> str:
        """What it is called in tables."""
        what = [self.mood or "none", "relaxation" if self.relax else "single point"]
        how = [f"{key} = {value}" for key, value in self.settings.items() if key != "silence"]
        return ", ".join(
            [*what, *how, *([] if self.always else ["once"]), *([f"cured by {self.cure}"] if self.cure else [])]
        )

    @property
    def environment(self) -> dict[str, str]:
        """What the stand-in is told, besides where it counts its starts."""
        cure = {"AIMS_STAND_IN_CURE": self.cure} if self.cure else {}
        times = "1000" if self.always else "1"
        return {"AIMS_STAND_IN_MISBEHAVE": self.mood, "AIMS_STAND_IN_TIMES": times} | cure


CASES = (
    Case("", False, None, 1),
    Case("crash", False, "crash", 1),
    Case("crash", True, "crash", 1),
    Case("hang", False, "hang", 1, {"silence": SILENCE}),
    Case("hang_hard", False, "hang", 1, {"silence": SILENCE}),
    Case("truncated", False, "crash", 1),
    Case("scf_unconverged", False, "scf", 1),
    Case("scf_unconverged", False, None, 2, {"auto_correct": True}),
    Case("scf_unconverged", False, None, 3, {"auto_correct": True}, cure="cycles"),
    Case("scf_unconverged", False, None, 4, {"auto_correct": True}, cure="preconditioner"),
    Case("scf_unconverged", True, None, 2, {"auto_correct": True}),
    Case("scf_never", False, "scf", 4, {"auto_correct": True}),
    Case("relaxation_limit", True, "relaxation", 1, {"max_restarts": 0}),
    Case("relaxation_limit", True, "relaxation", 2),
    Case("relaxation_limit", True, None, 2, always=False),
    Case("memory", False, "memory", 1),
    Case("memory", True, "memory", 1),
    Case("walltime", False, "walltime", 1),
    Case("walltime", True, "walltime", 2),
    Case("walltime", True, None, 2, always=False),
    Case("wrong_geometry", False, "input", 1),
    Case("nan", False, "crash", 1),
    Case("endless", False, "output", 1),
    Case("launcher", False, "launcher", 1),
    Case("asleep:1", False, None, 1),
)


@dataclass(frozen=True)
class Outcome:
    """What came of a case.

    Attributes
    ----------
    kind : str or None
        The class of failure that was raised.
    permanent : bool
        Whether trying again is said to be vain.
    energy : float or None
        eV, where the engine gave one.
    attempts : int
        How often the stand-in was started.
    message : str
        What was said.
    """

    kind: str | None
    permanent: bool
    energy: float | None
    attempts: int
    message: str


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Variables that the stand-in finds for a while."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def starts(folder: Path) -> int:
    """How often the stand-in was started, as its counts say."""
    return sum(path.stat().st_size for path in folder.glob("*"))


def carry_out(case: Case, folder: Path, structure: Structure = WATER) -> Outcome:
    """Let the engine meet a misbehaviour, with its files below a folder."""
    counts = folder / "starts"
    text = control(dict.fromkeys(structure.species), case.relax, structure.lattice is not None)
    engine = AimsEngine(aims_command=COMMAND, control=text, **(SETTINGS | case.settings))
    with environment(**case.environment, AIMS_STAND_IN_ONCE=str(counts)):
        try:
            found = engine.evaluate(structure, relax=case.relax, context=Context(folder=folder / "results"))
        except EngineError as error:
            return Outcome(error.kind, error.permanent, None, starts(counts), str(error))
    return Outcome(None, False, found.energy, starts(counts), str(found.details.get("corrections", "")))
