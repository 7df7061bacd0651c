"""Relaxing positions and cell with any potential, on ASE's cell filter, with the symmetry kept."""

from __future__ import annotations

import time
import warnings
from typing import Any, ClassVar

import numpy as np
import spglib
from ase.calculators.calculator import Calculator, all_changes
from ase.constraints import FixSymmetry
from ase.filters import FrechetCellFilter
from ase.io import write as ase_write
from ase.stress import full_3x3_to_voigt_6_stress, voigt_6_to_full_3x3_stress
from numpy.typing import NDArray

from genarris_fw.crystal.crystal_bonds import has_reacted
from genarris_fw.crystal.point_groups import point_group
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.engines.base import Context, Evaluation
from genarris_fw.engines.checks import COLLAPSED_PART, refuse_overlaps
from genarris_fw.engines.relaxing.model_hessian import model_hessian
from genarris_fw.engines.relaxing.point_group_constraint import FixPointGroup
from genarris_fw.engines.relaxing.potential import Potential, PotentialEngine
from genarris_fw.engines.relaxing.quasi_newton import QuasiNewton
from genarris_fw.engines.relaxing.settings import RelaxationSettings
from genarris_fw.errors import EngineError, GenarrisError

Floats = NDArray[np.float64]

# Largest change in one step: of a coordinate (Å) and of a component of the strain.
LARGEST_DISPLACEMENT = 0.2
LARGEST_STRAIN = 0.05
# Curvature (eV/Å2) that a plain search starts with: ASE's own default.
PLAIN_CURVATURE = 70.0
# On the way a supercell may fall to this part of its least width before it is chosen anew; at the end to none.
NARROWEST = 0.85
MOST_SUPERCELLS = 6


class PotentialCalculator(Calculator):
    """A `Potential` as an ASE calculator that counts its calls."""

    # ASE declares it without ClassVar.
    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces", "stress"]  # type: ignore[misc]

    def __init__(self, engine: PotentialEngine, start: Structure, needs_stress: bool = True) -> None:
        super().__init__()
        self.engine = engine
        self.needs_stress = needs_stress
        self.start = start
        self.calls = 0
        self.supercells: list[Any] = []
        self.corrections: list[str] = []
        self.potential: Potential = self._new_potential(start)

    def _new_potential(self, structure: Structure) -> Potential:
        potential = self.engine.potential(structure)
        self.supercells.append(potential.details.get("supercell"))
        return potential

    def choose_anew(self, structure: Structure) -> None:
        """Make a new potential, for example on another supercell."""
        self.corrections += self.potential.details.get("corrections", [])
        self.potential = self._new_potential(structure)
        self.reset()

    def structure(self, atoms: Any) -> Structure:
        """Return atoms as a structure with the start's name and properties."""
        lattice = None if self.start.lattice is None else np.array(atoms.cell)
        return Structure(lattice, self.start.species, atoms.positions, self.start.properties, self.start.struct_id)

    def calculate(
        self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = tuple(all_changes)
    ) -> None:
        """Compute everything at once."""
        super().calculate(atoms, properties, system_changes)
        structure = self.structure(atoms if atoms is not None else self.atoms)
        refuse_overlaps(structure)
        point = self.engine.checked_point(self.potential, structure)
        self.calls += 1
        self.results = {"energy": point.energy, "free_energy": point.energy, "forces": point.forces}
        if point.stress is not None:
            self.results["stress"] = full_3x3_to_voigt_6_stress(point.stress)
        elif structure.lattice is not None and self.needs_stress:
            raise EngineError(
                f"{self.engine.method} gives no stress, so that no cell can be relaxed; set relax_cell = False",
                kind="input",
                permanent=True,
            )


def relax_structure(
    engine: PotentialEngine, structure: Structure, options: RelaxationSettings, context: Context
) -> Evaluation:
    """Relax a structure.

    Parameters
    ----------
    engine : PotentialEngine
        What gives energies and forces.
    structure : Structure
        A crystal or a molecule; it is not changed.
    options : RelaxationSettings
        When it is converged, and what is kept.
    context : Context
        Deadline, stop and checkpoint, looked at between steps.

    Returns
    -------
    Evaluation
        ``converged`` is False where steps or time ran out; ``details['reason']`` says which.

    Raises
    ------
    EngineError
        When the engine fails on the start, or on a geometry that the search comes to.
    """
    relaxation = _Relaxation(engine, structure, options, context)
    reason = relaxation.run()
    return relaxation.evaluation(reason)


class _Relaxation:
    def __init__(
        self, engine: PotentialEngine, structure: Structure, options: RelaxationSettings, context: Context
    ) -> None:
        self.options, self.context = options, context
        self.start = structure
        self.atoms = structure.to_ase()
        self.periodic = structure.lattice is not None
        self.kept = self._keep_symmetry() if options.keep_symmetry else None
        self.calculator = PotentialCalculator(engine, self._now(), needs_stress=options.relax_cell)
        self.atoms.calc = self.calculator
        self.steps = 0
        self.slowest = 0.0
        self._begin_search()

    def _now(self) -> Structure:
        lattice = np.array(self.atoms.cell) if self.periodic else None
        start = self.start
        return Structure(lattice, start.species, self.atoms.positions, start.properties, start.struct_id)

    def _keep_symmetry(self) -> str | None:
        if not self.periodic:
            try:
                group = point_group(Molecule(self.start.species, self.start.positions), self.options.symprec)
            except GenarrisError:
                return None
            self.atoms.set_constraint(FixPointGroup(group))
            return group.symbol
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                constraint = FixSymmetry(self.atoms, symprec=self.options.symprec)
            except Exception as error:
                raise EngineError(
                    f"{self.start.struct_id or 'the structure'}: its space group cannot be found ({error}); "
                    "try another symprec, or keep_symmetry = False",
                    kind="input",
                    permanent=True,
                ) from None
        self.atoms.set_constraint(constraint)
        return None

    # The coordinates of the search: those of ASE's filter, flat.

    def _begin_search(self) -> None:
        self.moves_cell = self.periodic and self.options.relax_cell
        self.target: Any = FrechetCellFilter(self.atoms) if self.moves_cell else self.atoms
        n = len(self.atoms)
        scale = float(n)
        limits = np.full((n + (3 if self.moves_cell else 0), 3), LARGEST_DISPLACEMENT)
        limits[n:] = LARGEST_STRAIN * scale
        size = limits.size

        def guess() -> Floats:
            if self.options.optimizer == "bfgs":
                return PLAIN_CURVATURE * np.eye(size)
            return model_hessian(self._now(), scale)[:size, :size]

        self.search = QuasiNewton(guess, limits.ravel())

    def run(self) -> str:
        """Search until something ends it; return what."""
        supercells = 1
        while True:
            began = time.perf_counter()
            energy, forces, stress = self._point()
            self.slowest = max(self.slowest, time.perf_counter() - began)
            self._record()
            reached = self._largest_force(forces) <= self.options.fmax and (
                not self.moves_cell or stress is None or float(np.abs(stress).max()) <= self.options.smax
            )
            fits = self.calculator.potential.still_fits(self._now(), 1.0 if reached else NARROWEST)
            if not fits and supercells < MOST_SUPERCELLS:
                supercells += 1
                self.calculator.choose_anew(self._now())
                self.search.forget_last()
                continue
            if reached:
                return "converged"
            if self.steps >= self.options.max_steps:
                return "max_steps"
            reason = self.context.stop_reason(self.slowest)
            if reason:
                return reason
            self._step(energy)
            self.steps += 1

    def _step(self, energy: float) -> None:
        # The filter's logarithm of the deformation warns of errors of 1e-13.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            x = np.asarray(self.target.get_positions()).ravel()
            gradient = -np.asarray(self.target.get_forces()).ravel()
            new = self.search.propose(x, energy, gradient)
            self.target.set_positions(new.reshape(-1, 3))

    def _point(self) -> tuple[float, Floats, Floats | None]:
        forces = np.asarray(self.atoms.get_forces())
        energy = float(self.atoms.get_potential_energy())
        if not self.periodic or "stress" not in self.calculator.results:
            return energy, forces, None
        return energy, forces, np.asarray(voigt_6_to_full_3x3_stress(self.atoms.get_stress()))

    @staticmethod
    def _largest_force(forces: Floats) -> float:
        return float(np.linalg.norm(forces, axis=1).max())

    def _record(self) -> None:
        if self.context.checkpoint is not None:
            self.context.checkpoint(self._now())
        if self.options.trajectory and self.context.folder is not None:
            self.context.folder.mkdir(parents=True, exist_ok=True)
            more = self.calculator.calls > 1 or self.context.first is not None
            ase_write(self.context.folder / "relaxation.extxyz", self.atoms, append=more)

    def evaluation(self, reason: str) -> Evaluation:
        """Return what was found, with what happened on the way."""
        energy, forces, stress = self._point()
        structure = self._now()
        calculator, potential = self.calculator, self.calculator.potential
        first = self.context.first or self.start
        details: dict[str, Any] = {
            "calls": calculator.calls,
            "steps": self.steps,
            "reason": reason,
            "largest_force": self._largest_force(forces),
            "reacted": has_reacted(first, structure),
        } | potential.details
        corrections = calculator.corrections + list(potential.details.get("corrections", []))
        if corrections:
            details["corrections"] = corrections
        if self.periodic:
            details |= {
                "supercells": calculator.supercells,
                "largest_stress": None if stress is None else float(np.abs(stress).max()),
                "spacegroup_before": _space_group(first, self.options.symprec),
                "spacegroup_after": _space_group(structure, self.options.symprec),
                "volume_before": first.cell_volume,
                "volume_after": structure.cell_volume,
                "collapsed": structure.cell_volume < COLLAPSED_PART * first.cell_volume,
            }
        else:
            details |= {
                "point_group_before": self._symbol(first),
                "point_group_after": self._symbol(structure),
                "collapsed": False,
            }
        return Evaluation(energy, forces, stress, structure, reason == "converged", 0.0, details)

    def _symbol(self, structure: Structure) -> str | None:
        try:
            return point_group(Molecule(structure.species, structure.positions), self.options.symprec).symbol
        except GenarrisError:
            return None


def _space_group(structure: Structure, symprec: float) -> int:
    """Number of the space group, 0 where spglib finds none."""
    atoms = structure.to_ase()
    cell: Any = (np.array(atoms.cell), structure.fractional, atoms.numbers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = spglib.get_symmetry_dataset(cell, symprec=symprec)
    return 0 if dataset is None else int(dataset.number)
