"""A crystal of an asymmetric molecule in each of spglib's 530 settings, and the files that describe it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import spglib
from numpy.typing import NDArray

# An atom of each of five elements, none in the plane of three others: no operation but the identity keeps it.
SPECIES = ("C", "H", "F", "O", "N")
SHAPE = np.array([[0, 0, 0], [1.1, 0, 0], [-0.45, 1.25, 0], [-0.5, -0.65, 1.1], [-0.55, -0.85, -1.05]])
_GENERAL = np.array([[49.0, 3, 5], [3, 81, 7], [5, 7, 121]])  # Å2: the metric of a cell without symmetry
_VOLUME = 400.0  # Å3 for each molecule
_CELL = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")


@dataclass(frozen=True)
class Crystal:
    """The asymmetric unit in its cell, and the operations of spglib's database."""

    kind: Any  # spglib's: number, symbols, choice, Hall symbol
    parameters: tuple[float, ...]  # Å and degrees
    lattice: NDArray[np.float64]
    unit: NDArray[np.float64]  # fractional
    rotations: NDArray[np.int64]
    translations: NDArray[np.float64]

    @property
    def atoms(self) -> NDArray[np.float64]:
        """(5, n, 3) fractional coordinates of the atoms of each element in the cell."""
        return np.einsum("aij,sj->sai", self.rotations, self.unit) + self.translations

    def farthest(self, fractional: NDArray[np.float64], species: list[str]) -> float:
        """Distance in Å of the atom that is farthest from all of the crystal, or the other way round."""
        if len(species) != self.atoms.shape[0] * self.atoms.shape[1]:
            return float("inf")
        distances = []
        for element, wanted in zip(SPECIES, self.atoms, strict=True):
            given = fractional[np.array([name == element for name in species], dtype=bool)]
            apart = given[:, None] - wanted
            apart -= np.rint(apart)
            between = np.sqrt(((apart @ self.lattice) ** 2).sum(axis=2))
            distances += [between.min(axis=0).max(initial=0.0), between.min(axis=1).max(initial=0.0)]
        return max(distances)

    def cif(self, symmetry: str, digits: int = 6) -> str:
        """The text of a file with some lines for the symmetry; `digits` of the coordinates."""
        cell = "".join(f"_cell_{name} {value:.7f}\n" for name, value in zip(_CELL, self.parameters, strict=True))
        columns = "".join(f"_atom_site_{name}\n" for name in ("label", "type_symbol", "fract_x", "fract_y", "fract_z"))
        atoms = "".join(
            f"{name}1 {name} " + " ".join(f"{x:.{digits}f}" for x in place) + "\n"
            for name, place in zip(SPECIES, self.unit, strict=True)
        )
        return f"data_x\n{cell}{symmetry}loop_\n{columns}{atoms}"

    @property
    def by_operations(self) -> str:
        """Lines that list the operations."""
        triplets = [_triplet(*one) for one in zip(self.rotations.tolist(), self.translations.tolist(), strict=True)]
        return "loop_\n_symmetry_equiv_pos_as_xyz\n" + "".join(f"'{text}'\n" for text in triplets)

    @property
    def by_hall(self) -> str:
        """A line with the Hall symbol, which may hold quotes."""
        return f"_space_group_name_Hall\n;{self.kind.hall_symbol}\n;\n"

    def by_symbol(self, full: bool) -> str:
        """A line with the full or short symbol and the choice."""
        symbol = self.kind.international_full if full else self.kind.international_short
        choice = f" :{self.kind.choice}" if self.kind.choice else ""
        return f"_space_group_name_H-M_alt '{symbol}{choice}'\n"


@cache
def crystal_of(hall_number: int) -> Crystal:
    """Make the crystal of a setting, 1 to 530."""
    kind: Any = spglib.get_spacegroup_type(hall_number)
    operations = spglib.get_symmetry_from_database(hall_number)
    rotations = np.array(operations["rotations"], dtype=np.int64)
    translations = np.array(operations["translations"])
    metric = np.mean(rotations.transpose(0, 2, 1) @ _GENERAL @ rotations, axis=0)
    scale = ((_VOLUME * len(rotations) + 400.0) ** 2 / np.linalg.det(metric)) ** (1 / 6)
    lattice = np.linalg.cholesky(metric) * scale
    places = np.random.default_rng(hall_number).random((60, 3))
    images = np.einsum("aij,sj->sai", rotations, places) + translations - places[:, None]
    images -= np.rint(images)
    near = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), axis=-1).reshape(-1, 3)
    apart = (((images[:, 1:, None] + near) @ lattice) ** 2).sum(axis=-1).min(axis=(1, 2), initial=1e9)
    middle = (SHAPE.max(axis=0) + SHAPE.min(axis=0)) / 2
    unit = places[apart.argmax()] + (SHAPE - middle) @ np.linalg.inv(lattice)
    lengths = np.linalg.norm(lattice, axis=1)
    cosines = [lattice[i] @ lattice[j] / (lengths[i] * lengths[j]) for i, j in ((1, 2), (0, 2), (0, 1))]
    parameters = (*lengths.tolist(), *np.degrees(np.arccos(cosines)).tolist())
    return Crystal(kind, parameters, lattice, unit, rotations, translations)


def _triplet(rotation: list[list[int]], translation: list[float]) -> str:
    """As the tables print operations: the translation first, as twelfths and eighths."""
    texts = []
    for row, shift in zip(rotation, translation, strict=True):
        turned = "".join(f"{'+' if k > 0 else '-'}{name}" for k, name in zip(row, "xyz", strict=True) if k)
        parts = round(shift * 24) % 24
        texts.append((f"{parts}/24" if parts else "") + turned)
    return ",".join(texts)
