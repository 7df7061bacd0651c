"""What is tried, once each, when Elk's self-consistent loop does not converge; none changes a converged energy."""

from __future__ import annotations

from genarris_fw.engines.lapw.elk_input import Loop
from genarris_fw.engines.programs.handlers import Handler
from genarris_fw.errors import EngineError

MORE_LOOPS = 3
# A fifth of Elk's own first step of adaptive mixing (0.05).
SMALL_STEP = 0.01


def _adaptive_mixing(failure: EngineError, loop: Loop) -> str | None:
    if loop.mixing == "adaptive":
        return None
    loop.mixing = "adaptive"
    return "adaptive mixing"


def _more_loops(failure: EngineError, loop: Loop) -> str:
    loop.most *= MORE_LOOPS
    return f"{loop.most} loops"


def _smaller_mixing(failure: EngineError, loop: Loop) -> str | None:
    if loop.mixing == "broyden":
        return None
    loop.first_step = SMALL_STEP
    return f"smaller mixing, {SMALL_STEP}"


HANDLERS: tuple[Handler[Loop], ...] = (
    Handler("adaptive mixing", "scf", _adaptive_mixing),
    Handler("more loops", "scf", _more_loops),
    Handler("smaller mixing", "scf", _smaller_mixing),
)
