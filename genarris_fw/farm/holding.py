"""A firework's lease in the hands of a rocket."""

from __future__ import annotations

from dataclasses import dataclass

from genarris_fw.catalogue import Catalogue


@dataclass
class Holding:
    """A firework's lease while it is held.

    Attributes
    ----------
    catalogue : Catalogue
        The database.
    identifier : str
        The lease's name.
    owner, token : str, int
        Under which it is held.
    unfinished : bool
        The firework ends before its work does: its lease is given back, not closed.
    """

    catalogue: Catalogue
    identifier: str
    owner: str
    token: int
    unfinished: bool = False

    def still_mine(self) -> bool:
        """Tell whether nobody has taken the lease over."""
        return self.catalogue.leases.held(self.identifier, self.token)
