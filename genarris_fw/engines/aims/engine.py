"""FHI-aims as an engine: a program under a launcher, or a library over a communicator."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from genarris_fw.crystal.crystal_bonds import has_reacted
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.engines.aims import team
from genarris_fw.engines.aims.calculation import Calculation
from genarris_fw.engines.aims.control import Control, digest, refuse_unusable
from genarris_fw.engines.aims.job import AimsJob
from genarris_fw.engines.aims.launching import EXAMPLE, Launch, as_library, as_program, run_library
from genarris_fw.engines.aims.output import AimsOutput
from genarris_fw.engines.aims.place import Place
from genarris_fw.engines.aims.program_digest import program_digest
from genarris_fw.engines.aims.remedies import handlers
from genarris_fw.engines.aims.settings import AimsSettings
from genarris_fw.engines.aims.species import with_missing_species
from genarris_fw.engines.base import Context, Engine, Evaluation
from genarris_fw.engines.checks import COLLAPSED_PART, refuse_overlaps
from genarris_fw.engines.programs.handlers import with_corrections
from genarris_fw.errors import EngineError

if TYPE_CHECKING:
    from mpi4py.MPI import Comm

_REMARK = (
    "FHI-aims is the user's own: give aims_command (a program under a launcher) or aims_lib_dir (the library), and "
    "control_path; whether it runs is known only when it is started"
)


class AimsEngine(Engine):
    """FHI-aims.

    Parameters
    ----------
    **settings
        The fields of `AimsSettings`.

    Raises
    ------
    EngineError
        Kind ``missing`` where neither a command nor a library is given.
    InputError
        For an unknown setting, a wrong value, or a control.in that cannot be read.
    """

    name = "aims"
    title = "FHI-aims"
    model = AimsSettings
    options: AimsSettings
    implied_by = ("aims_command", "aims_lib_dir")
    carries: ClassVar[Mapping[str, str]] = {"control_path": "control"}
    # A molecule needs another control.in, without a k grid: functional, dispersion and basis must be the same.
    molecule_by = "method"

    @classmethod
    def installed(cls) -> tuple[bool, str]:
        """Return True, and a remark for the user: what FHI-aims needs, which is not looked for here."""
        return True, _REMARK

    @classmethod
    def of_a_run(cls, settings: Mapping[str, Any], threads: int) -> dict[str, Any]:
        """Return settings as a run uses them: with the threads of each process."""
        return {**settings, "omp_num_threads": threads}

    @classmethod
    def for_single_points(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings whose control.in asks for no relaxation."""
        text, path = settings.get("control"), settings.get("control_path")
        if text is None and path:
            try:
                text = Path(path).read_text(encoding="utf-8", errors="replace")
            except OSError:
                return dict(settings)  # the engine says what is wrong with it
        control = Control(text or "")
        for keyword in ("relax_geometry", "relax_unit_cell"):
            if control.value(keyword) is not None:
                control = control.with_keyword(keyword, "none")
        return {**settings, "control": control.text} if text is not None else dict(settings)

    def __init__(self, **settings: Any) -> None:
        options = AimsSettings.of(self.name, settings)
        if not options.aims_command and not options.aims_lib_dir:
            raise EngineError(
                f"engine aims: neither aims_command nor aims_lib_dir is given; for example {EXAMPLE}",
                kind="missing",
                permanent=True,
            )
        self.options = options.with_control()

    @cached_property
    def settings_hash(self) -> str:
        """See `Engine.settings_hash`; control.in and the species defaults are read once."""
        return super().settings_hash

    @property
    def version(self) -> str:
        """``FHI-aims``; its number is known only from an output, and stands in the details of an evaluation."""
        return "FHI-aims"

    @property
    def identity(self) -> str | None:
        """A digest of the program: FHI-aims tells its version only when it has computed; None where that says nothing.

        Of a script, a container or the library nobody knows beforehand what will compute.
        """
        digest = None if self.options.aims_lib_dir else program_digest(self.options.aims_command or "")
        return None if digest is None else f"{self.version}, program {digest}"

    @property
    def wants_communicator(self) -> bool:
        """Whether it is driven over MPI: the library is."""
        return bool(self.options.aims_lib_dir)

    def evaluate(
        self, structure: Structure | Molecule, relax: bool = False, context: Context | None = None
    ) -> Evaluation:
        """Compute the energy of a structure as control.in says, or relax it; see `Engine.evaluate`.

        With a communicator all its ranks call this with the same structure, and all return or raise the same. The
        files go to ``context.folder``; what an earlier attempt at the very same input has finished there is
        taken, and a relaxation goes on from its ``geometry.in.next_step``.

        Raises
        ------
        EngineError
            ``input``, ``scf``, ``relaxation``, ``walltime``, ``memory``, ``launcher``, ``missing``, ``hang``
            (silent for too long), ``output`` (too much written) or ``crash``; with the folder and the output's end.
        """
        context = context or Context()
        if isinstance(structure, Molecule):
            structure = structure.to_structure()
        team_of = self._communicator(context)
        if team_of is None:
            return self._evaluate(structure, relax, context, as_program(self.options))
        if team_of.Get_rank() == 0:
            launch = as_program(self.options)
            if self.options.aims_lib_dir:
                launch = as_library(self.options, team_of, lambda folder: team.order(team_of, folder))
            return team.lead(team_of, lambda: self._evaluate(structure, relax, context, launch))
        return team.follow(team_of, structure, lambda folder: run_library(self.options, team_of, folder, context))

    def _communicator(self, context: Context) -> Comm | None:
        """The team's communicator: for the library there is always one."""
        if context.communicator is None and self.options.aims_lib_dir:
            from genarris_fw.engines.aims.library import mpi

            alone: Comm = mpi().COMM_SELF
            return alone
        return context.communicator

    def _evaluate(self, structure: Structure, relax: bool, context: Context, launch: Launch) -> Evaluation:
        started = time.perf_counter()
        refuse_overlaps(structure)
        control = Control(self.options.control or "")
        refuse_unusable(control, structure, relax)
        control = with_missing_species(control, structure.species, self.options.species_dir)
        first = context.first or structure
        job = AimsJob(structure, control, relax, first)
        further = [*self.options.keep_files, *([job.json] if job.json else [])]
        place = Place(context.folder, self.options.scratch_dir, further)
        calculation = Calculation(launch, place, context)
        output, corrections, reason = self._result(calculation, job)
        final = _moved(structure, output.structure) if relax else structure.copy()
        details = self._details(structure, control, output) | {
            "cores": context.cores,
            "exit_status": calculation.status,
            "attempts": job.attempts,
            "restarts": job.restarts,
            "reason": reason,
        }
        if corrections:
            details["corrections"] = corrections
        if relax:
            details |= {"relaxation_steps": calculation.steps or output.relaxation_steps} | _changes(first, final)
        assert output.energy is not None  # an output without one has been refused
        seconds = time.perf_counter() - started
        return Evaluation(output.energy, output.forces, output.stress, final, True, seconds, details)

    def _result(self, calculation: Calculation, job: AimsJob) -> tuple[AimsOutput, list[str], str]:
        """The output that counts, what was corrected on the way, and how it came to an end."""
        before = calculation.finished_before(job)
        if before is not None:
            return before, [], "taken over: an earlier attempt had finished"
        went_on = calculation.go_on(job)
        output, corrections = with_corrections(job, calculation.attempt, handlers(self.options))
        reason = "converged" if job.relax else "single point"
        return output, corrections, f"{reason}, from the geometry of an earlier attempt" if went_on else reason

    def _details(self, structure: Structure, control: Control, output: AimsOutput) -> dict[str, Any]:
        basis = digest("\n".join(control.block(name) for name in sorted(set(structure.species))))
        return {
            "engine": self.name,
            "version": f"{self.version} {output.version}".strip(),
            "method": f"{control.method}, species {basis[:8]}",
            "settings": self.options.recorded(),
            "settings_hash": self.settings_hash,
            "command": self.options.aims_command or f"library in {self.options.aims_lib_dir}",
            "host": socket.gethostname(),
            "scf_cycles": output.scf_cycles,
            "relaxation_steps": output.relaxation_steps,
            "seconds_stated": output.seconds,
        }


def _moved(structure: Structure, to: Structure) -> Structure:
    return Structure(to.lattice, structure.species, to.positions, structure.properties, structure.struct_id)


def _changes(before: Structure, after: Structure) -> dict[str, Any]:
    """What a relaxation has done to a structure."""
    found: dict[str, Any] = {"reacted": has_reacted(before, after), "collapsed": False}
    if before.lattice is not None:
        found |= {
            "volume_before": before.cell_volume,
            "volume_after": after.cell_volume,
            "collapsed": after.cell_volume < COLLAPSED_PART * before.cell_volume,
        }
    return found
