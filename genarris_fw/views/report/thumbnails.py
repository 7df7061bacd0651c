"""Small drawings of crystals and molecules, as SVG of our own: whole molecules in their cell."""

from __future__ import annotations

import itertools
from html import escape

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal import Molecule, Structure, covalent_radius
from genarris_fw.crystal.crystal_bonds import bonds_of_crystal
from genarris_fw.crystal.molecules import molecules_of
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]

SIZE = 132.0  # of the drawing's longer side
MARGIN = 6.0
# More atoms than these are lines alone, and beyond it the picture is of no use and as large as all others.
MOST_ATOMS = 600
MOST_CIRCLES = 240
# The view: turned a little about the vertical and the horizontal axis, so that no edge hides another. Degrees.
TURN, TILT = 14.0, -11.0
# As chemists paint them; readable on white and on black. Others are violet.
COLORS = {
    "H": "#b8bec6",
    "C": "#7b8794",
    "N": "#3f74d8",
    "O": "#d8433f",
    "F": "#5fb55a",
    "Cl": "#3f9e46",
    "Br": "#a2553a",
    "I": "#8146a8",
    "S": "#d0a52a",
    "P": "#e07f2b",
    "B": "#e39a8a",
    "Si": "#c8a27c",
}
OTHER = "#a066c9"
_CORNERS = np.array(list(itertools.product((0, 1), repeat=3)), dtype=float)
_EDGES = [(i, j) for i, j in itertools.combinations(range(8), 2) if np.abs(_CORNERS[i] - _CORNERS[j]).sum() == 1]


def drawing(structure: Structure, title: str, molecule: Molecule | None = None) -> str:
    """Draw a crystal, or a molecule, as SVG.

    Parameters
    ----------
    structure : Structure
        A crystal is shown with its cell, looked at along its shortest axis, and whole molecules whose middles lie
        in the cell.
    title : str
        What it is, for those who do not see it.
    molecule : Molecule, optional
        What the crystal is made of, where that is known.

    Returns
    -------
    str
        An ``<svg>`` element; lines of the cell have the colour of the text around it. Empty for a structure without
        atoms, of more than 600, or with a bond without end.
    """
    if not 0 < len(structure) <= MOST_ATOMS:
        return ""
    try:
        points, cell = _placed(structure, molecule)
    except InputError:
        return ""
    bonds = bonds_of_crystal(Structure(None, structure.species, points, {}), None)
    turn = _view(structure)
    atoms, corners = points @ turn, cell @ turn
    everything = np.vstack([atoms, corners]) if len(corners) else atoms
    low, high = everything[:, :2].min(axis=0) - 0.7, everything[:, :2].max(axis=0) + 0.7
    scale = (SIZE - 2 * MARGIN) / max(high - low)
    width, height = (high - low) * scale + 2 * MARGIN

    def at(place: Floats) -> tuple[str, str]:
        x, y = (place[:2] - low) * scale + MARGIN
        return f"{x:.1f}", f"{height - y:.1f}"

    parts = [_line(at(corners[i]), at(corners[j]), "currentColor", 0.7, "cell") for i, j in _EDGES if len(corners)]
    shapes: list[tuple[float, str]] = []
    for i, j in zip(bonds.first.tolist(), bonds.second.tolist(), strict=True):
        middle = (atoms[i] + atoms[j]) / 2
        for end in (i, j):
            line = _line(at(atoms[end]), at(middle), _color(structure.species[end]), max(1.0, 0.24 * scale))
            shapes.append((float(middle[2]), line))
    if len(structure) <= MOST_CIRCLES:
        for name, place in zip(structure.species, atoms, strict=True):
            x, y = at(place)
            radius = (0.16 if name == "H" else 0.42 * covalent_radius(name)) * scale
            shapes.append(
                (float(place[2]) + 0.05, f'<circle cx="{x}" cy="{y}" r="{radius:.1f}" fill="{_color(name)}"/>')
            )
    parts += [shape for _, shape in sorted(shapes, key=lambda pair: pair[0])]
    view = f'viewBox="0 0 {width:.0f} {height:.0f}"'
    return f'<svg class="crystal" role="img" aria-label="{escape(title)}" {view}>{"".join(parts)}</svg>'


def _placed(structure: Structure, molecule: Molecule | None) -> tuple[Floats, Floats]:
    """Return positions of whole molecules, their middles within the cell, and the corners of the cell."""
    if structure.lattice is None:
        return structure.positions, np.zeros((0, 3))
    places, parts = molecules_of(structure, molecule)
    places = np.array(places, dtype=float)
    inverse = np.linalg.inv(structure.lattice)
    for part in parts:
        middle = places[part].mean(axis=0) @ inverse
        places[part] -= np.floor(middle + 1e-6) @ structure.lattice
    return places, _CORNERS @ structure.lattice


def _view(structure: Structure) -> Floats:
    """Return the matrix that turns positions into (right, up, towards the eye)."""
    if structure.lattice is None:
        middle = structure.positions - structure.positions.mean(axis=0)
        turn = np.linalg.svd(middle, full_matrices=True)[2].T if len(structure) > 1 else np.eye(3)
    else:
        order = np.argsort(np.linalg.norm(structure.lattice, axis=1), kind="stable")
        eye = structure.lattice[order[0]] / np.linalg.norm(structure.lattice[order[0]])
        right = structure.lattice[order[2]] - (structure.lattice[order[2]] @ eye) * eye
        right /= np.linalg.norm(right)
        turn = np.column_stack([right, np.cross(eye, right), eye])
    a, b = np.radians([TURN, TILT])
    about_up = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_right = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return np.asarray(turn @ about_up @ about_right)


def _color(name: str) -> str:
    return COLORS.get(name, OTHER)


def _line(start: tuple[str, str], end: tuple[str, str], color: str, width: float, kind: str = "") -> str:
    about = f' class="{kind}"' if kind else ""
    return (
        f'<line{about} x1="{start[0]}" y1="{start[1]}" x2="{end[0]}" y2="{end[1]}" stroke="{color}" '
        f'stroke-width="{width:.1f}" stroke-linecap="round"/>'
    )
