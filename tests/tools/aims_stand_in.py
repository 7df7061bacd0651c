"""A program that speaks the files of FHI-aims and is not FHI-aims: a stand-in for tests of what runs it.

``python aims_stand_in.py``, alone or under ``mpirun -n N``, in a folder with control.in and geometry.in. It computes
with GFN1-xTB, writes an output of FHI-aims' layout that says what it is, and in relaxations geometry.in.next_step
and hessian.aims after each step. It proves launching, watching, restarting and reading, not physics.

Environment: ``AIMS_STAND_IN_WIDTH`` (Å, see `aims_stand_in_search`), ``AIMS_STAND_IN_STEPS`` (of ``relaxation_limit``,
1), ``AIMS_STAND_IN_CURE`` (which of ``mixing``, ``cycles`` and ``preconditioner`` help with ``scf_unconverged``; all),
and how it misbehaves (see `aims_stand_in_moods.choose`):

| misbehaviour | what it does |
|---|---|
| crash | SIGSEGV in the middle, with what gfortran's run time says |
| hang, hang_hard | silent for ever in the middle; ``hang_hard`` ignores SIGTERM too |
| truncated | ends in the middle with status 0 |
| scf_unconverged | until control.in has charge_mix_param <= 0.05, sc_iter_limit > 1000 or a preconditioner |
| scf_never | whatever control.in says |
| relaxation_limit | a relaxation stops after ``AIMS_STAND_IN_STEPS`` steps, the last geometry written, not computed |
| memory | what slurmstepd and srun say, and SIGKILL |
| walltime | what slurmstepd says, and SIGTERM |
| wrong_geometry | computes and repeats a geometry.in whose first atom is 0.1 Å elsewhere |
| nan | all energies are NaN |
| endless | writes without end (8 GB) |
| launcher | nothing but the complaint of MPICH's launcher, status 127 |
| asleep:SECONDS | waits, then computes |

In the middle is after the first iteration of a single point and after the first step of a relaxation.

Where the words come from. Real outputs (version 190522, and those that ASE ships): all of `aims_stand_in_text` and
`aims_stand_in_results` but what follows. From public programs that look for them: ``WARNING! SELF-CONSISTENCY CYCLE DID
NOT CONVERGE`` with the two lines after it; ``*** scf_solver: SCF cycle not converged.``, last but one line of an
output that ends there; ``Maximum number of relaxation steps exceeded.`` and ``Aborting optimization.``. From memory,
to be checked on a cluster: that a relaxation which meets its step limit ends in the usual way, the words for a
refused input, the exit status 1, ``trust_radius`` and ``hessian_file`` in geometry.in.next_step, and what gfortran,
slurmstepd, srun and MPICH say.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import aims_stand_in_results as results
import aims_stand_in_text as text
from aims_stand_in_files import Control, Geometry, InputRefused, rank, read_control, read_geometry, write_next_step
from aims_stand_in_moods import BREAKS, Mood, begin, break_off, choose

if TYPE_CHECKING:
    from aims_stand_in_search import Found, Search

GENTLE_MIXING = 0.05
DEFAULT_ITERATIONS = 1000
# Iterations that a cycle needs, and those that are written of one that does not converge.
ITERATIONS = 3
SHOWN = 12
Part = tuple[str, text.Lines]


def gentle(control: Control) -> bool:
    """Whether a control.in has one of the remedies that help a cycle that does not converge."""
    cures = {
        "mixing": control.mixing <= GENTLE_MIXING,
        "cycles": control.iterations > DEFAULT_ITERATIONS,
        "preconditioner": control.preconditioner,
    }
    helpful = os.environ.get("AIMS_STAND_IN_CURE", ",".join(cures)).split(",")
    return any(cures[name] for name in helpful)


class Calculation:
    """One calculation: the parts of its output, one after the other, each with the name of its stage."""

    def __init__(self, control: Control, geometry: Geometry, mood: Mood) -> None:
        self.control, self.geometry, self.mood = control, geometry, mood
        self.relax = control.tolerance is not None
        self.uuid = str(uuid.uuid5(uuid.NAMESPACE_OID, control.text + geometry.text)).upper()
        self.limit = int(os.environ.get("AIMS_STAND_IN_STEPS", "1")) if mood.name == "relaxation_limit" else None
        self.stuck = mood.name == "scf_never" or (mood.name == "scf_unconverged" and not gentle(control))
        self.cycles = self.steps = 0

    def parts(self) -> Iterator[Part]:
        """The whole output."""
        began = time.perf_counter()
        yield from self.preparations()
        from aims_stand_in_search import Search

        search = Search(self.geometry, self.relax and self.control.cell)
        energy = yield from self.relaxation(search) if self.relax else self.geometry_computed(search)
        steps = self.steps if self.relax else None
        seconds = time.perf_counter() - began
        yield "final", results.ending(energy, self.cycles, self.steps + 1, steps, seconds)

    def preparations(self) -> Iterator[Part]:
        """What comes before the first cycle."""
        control, geometry = self.control, self.geometry
        yield "beginning", text.beginning(self.uuid)
        if control.verbatim:
            yield "beginning", text.repeated("control.in", control.text) + text.repeated("geometry.in", geometry.text)
        periodic = geometry.lattice is not None
        electrons = sum(control.charges[name] for name in geometry.species)
        yield "beginning", text.sizes(len(control.charges), len(geometry.species), periodic)
        k_grid = control.k_grid if periodic else None
        yield (
            "beginning",
            text.control(
                control.xc, k_grid, control.mixing, control.iterations, control.tolerance, control.steps, control.cell
            ),
        )
        yield "beginning", text.species_read(control.charges)
        yield "beginning", text.input_geometry(geometry.lattice, geometry.species, geometry.positions, electrons)

    def relaxation(self, search: Search) -> Iterator[Part]:
        """Geometry after geometry; returns the last energy."""
        most = min(self.control.steps, self.limit if self.limit is not None else self.control.steps)
        while True:
            energy = yield from self.geometry_computed(search)
            found = search.compute(forces=True)
            converged = found.largest < float(self.control.tolerance or 0.0)
            yield "judged", results.judged(found.forces, found.lattice_forces, converged)
            species = self.geometry.species
            if converged:
                title = "Final atomic structure"
                yield "final", [text.RULE, *results.structure(title, search.lattice, species, search.positions)]
                return energy
            if self.steps < most:
                yield from self.step(search)
            if self.steps >= most:
                yield "judged", results.step_limit()
                return energy

    def step(self, search: Search) -> Iterator[Part]:
        """The next geometry."""
        hessian = search.curvature() if self.control.hessian else None
        search.step()
        self.steps += 1
        where = search.lattice, self.geometry.species, search.positions
        write_next_step(text.geometry_lines(*where), self.uuid, search.trust_radius, hessian)
        yield (
            "step",
            results.step(self.steps) + results.structure("Updated atomic structure", *where) + results.written(),
        )

    def geometry_computed(self, search: Search) -> Iterator[Part]:
        """A self-consistent cycle and what follows from it; returns the energy."""
        grid = self.control.k_grid if self.geometry.lattice is not None else None
        k_points = None if grid is None else (grid[0] * grid[1] * grid[2] + 1) // 2
        found = search.compute(forces=self.relax)
        energy = float("nan") if self.mood.name == "nan" else found.energy
        yield "scf", results.scf_begins(self.steps == 0, k_points, energy + 10.0)
        last = min(self.control.iterations, SHOWN) if self.stuck else ITERATIONS
        for number in range(1, last + 1):
            converges = number == last and not self.stuck
            change = 1.0 if self.stuck else 0.0 if converges else 0.1 ** (2 * number)
            yield "iteration", results.iteration(number, energy, change, converges)
        self.cycles += last
        if self.stuck:
            yield "iteration", results.not_converged()
            if not self.control.postprocess:
                yield "stopped", [" *** scf_solver: SCF cycle not converged.", text.RULE]
        yield "computed", self.findings(found, energy)
        return energy

    def findings(self, found: Found, energy: float) -> text.Lines:
        """Energy, forces and stress of a geometry."""
        box = results.stress_box(found.stress) if found.stress is not None else []
        return results.energy_components(energy) + box + results.compact(energy, found.forces if self.relax else None)


def elsewhere(geometry: Geometry) -> Geometry:
    """The geometry with its first atom moved."""
    positions = geometry.positions.copy()
    positions[0, 0] += 0.1
    lines = text.geometry_lines(geometry.lattice, geometry.species, positions)
    return replace(geometry, positions=positions, text="\n".join(lines) + "\n")


def say(lines: text.Lines) -> None:
    """Write a part of the output."""
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Compute what the current folder holds."""
    if rank() != 0:
        return 0
    mood = Mood()
    try:
        control = read_control()
        geometry = read_geometry(control)
        mood = choose(geometry.identity, os.environ)
        begin(mood)
    except InputRefused as refusal:
        say([*text.beginning(str(uuid.UUID(int=0))), f" * Error: {refusal}", " * Aborting the calculation."])
        return 1
    calculation = Calculation(control, elsewhere(geometry) if mood.name == "wrong_geometry" else geometry, mood)
    middle = ("step",) if calculation.relax else ("iteration",)
    seen = False
    for stage, lines in calculation.parts():
        if mood.name in BREAKS and (seen or stage == "final"):
            break_off(mood)
        say(lines)
        seen = stage in middle
        if stage == "stopped":
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
