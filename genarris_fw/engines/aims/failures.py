"""What FHI-aims, its launchers and the system say when a calculation fails, and which class of failure it is."""

from __future__ import annotations

BEGINNING = "Invoking FHI-aims"
END = "Have a nice day."
SCF_BEGINS = "Begin self-consistency loop"

# What an unfinished output says about why, in lower case, the most telling first; looked for near its end.
# Sources: the outputs themselves, FHI-aims' manual, and the error texts of srun, mpirun, PBS and the Intel run time.
_CAUSES = (
    ("memory", ("out of memory", "oom-kill", "oom_kill", "cannot allocate", "insufficient virtual memory")),
    ("memory", ("exceeded memory limit", "killed: mem ", "killed: vmem ", "killed: pmem ", "killed: pvmem ")),
    ("output", ("file too large", "no space left on device", "disk quota exceeded", "file size limit exceeded")),
    ("walltime", ("walltime restrictions", "due to time limit", "walltime exceeded", "killed: walltime")),
    ("walltime", ("time limit exceeded",)),
    (
        "launcher",
        ("command not found", "execvp", "execve(", "error while loading shared libraries", "not enough slots"),
    ),
    ("relaxation", ("inconsistency of forces", "number of relaxation steps exceeded", "trusted_descent")),
    ("scf", ("cycle not converged", "cycle did not converge", "cycle not yet converged")),
)
# What a crash says: what follows is only the way it went, and the launcher ends the other ranks by SIGTERM.
_CRASHES = ("sigsegv", "segmentation", "sigfpe", "sigill", "sigabrt", "sigbus", "forrtl: severe")
_ENDED = ("sigterm",)
_REFUSALS = ("abort", "* error", "stopping")
_NEAR_THE_END = 20_000
_LONGEST_LINE = 160


def classify(text: str, errors: str = "") -> str:
    """Return the class of failure of an output that is not whole.

    Parameters
    ----------
    text : str
        The output.
    errors : str, optional
        What came on the standard error.

    Returns
    -------
    str
        A ``kind`` of `EngineError`.
    """
    return diagnose(text, errors)[0]


def diagnose(text: str, errors: str = "") -> tuple[str, str]:
    """Return the class of failure, and the line that tells it (the last one where no line does)."""
    lines = _said(text) + _said(errors)
    last = lines[-1] if lines else ""
    if not text.strip() and not errors.strip():
        return "launcher", last
    for kind, words in _CAUSES:
        told = _line_with(lines, words)
        if told:
            return kind, told
    if BEGINNING not in text:
        return "launcher", last
    crashed = _line_with(lines, _CRASHES)
    if crashed:
        return "crash", crashed
    ended = _line_with(lines, _ENDED)
    if ended:
        return "walltime", ended
    # In its own words only: launchers "abort" whatever has failed.
    refused = _line_with(_said(text), _REFUSALS)
    return ("input", refused) if refused and SCF_BEGINS not in text else ("crash", last)


def _said(text: str) -> list[str]:
    """The last lines, without those that only repeat comments of the input."""
    lines = (line.strip() for line in text[-_NEAR_THE_END:].splitlines())
    return [line for line in lines if line and not line.startswith("#") and line.strip("-=*+ ")]


def _line_with(lines: list[str], words: tuple[str, ...]) -> str:
    for line in lines:
        low = line.lower()
        if any(word in low for word in words):
            return line[:_LONGEST_LINE]
    return ""
