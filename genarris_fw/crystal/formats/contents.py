"""What a file says that its crystal is made of, and whether what was read is that."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from genarris_fw.crystal.formats.elements import is_element
from genarris_fw.errors import InputError

_PART = re.compile(r"([A-Z][a-z]?)(\d+(?:\.\d*)?|\.\d+)?")
_SLACK = 0.01  # of a formula's numbers, relative: they are rounded where there is disorder
_WEIGHT_OF_D = {"D": "H", "T": "H"}


@dataclass(frozen=True)
class Contents:
    """The formula and the number of formula units that a file states; None for what it does not.

    Attributes
    ----------
    formula : mapping of str to float
        Atoms of each element in one formula unit; deuterium counts as hydrogen.
    Z : float
        Formula units in the cell.
    sure : bool
        Whether the formula is a sum; what is added up of moieties is often abridged, and tells only of hydrogens that
        are missing.
    """

    formula: dict[str, float] | None = None
    Z: float | None = None
    sure: bool = True

    def compare(self, species: Sequence[str]) -> None:
        """Compare the atoms of a cell with what is stated.

        Raises
        ------
        InputError
            Where they are others: hydrogens that have no coordinates, a formula or a number Z that is not met.
        """
        found = Counter(species)
        if self.formula is None:
            self._compare_units(found)
            return
        if not self.sure and not self._lacks_hydrogens(found):
            return
        if set(found) - set(self.formula):
            extra = ", ".join(sorted(set(found) - set(self.formula)))
            raise InputError(
                f"there are atoms of {extra}, which the formula {self.stated} has not; correct one of them"
            )
        units = self.Z or max(found[name] / number for name, number in self.formula.items())
        expected = {name: number * units for name, number in self.formula.items()}
        wrong = [name for name, number in expected.items() if abs(found[name] - number) > max(_SLACK * number, 0.01)]
        if not wrong:
            return
        if wrong == ["H"] and found["H"] < expected["H"]:
            missing = f"{expected['H'] - found['H']:g} of the {expected['H']:g} hydrogens in the cell"
            raise InputError(
                f"{missing} have no coordinates (the formula is {self.stated}, Z {units:g}): add them to the file, for "
                "example with Mercury or Avogadro"
            )
        number = {name: found[name] / self.formula[name] for name in self.formula}
        alike = max(number.values()) - min(number.values()) <= _SLACK * max(number.values())
        if alike and self.Z:
            raise InputError(
                f"the cell has {max(number.values()):g} formula units {self.stated}, but Z is stated to be {self.Z:g}: "
                "correct Z, the symmetry operations or the space group"
            )
        there = " ".join(f"{name}{found[name]}" for name in sorted(self.formula))
        wanted = " ".join(f"{name}{expected[name]:g}" for name in sorted(self.formula))
        raise InputError(
            f"the cell has the atoms {there}, but {units:g} formula units {self.stated} are {wanted}: correct the "
            "formula, Z, the atoms or the space group"
        )

    def _lacks_hydrogens(self, found: Counter[str]) -> bool:
        """Whether all is there but hydrogens."""
        others = {name: found[name] / number for name, number in (self.formula or {}).items() if name != "H"}
        if not others or set(found) - set(self.formula or {}):
            return False
        units = self.Z or max(others.values())
        return all(abs(part - units) < 1e-6 for part in others.values())

    def is_cell_of(self, unit: dict[str, float]) -> bool:
        """Tell whether the formula is Z times that of a unit: of the cell's contents, and not of one formula unit."""
        if self.formula is None or not self.Z or set(unit) != set(self.formula):
            return False
        return all(abs(number * self.Z - self.formula[name]) < 1e-6 for name, number in unit.items())

    @property
    def stated(self) -> str:
        """The formula as a text."""
        return " ".join(f"{name}{number:g}" if number != 1 else name for name, number in (self.formula or {}).items())

    def _compare_units(self, found: Counter[str]) -> None:
        if self.Z is not None and self.Z == int(self.Z) > 0 and any(number % int(self.Z) for number in found.values()):
            there = " ".join(f"{name}{number}" for name, number in sorted(found.items()))
            raise InputError(
                f"the atoms of the cell, {there}, cannot be shared out to the {self.Z:g} formula units that are "
                "stated: correct Z, the atoms or the space group"
            )


def parse_formula(text: str) -> dict[str, float] | None:
    """Read a formula such as ``C2 H5 Cl O`` or ``C6H6``.

    Parameters
    ----------
    text : str
        Elements with their numbers; a charge at its end counts for nothing.

    Returns
    -------
    dict of str to float or None
        None for what is no formula of elements alone (brackets, unknown numbers n, other words).
    """
    plain = re.sub(r"\s+(\d*[+-]|[+-]\d*)$", "", text.strip().strip("'\""))
    plain = re.sub(r"[\s,]+", "", plain)
    found: dict[str, float] = {}
    at = 0
    while at < len(plain):
        match = _PART.match(plain, at)
        if match is None:
            return None
        name = _WEIGHT_OF_D.get(match[1], match[1])
        if not is_element(name):
            return None
        found[name] = found.get(name, 0.0) + float(match[2] or 1)
        at = match.end()
    found = {name: number for name, number in found.items() if number}
    return found or None


def parse_moieties(text: str) -> dict[str, float] | None:
    """Read the formulae of several molecules, such as ``2(C6 H6), H2 O``, and add them up; None as `parse_formula`."""
    total: Counter[str] = Counter()
    for part in text.strip().strip("'\"").split(","):
        match = re.fullmatch(r"\s*(\d+(?:\.\d*)?)?\s*(?:\(([^()]*)\)|([^()]*))\s*", part)
        formula = None if match is None else parse_formula(match[2] or match[3] or "")
        if match is None or formula is None:
            return None
        for name, number in formula.items():
            total[name] += number * float(match[1] or 1)  # type: ignore[assignment]
    return dict(total) or None


def formula_of(species: Sequence[str], units: int) -> str | None:
    """Return the formula, in Hill order, of each of some equal units; None where the atoms cannot be shared out."""
    numbers = Counter(species)
    if any(number % units for number in numbers.values()):
        return None
    order = sorted(numbers, key=lambda name: (("C", "H").index(name) if name in ("C", "H") else 2, name))
    order = order if "C" in numbers else sorted(numbers)
    return " ".join(name + (str(numbers[name] // units) if numbers[name] > units else "") for name in order)
