"""Correcting a calculation that failed: handlers in the manner of custodian, each tried a limited number of times.

A handler knows one failure and one remedy. It changes the input of a job and says in words what it changed; that is
recorded with the energy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from genarris_fw.errors import EngineError

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Handler(Generic[Job]):
    """One remedy for one failure.

    Attributes
    ----------
    name : str
        Of the handler, unique among those used together.
    kind : str
        The class of failure (`EngineError.kind`) that it is for.
    correct : callable
        ``correct(failure, job)`` changes the job's input and returns in words what it changed, or None where it
        does not apply.
    most : int
        How often it may be used for one structure.
    """

    name: str
    kind: str
    correct: Callable[[EngineError, Job], str | None]
    most: int = 1


def with_corrections(
    job: Job, attempt: Callable[[Job], Result], handlers: Sequence[Handler[Job]]
) -> tuple[Result, list[str]]:
    """Attempt a job; after a failure correct it and attempt it again, until no handler is left for the failure.

    Parameters
    ----------
    job : object
        What is attempted; handlers change it.
    attempt : callable
        Called with the job.
    handlers : sequence of Handler
        Asked in this order; the first that applies corrects.

    Returns
    -------
    result : object
        Of the attempt that succeeded.
    corrections : list of str
        ``kind: what was changed``, in the order in which it was done.

    Raises
    ------
    EngineError
        The last failure, which says what was tried.
    """
    used: Counter[str] = Counter()
    corrections: list[str] = []
    while True:
        try:
            return attempt(job), corrections
        except EngineError as failure:
            done = _correct(failure, job, handlers, used)
            if done is None:
                if not corrections:
                    raise
                words = f"{failure}; tried: {', '.join(corrections)}"
                raise EngineError(words, failure.kind, failure.permanent, failure.folder, failure.output) from failure
            corrections.append(f"{failure.kind}: {done}")


def _correct(failure: EngineError, job: Job, handlers: Sequence[Handler[Job]], used: Counter[str]) -> str | None:
    for handler in handlers:
        if handler.kind == failure.kind and used[handler.name] < handler.most:
            done = handler.correct(failure, job)
            if done is not None:
                used[handler.name] += 1
                return done
    return None
