"""How many structures a pool will hold, as far as the options tell before the run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Count:
    """How many structures a pool will hold.

    Attributes
    ----------
    number : int or None
        None where it cannot be said before the run.
    bound : str
        ``""`` (exactly), ``about`` or ``at most``.
    """

    number: int | None
    bound: str = ""

    def at_most(self) -> Count:
        """Return the same number as an upper bound."""
        return Count(self.number, "at most")


UNKNOWN = Count(None)
