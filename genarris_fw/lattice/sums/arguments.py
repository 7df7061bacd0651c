"""What the kernel of the lattice sums is told: the molecules' sites and parameters, the symmetry, the cutoffs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genarris_fw._kernels.lattice_multipole_sum import MultipoleLatticeSum
from genarris_fw._kernels.lattice_sum import LatticeSum
from genarris_fw.generation.freedom import (
    SAME_POINT,
    Entries,
    Integers,
    Operations,
    entries,
    padded,
    shift_basis,
    strain_basis,
    turn_basis,
)
from genarris_fw.lattice.sums import multipole_model
from genarris_fw.lattice.sums.kinds import Kind
from genarris_fw.lattice.sums.multipole_kinds import MultipoleKind

Floats = NDArray[np.float64]

CORE = 0.8  # Å: below it charges go on linearly; no guard is shorter
NEGLIGIBLE = 1e-6  # kJ/mol: the repulsion of two atoms at the cutoff
FAINT = 1e-9  # kJ/mol: its anisotropy, which is cut off without a switch
NEAREST, FARTHEST = 7.8, 12.0  # Å: bounds of the cutoff
CONVERGENCE = 4.0  # alpha times the cutoff: charges are cut where erfc is 1.5e-8
WAVES = 4.3  # the largest k over 2 alpha
SMALL_CHANNEL = 1e-9  # of the largest: parts of the C6 matrix that are left out


@dataclass(frozen=True, eq=False)
class Terms:
    """The interactions between types of sites.

    Attributes
    ----------
    A, B, C, guard, damping : (t, t) arrays
        Of exp-6: kJ/mol, 1/Å, kJ/mol Å^6; Å; 1/Å (0: not damped).
    rho20 : (t,) array
        Å, the anisotropy of the repulsion.
    taper : (start, end) or None
        Å.
    cut, alpha, longest_wave : float
        Å, 1/Å, 1/Å.
    """

    A: Floats
    B: Floats
    C: Floats
    guard: Floats
    damping: Floats
    rho20: Floats
    taper: tuple[float, float] | None
    cut: float
    alpha: float
    longest_wave: float

    @classmethod
    def of(cls, parameters: Any, taper: tuple[float, float] | None, alpha: float | None = None) -> Terms:
        """Choose cutoffs for parameters; a given alpha (1/Å) in place of the usual one."""
        A, B, C = (np.asarray(x, dtype=float) for x in (parameters.A, parameters.B, parameters.C))
        with np.errstate(divide="ignore"):
            reach = np.where(A > NEGLIGIBLE, np.log(np.maximum(A, NEGLIGIBLE) / NEGLIGIBLE) / np.maximum(B, 0.1), 0.0)
        damping = np.asarray(parameters.damping, dtype=float)
        farthest = max(reach.max() if reach.size else 0.0, _damped_reach(C, damping))
        cut = float(np.clip(farthest, NEAREST, FARTHEST))
        if alpha is not None:
            cut = max(cut, CONVERGENCE / alpha)
        used = CONVERGENCE / cut if alpha is None else alpha
        guard = np.maximum(np.asarray(parameters.guard, dtype=float), CORE)
        return cls(
            A, B, C, guard, damping, np.asarray(parameters.rho20, dtype=float), taper, cut, used, 2 * used * WAVES
        )

    def anisotropic_reach(self) -> float:
        """Å, beyond which the anisotropy of the repulsion is nothing (`FAINT`)."""
        swing = self.B * np.abs(self.rho20[:, None] + self.rho20)
        seen = (self.A > 0) & (swing > 0)
        return float((np.log(self.A[seen] * swing[seen] / FAINT) / self.B[seen]).max()) if seen.any() else 0.0

    def channels(self) -> tuple[Floats, Floats]:
        """Weights (c, t) and signs (c,) with C_ij = sum over c of sign w_i w_j."""
        if not self.C.size:
            return np.zeros((0, 0)), np.zeros(0)
        values, vectors = np.linalg.eigh((self.C + self.C.T) / 2)
        kept = np.abs(values) > SMALL_CHANNEL * max(np.abs(values).max(), 1e-300)
        return np.sqrt(np.abs(values[kept]))[:, None] * vectors[:, kept].T, np.sign(values[kept])


def _damped_reach(C: Floats, damping: Floats) -> float:
    """Å, beyond which no damping function of Tang and Toennies takes anything from C / r^6."""
    r = np.arange(NEAREST, FARTHEST, 0.1)[:, None]
    c6, b = C[damping > 0], damping[damping > 0]
    terms = sum((b * r) ** k / math.factorial(k) for k in range(7))
    seen = (np.abs(c6) / r**6 * np.exp(-b * r) * terms > 0.01 * NEGLIGIBLE).any(axis=1)
    return float(r[seen].max()) if seen.any() else 0.0


def model_arguments(terms: Terms, forms: Sequence[Kind], kind_of: Sequence[int]) -> dict[str, Any]:
    """Return what `LatticeSum` is told of the molecules.

    Parameters
    ----------
    terms : Terms
        Their interactions.
    forms : sequence of Kind
        Molecules as they lie; each part has one of them, turned.
    kind_of : sequence of int
        Which forms differ in their places and charges alone have the same number, 0, 1, ...
    """
    kinds = max(kind_of) + 1
    of_kind = [[form for form, number in zip(forms, kind_of, strict=True) if number == k] for k in range(kinds)]
    first = [own[0] for own in of_kind]
    split = _split(first)
    charged = [np.flatnonzero(np.any([form.charges for form in own], axis=0)) for own in of_kind]
    aside = np.array([len(kind.aside) for kind in first], dtype=np.intc)
    sites = np.array([[len(kind.sites), len(kind.aside)] for kind in first], dtype=np.intc)
    if split:
        sites[:, 1] += [len(rows) for rows in charged]
    padding = (sites + 7) // 8 * 8
    width = int(padding.sum(axis=1).max())
    form_sites, form_charges = np.zeros((len(forms), 3 * width)), np.zeros((len(forms), width))
    for row, charges, form, kind in zip(form_sites, form_charges, forms, kind_of, strict=True):
        at = 0
        where, what = form.aside, form.aside_charges
        if split:
            where = np.concatenate([where, form.sites[charged[kind]]])
            what = np.concatenate([what, form.charges[charged[kind]]])
        for points, values, size in zip((form.sites, where), (form.charges, what), padding[kind], strict=True):
            row[3 * at : 3 * (at + size)].reshape(3, size)[:, : len(points)] = points.T
            charges[at : at + len(values)] = values
            at += size
    weights, signs = terms.channels()
    channel_weights = np.zeros((len(signs), kinds, int(padding[:, 0].max())))
    for k, one in enumerate(first):
        channel_weights[:, k, : len(one.types)] = weights[:, one.types]
    offsets, blocks, at = np.zeros((kinds, kinds), dtype=np.intc), [], 0
    damped = terms.damping > 0
    tables = (
        (terms.A, 0.0),
        (terms.B, 1.0),
        (terms.C, 0.0),
        (terms.guard, CORE),
        (np.where(damped, terms.C, 0.0), 0.0),
        (np.where(damped, terms.damping, 1.0), 1.0),
    )
    for a, one in enumerate(first):
        for b, other in enumerate(first):
            offsets[a, b] = at
            for table, empty in tables:
                block = np.full((len(one.types), padding[b, 0]), empty)
                block[:, : len(other.types)] = table[np.ix_(one.types, other.types)]
                blocks.append(block.ravel())
                at += block.size
    form_axes = np.zeros((len(forms), 3 * int(padding[:, 0].max())))
    for row, form, kind in zip(form_axes, forms, kind_of, strict=True):
        row[: 3 * padding[kind, 0]].reshape(3, -1)[:, : len(form.axes)] = form.axes.T
    kind_rho = np.zeros((kinds, int(padding[:, 0].max())))
    for k, one in enumerate(first):
        kind_rho[k, : len(one.types)] = np.where(np.any(one.axes, axis=1), terms.rho20[one.types], 0.0)
    radius = [max(_farthest(form.sites), _farthest(form.aside)) for form in forms]
    # The root mean square distance of atoms from the centre; no less than an atom's own size.
    size = [max(0.5, float(np.sqrt((kind.atoms**2).sum(axis=1).mean()))) for kind in first]
    return {
        "kind_of": kind_of,
        "sites_of": sites,
        "padded_of": padding,
        "form_sites": form_sites,
        "form_charges": form_charges,
        "channel_weights": channel_weights,
        "channel_signs": signs,
        "radius_of": radius,
        "size_of": size,
        "offset_of": offsets,
        "parameters": np.concatenate([*blocks, np.zeros(1)]),
        "alpha": terms.alpha,
        "cut": terms.cut,
        "longest_wave": terms.longest_wave,
        "taper": terms.taper,
        "form_axes": form_axes,
        "kind_rho": kind_rho,
        "anisotropic_cut": terms.anisotropic_reach() if np.any(kind_rho) else 0.0,
        "damped": bool(damped.any()),
        "charged": any(np.any(form.charges) for form in forms),
        "split": split,
        "aside_of": aside,
        "aside": split or any(len(form.aside) for form in forms),
    }


def _split(kinds: Sequence[Kind]) -> bool:
    """Tell whether pairs of charges cost less in a loop of their own than partly in that of exp-6.

    A loop takes the sites of the second molecule eight at a time. By measurement a pair costs 0.75 with exp-6 alone and
    0.6 with charges alone of what it costs with both.
    """
    together = apart = 0.0
    for kind in kinds:
        n, beside = len(kind.sites), len(kind.aside)
        charges = beside + int(np.count_nonzero(kind.charges))
        together += n * _rows(n) + 0.6 * (n * _rows(beside) + beside * _rows(n) + beside * _rows(beside))
        apart += 0.75 * n * _rows(n) + 0.6 * charges * _rows(charges)
    return apart < together and any(len(kind.aside) for kind in kinds)


def _rows(sites: int) -> int:
    return (sites + 7) // 8


def _farthest(points: Floats) -> float:
    return float(np.linalg.norm(points, axis=1).max()) if len(points) else 0.0


def symmetry_arguments(
    operations: Operations,
    points: Sequence[Floats],
    tol: float = SAME_POINT,
    strained: bool = True,
    seen: Entries | None = None,
    copies: Sequence[Integers] | None = None,
) -> dict[str, Any]:
    """Return what `LatticeSum` is told of the symmetry.

    Parameters
    ----------
    operations : Operations
        Of the cell at hand.
    points : sequence of (3,) arrays
        Fractional centres of the independent molecules (generic ones of their sites).
    tol : float
        How far apart fractional points may be to count as the same.
    strained : bool
        Whether the cell may change.
    seen : Entries, optional
        The molecules' neighbours, where they are known.
    copies : sequence of int arrays, optional
        For each independent molecule the operations that make it and its images, where they are known.
    """
    seen = seen or entries(operations, points, tol)
    copies = copies or [operations.distinct(point, tol) for point in points]
    every = np.concatenate(copies)
    stabilisers = [operations.turns[operations.stabiliser(point, tol)] for point in points]
    shifts, spins = [shift_basis(turns) for turns in stabilisers], [turn_basis(turns) for turns in stabilisers]
    return {
        "first": seen.first,
        "second": seen.second,
        "own": seen.own,
        "weights": seen.weights,
        "rotations": operations.rotations[seen.operations],
        "translations": operations.translations[seen.operations],
        "turns": operations.turns[seen.operations],
        "copy_part": np.repeat(np.arange(len(points)), [len(c) for c in copies]),
        "copy_start": np.cumsum([0, *(len(c) for c in copies)]),
        "copy_alike": np.concatenate([_alike(operations.turns[c]) for c in copies]),
        "copy_rotations": operations.rotations[every],
        "copy_translations": operations.translations[every],
        "copy_turns": operations.turns[every],
        "wave_rotations": operations.rotation_parts,
        "centrings": operations.centrings,
        "strain_basis": strain_basis(operations.turns, False) if strained else np.zeros((0, 3, 3)),
        "shift_basis": [padded(basis) for basis in shifts],
        "shifts": [len(basis) for basis in shifts],
        "turn_basis": [padded(basis) for basis in spins],
        "spins": [len(basis) for basis in spins],
    }


def _alike(turns: Floats) -> NDArray[np.intp]:
    """Return for every rotation the first one that is equal to it or to minus it; -1 for the first ones."""
    same = np.minimum(np.abs(turns[:, None] + turns).max(axis=(2, 3)), np.abs(turns[:, None] - turns).max(axis=(2, 3)))
    first = (same < 1e-6).argmax(axis=1)
    return np.where(first < np.arange(len(turns)), first, -1)


def no_symmetry() -> Operations:
    """The identity alone."""
    return Operations(np.eye(3)[None], np.zeros((1, 3)), np.eye(3)[None])


class Told(NamedTuple):
    """What the kernel is told of molecules, whatever the symmetry they stand in.

    Attributes
    ----------
    molecules : dict
        Of `model_arguments`; what the kernel works out of these alone it keeps there.
    multipoles : dict or None
        Of `multipole_model.model_arguments`, where there are any.
    """

    molecules: dict[str, Any]
    multipoles: dict[str, Any] | None


def told(terms: Terms, forms: Sequence[Kind], kind_of: Sequence[int]) -> Told:
    """Return what the kernel is told of molecules; the arguments are those of `model_arguments`."""
    arguments = model_arguments(terms, forms, kind_of)
    if not any(isinstance(form, MultipoleKind) for form in forms):
        return Told(arguments, None)
    multipoles = [
        (form.multipole_sites, form.multipoles)
        if isinstance(form, MultipoleKind)
        else (np.concatenate([form.sites, form.aside]), np.concatenate([form.charges, form.aside_charges])[:, None])
        for form in forms
    ]
    # Charges of molecules that have no multipoles are summed with those of the others.
    arguments["form_charges"] = np.zeros_like(arguments["form_charges"])
    arguments["charged"] = arguments["aside"] = False
    taper = terms.taper if terms.taper is not None else multipole_model.TAPER
    return Told(arguments, multipole_model.model_arguments(multipoles, taper=taper))


def kernel_of(molecules: Told, symmetry: dict[str, Any], pressure: float = 0.0) -> LatticeSum:
    """Return the kernel for molecules in a symmetry; pressure in GPa."""
    if molecules.multipoles is None:
        return LatticeSum(molecules.molecules, symmetry, pressure)
    return MultipoleLatticeSum(molecules.molecules, molecules.multipoles, symmetry, pressure)


def lattice_sum(
    terms: Terms, forms: Sequence[Kind], kind_of: Sequence[int], symmetry: dict[str, Any], pressure: float = 0.0
) -> LatticeSum:
    """Return the kernel for molecules in a symmetry; pressure in GPa."""
    return kernel_of(told(terms, forms, kind_of), symmetry, pressure)
