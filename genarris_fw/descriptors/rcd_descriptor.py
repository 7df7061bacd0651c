"""What the relative coordinate descriptor of a crystal consists of, and its form as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.descriptors.rcd_frames import FORMS
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]

NUMBERS = {"general": 6, "symmetric": 12, "linear": 6}  # per neighbour
NEAREST = 1e-6  # Å; centres of molecules that are closer have no direction


@dataclass(frozen=True, eq=False)
class Environment:
    """What surrounds a molecule of a crystal, in the molecule's own axes.

    Attributes
    ----------
    weight : float
        Share of the crystal's molecules that are surrounded so, or by the mirror image.
    both : bool
        Whether some of them are surrounded so and others by the mirror image.
    neighbours : (k, 6) or (k, 12) ndarray
        By rising distance. A row begins with t, the vector to the neighbour's centre of mass in Å. Then come,
        for a molecule of the form ``general``, the cosines between the same-named axes of both molecules; for
        ``symmetric`` those between all axes, row by row of the matrix (own axis, neighbour's axis); for
        ``linear``, with the molecules' axes a and b and the direction d, the numbers a.b, b.d and (a x b).d.
    """

    weight: float
    both: bool
    neighbours: Floats


@dataclass(frozen=True, eq=False)
class RelativeCoordinates:
    """The relative coordinate descriptor of a crystal.

    Attributes
    ----------
    form : str
        ``general``, ``symmetric`` or ``linear``, see `genarris_fw.descriptors.rcd_frames.MolecularAxes`.
    close_picks : int
        Number of neighbours; an environment holds more where several are equally far.
    operations : (m, 3, 3) ndarray
        The molecule's proper operations in its own axes.
    mirror : (3, 3) ndarray
        What a vector in these axes becomes when the crystal is mirrored.
    environments : list of Environment
    """

    form: str
    close_picks: int
    operations: Floats
    mirror: Floats
    environments: list[Environment]

    def to_plain(self) -> dict[str, Any]:
        """Return the descriptor as a dict of plain numbers and nested lists, for json and MongoDB.

        Returns
        -------
        dict
            ``form``, ``close_picks``, ``operations``, ``mirror`` and ``environments``, a list of dicts of
            ``weight``, ``both`` and ``neighbours``; each as the attribute of that name.
        """
        return {
            "form": self.form,
            "close_picks": self.close_picks,
            "operations": self.operations.tolist(),
            "mirror": self.mirror.tolist(),
            "environments": [
                {"weight": float(one.weight), "both": bool(one.both), "neighbours": one.neighbours.tolist()}
                for one in self.environments
            ],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], where: str = "the descriptor") -> RelativeCoordinates:
        """Read what `to_plain` wrote.

        Parameters
        ----------
        plain : mapping
            As `to_plain` returns it.
        where : str, optional
            What an error calls it.

        Returns
        -------
        RelativeCoordinates

        Raises
        ------
        InputError
            Where something is missing or is not what it should be.
        """
        try:
            environments = [
                Environment(float(one["weight"]), bool(one["both"]), np.array(one["neighbours"], dtype=float))
                for one in plain["environments"]
            ]
            found = cls(
                str(plain["form"]),
                int(plain["close_picks"]),
                np.array(plain["operations"], dtype=float),
                np.array(plain["mirror"], dtype=float),
                environments,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{where} is not an RCD descriptor ({type(error).__name__}: {error}); run RCD_Calculation again"
            ) from None
        problem = found.problem()
        if problem:
            raise InputError(f"{where} is not an RCD descriptor: {problem}; run RCD_Calculation again")
        return found

    def problem(self) -> str:
        """Return what is wrong with the numbers, or an empty string."""
        if self.form not in FORMS:
            return f"its form is {self.form!r}"
        if self.operations.ndim != 3 or self.operations.shape[1:] != (3, 3) or self.mirror.shape != (3, 3):
            return "its operations are not 3 x 3 matrices"
        matrices = np.concatenate([self.operations, self.mirror[None]])
        if not np.allclose(matrices @ matrices.transpose(0, 2, 1), np.eye(3), atol=1e-6):
            return "its operations are not orthogonal"
        if self.close_picks < 1 or not self.environments:
            return "it has no neighbours"
        if not abs(sum(one.weight for one in self.environments) - 1.0) < 1e-6:
            return "its weights do not make 1"
        for one in self.environments:
            rows = one.neighbours
            if rows.ndim != 2 or rows.shape[1] != NUMBERS[self.form] or len(rows) < self.close_picks:
                return f"an environment has the shape {rows.shape}"
            if not (one.weight > 0 and np.isfinite(rows).all()):
                return "a number is not finite, or a weight not positive"
            distances = np.linalg.norm(rows[:, :3], axis=1)
            if distances.min() < NEAREST or (np.diff(distances) < -1e-9).any():
                return "its neighbours are not sorted by their distances"
        return ""
