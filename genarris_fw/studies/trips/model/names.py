"""What categories and zones are called, in messages and in tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import SupportsIndex


@dataclass(frozen=True)
class Names:
    """Names as a modeller's tables give them.

    Parameters
    ----------
    categories, origins, destinations : tuple of str
    """

    categories: tuple[str, ...]
    origins: tuple[str, ...]
    destinations: tuple[str, ...]

    @classmethod
    def numbers(cls, categories: int, origins: int, destinations: int) -> Names:
        """Return names that are numbers, from 1 on."""
        return cls(*(tuple(str(i + 1) for i in range(count)) for count in (categories, origins, destinations)))

    @property
    def shape(self) -> tuple[int, int, int]:
        """How many there are of each: categories, origins, destinations."""
        return len(self.categories), len(self.origins), len(self.destinations)

    def category(self, n: SupportsIndex) -> str:
        """Return how a message calls a category."""
        return f"category {self.categories[n]}"

    def origin(self, o: SupportsIndex) -> str:
        """Return how a message calls an origin."""
        return f"origin {self.origins[o]}"

    def destination(self, d: SupportsIndex) -> str:
        """Return how a message calls a destination."""
        return f"destination {self.destinations[d]}"

    def pair(self, o: SupportsIndex, d: SupportsIndex) -> str:
        """Return how a message calls a pair of zones."""
        return f"from {self.origins[o]} to {self.destinations[d]}"
