"""Remedies for calculations that failed: gentler self-consistent cycles, relaxations gone on with.

The keywords are those of FHI-aims' manual (sections "SCF cycle" and "Energy derivatives and geometry optimization").
None of them changes the energy of a converged calculation.
"""

from __future__ import annotations

from dataclasses import dataclass

from genarris_fw.engines.aims.control import CYCLES_DEFAULT, MIXING_DEFAULT
from genarris_fw.engines.aims.job import NEXT_STEP, AimsJob
from genarris_fw.engines.aims.settings import AimsSettings
from genarris_fw.engines.programs.handlers import Handler
from genarris_fw.errors import EngineError

LARGEST_GENTLE_MIXING = 0.05
MORE_CYCLES = 3
KERKER = "2.0"
LARGEST_NUMBER = 1e9  # of cycles, and of whatever else a control.in counts


def handlers(options: AimsSettings) -> list[Handler[AimsJob]]:
    """Return the remedies in the order in which they are tried."""
    gentler = [
        Handler[AimsJob]("smaller mixing", "scf", smaller_mixing),
        Handler[AimsJob]("more cycles", "scf", more_cycles),
        Handler[AimsJob]("preconditioner", "scf", switch_preconditioner),
    ]
    most = options.max_restarts
    going_on = [
        Handler[AimsJob](f"restart after {kind}", kind, _Restart(most), most) for kind in ("relaxation", "walltime")
    ]
    return [*(gentler if options.auto_correct else []), *going_on]


def smaller_mixing(failure: EngineError, job: AimsJob) -> str:
    """Mix a quarter of the new density in, 0.05 at most."""
    old = _number(job, "charge_mix_param", MIXING_DEFAULT)
    new = min(LARGEST_GENTLE_MIXING, old / 4)
    job.control = job.control.with_keyword("charge_mix_param", f"{new:g}")
    return f"charge_mix_param {new:g}"


def more_cycles(failure: EngineError, job: AimsJob) -> str:
    """Allow three times as many cycles."""
    new = MORE_CYCLES * round(_number(job, "sc_iter_limit", CYCLES_DEFAULT))
    job.control = job.control.with_keyword("sc_iter_limit", str(new))
    return f"sc_iter_limit {new}"


def switch_preconditioner(failure: EngineError, job: AimsJob) -> str:
    """Switch Kerker's preconditioner on where it is off, and off where it is on (by default for a crystal)."""
    kerker = [words for words in job.control.values("preconditioner") if words[:1] == ["kerker"]]
    on = kerker[-1][1:2] != ["off"] if kerker else job.structure.lattice is not None
    value = "kerker off" if on else f"kerker {KERKER}"
    job.control = job.control.with_keyword("preconditioner", value)
    return f"preconditioner {value}"


@dataclass(frozen=True)
class _Restart:
    """Go on with a relaxation from the geometry that it has come to."""

    most: int

    def __call__(self, failure: EngineError, job: AimsJob) -> str | None:
        if not job.moved or job.must_end or job.restarts >= self.most:
            return None
        job.restarts += 1
        return f"restart from {NEXT_STEP}{' with its Hessian' if job.hessian is not None else ''}"


def _number(job: AimsJob, keyword: str, default: float) -> float:
    words = job.control.value(keyword) or []
    try:
        value = float(words[0].lower().replace("d", "e"))
    except (IndexError, ValueError):
        return default
    return value if 0 < value < LARGEST_NUMBER else default  # FHI-aims says what is wrong with others
