"""The golden cases: crystals whose energies DMACRYS has printed, read from the files of peterspackman/occ.

Each has the cell, atoms and operations of the crystal, and, for each kind of molecule, sites and multipoles in a frame
of its own (bohr, e bohr^l). The sites are laid on the crystal's molecules by their heavy atoms: the hydrogens of some
cases were moved into their bonds.
"""

import itertools
import json
import re
from dataclasses import dataclass

import numpy as np
from ase.geometry import cellpar_to_cell

from genarris_fw.lattice import multipoles as m

RADII = {"H": 0.31, "C": 0.76, "N": 0.71, "O": 0.66, "F": 0.57, "Cl": 1.02, "Br": 1.2}
KJ_PER_EV = 96.4853321
# Centring that the files leave out, as translations of the cell that they give.
CENTRING = {"BTXXIII": [[0.0, 0.5, 0.5]]}


# KONTIQ's multipoles are in local axes that its file does not say: x from the first site to the second, y on the side
# of the third (or away from it, -1). Found as the axes with which all components are those of DMACRYS: two angles,
# three energies of 10 to 60 kJ/mol.
KONTIQ_AXES = [("C_F1_2____", "C_F1_1____", "C_F1_7____", 1), ("O_F1_6____", "H_Wa_7____", "H_Wa_8____", -1)]


@dataclass
class Case:
    name: str
    data: dict
    lattice: np.ndarray  # (3, 3) rows, Å
    molecules: list  # independent: (sites (k, 3) Å, multipoles (k, 25), rows of the file's sites)
    operations: list  # (W, w), fractional, the identity first
    cell: list  # all molecules: (number of the independent one, sites (k, 3) Å, multipoles (k, 25))
    formula_units: int  # in the cell that DMACRYS has used, a primitive one
    units: int  # in this cell

    def energy(self, name, state="initial"):
        """A component, kJ/mol per molecule."""
        values = self.data["reference"][state]
        if name == "total":
            return values["total_kJ_per_mol"]
        key = f"{name}_kJ"
        return values[key] if key in values else values[f"{name}_eV"] * KJ_PER_EV / self.formula_units


def cell_of(cell):
    return cellpar_to_cell([cell[name] for name in ("a", "b", "c", "alpha", "beta", "gamma")])


def operation(text):
    w, t = np.zeros((3, 3)), np.zeros(3)
    for i, part in enumerate(text.replace(" ", "").lower().split(",")):
        for sign, token in re.findall(r"([+-]?)([0-9./]+|[xyz])", part):
            value = -1 if sign == "-" else 1
            if token in "xyz":
                w[i, "xyz".index(token)] += value
            else:
                top, _, bottom = token.partition("/")
                t[i] += value * float(top) / float(bottom or 1)
    return w, t


def closed(operations, centring):
    found = [(np.eye(3), np.zeros(3)), *operations, *((np.eye(3), np.array(c)) for c in centring)]

    def known(w, t):
        return any(np.allclose(w, v) and np.allclose((t - s + 0.5) % 1 - 0.5, 0, atol=1e-4) for v, s in unique)

    unique = []
    for w, t in found:
        if not known(w, t):
            unique.append((w, t % 1))
    grown = True
    while grown:
        grown = False
        for (w, t), (v, s) in itertools.product(list(unique), list(unique)):
            if not known(w @ v, w @ s + t):
                unique.append((w @ v, (w @ s + t) % 1))
                grown = True
    return unique


def fragments(elements, distance):
    """Rows of bonded atoms; distance(i, j) in Å."""
    left, out = set(range(len(elements))), []
    while left:
        queue = [min(left)]
        left -= set(queue)
        for i in queue:
            near = [j for j in sorted(left) if distance(i, j) < RADII[elements[i]] + RADII[elements[j]] + 0.3]
            queue += near
            left -= set(near)
        out.append(queue)
    return out


def whole(elements, fractional, lattice):
    """Molecules of the crystal's atoms, brought together: rows and positions."""
    shifts = np.array(list(itertools.product([-1, 0, 1], repeat=3)))

    def nearest(a, b):
        d = b - a
        d = d - np.rint(d) + shifts
        return d[np.argmin(np.linalg.norm(d @ lattice, axis=1))]

    out = []
    for rows in fragments(elements, lambda i, j: np.linalg.norm(nearest(fractional[i], fractional[j]) @ lattice)):
        place = {rows[0]: fractional[rows[0]]}
        while len(place) < len(rows):
            for i, j in itertools.product(list(place), rows):
                if j not in place:
                    d = nearest(place[i], fractional[j])
                    if np.linalg.norm(d @ lattice) < RADII[elements[i]] + RADII[elements[j]] + 0.3:
                        place[j] = place[i] + d
        out.append((rows, np.array([place[i] for i in rows]) @ lattice))
    return out


def laid_on(body, body_elements, places, elements):
    """Return (rotation, shift, deviation of heavy atoms) of the body's sites on the molecule's atoms, proper."""
    best = (None, None, np.inf)
    few = [i for i, e in enumerate(body_elements) if e != "H"]
    if len(few) < 3:
        few = list(range(len(body_elements)))
    heavy = (
        [i for i in range(len(elements)) if elements[i] != "H"]
        if len(few) < len(body_elements)
        else range(len(elements))
    )
    spread = max(
        itertools.combinations(few, 3),
        key=lambda t: np.linalg.norm(np.cross(body[t[1]] - body[t[0]], body[t[2]] - body[t[0]])),
    )
    a = body[list(spread)]
    for triple in itertools.permutations(heavy, 3):
        if [elements[i] for i in triple] != [body_elements[i] for i in spread]:
            continue
        b = places[list(triple)]
        if np.abs(pairs(a) - pairs(b)).max() > 0.1:
            continue
        for _ in range(3):
            ca, cb = a.mean(0), b.mean(0)
            u, _, vt = np.linalg.svd((a - ca).T @ (b - cb))
            r = (u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt).T
            t = cb - r @ ca
            apart = np.linalg.norm((body[few] @ r.T + t)[:, None] - places[heavy], axis=2)
            apart += 10 * (np.array(body_elements)[few][:, None] != np.array(elements)[list(heavy)])
            a, b = body[few], places[np.array(heavy)[apart.argmin(axis=1)]]
        if apart.min(axis=1).max() < best[2] - 1e-6:
            best = (r, t, apart.min(axis=1).max())
        a = body[list(spread)]
    return best


def axes(x, y):
    """Columns: along x, on the side of y, and at right angles to both."""
    x = x / np.linalg.norm(x)
    y = y - (y @ x) * x
    y /= np.linalg.norm(y)
    return np.stack([x, y, np.cross(x, y)], axis=1)


def pairs(x):
    return np.linalg.norm(x - np.roll(x, 1, axis=0), axis=1)


def read(path):
    data = json.loads(path.read_text())
    lattice = cell_of(data["crystal"]["cell"])
    fractional = np.array([atom["frac_xyz"] for atom in data["crystal"]["atoms"]])
    elements = [atom["element"] for atom in data["crystal"]["atoms"]]
    sites = data["molecule"]["sites"]
    body = m.BOHR * np.array([site["position_bohr"] for site in sites])
    kinds = [site["element"] for site in sites]
    values = m.from_atomic_units([site["multipoles"]["components"] for site in sites])
    found = whole(elements, fractional, lattice)
    if data["title"] == "KONTIQ":
        # Its sites are in units of the lattice instead; its first seven are the crystal's carbon atoms in their order.
        carbon = fractional[:7] @ lattice
        body = body * (pairs(carbon) / pairs(body[:7])).mean()
    # The sites of several molecules follow each other, each molecule in a frame of its own.
    blocks, at = [], 0
    remaining = list(found)
    molecules = []
    while at < len(sites):
        tried = []
        for number, (rows, places) in enumerate(remaining):
            stop = at + len(rows)
            if sorted(kinds[at:stop]) == sorted(elements[i] for i in rows):
                r, t, error = laid_on(body[at:stop], kinds[at:stop], places, [elements[i] for i in rows])
                tried.append((error, number, r, t, stop))
        error, number, r, t, stop = min(tried, key=lambda x: x[0])
        assert error < 0.02, (path.name, error)
        laid = body[at:stop] @ r.T + t
        if data["title"] == "KONTIQ":
            origin, first, second, sign = KONTIQ_AXES[len(molecules)]
            place = dict(zip((site["label"] for site in sites[at:stop]), laid))
            r = axes(place[first] - place[origin], sign * (place[second] - place[origin]))
        molecules.append((laid, m.rotated(values[at:stop], r), np.arange(at, stop)))
        remaining.pop(number)
        blocks.append(at)
        at = stop
    operations = closed([operation(x) for x in data["crystal"]["symmetry_operations"]], CENTRING.get(data["title"], []))
    inverse = np.linalg.inv(lattice)
    cell = []
    for w, t in operations:
        turn = lattice.T @ w @ inverse.T
        for number, (places, multipoles, _) in enumerate(molecules):
            cell.append((number, (places @ turn.T) + t @ lattice, m.rotated(multipoles, turn)))
    initial = data["reference"]["initial"]
    units = len(operations) * (len(molecules) if not data["crystal"]["symmetry_operations"] else 1)
    crystal_units = units
    if "total_eV_per_cell" in initial:
        units = initial["total_eV_per_cell"] * KJ_PER_EV / initial["total_kJ_per_mol"]
    return Case(data["title"], data, lattice, molecules, operations, cell, round(units), crystal_units)
