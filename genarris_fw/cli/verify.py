"""``genarris-fw verify``: the user's FHI-aims on published calculations."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.examples import example
from genarris_fw.cli.interrupting import BEGINS_AGAIN, when_interrupted
from genarris_fw.cli.main import EXIT_BAD_INPUT, EXIT_OK
from genarris_fw.cli.numbers import Number
from genarris_fw.errors import InputError
from genarris_fw.farm.crews.ranks import rank_and_size

if TYPE_CHECKING:
    from mpi4py.MPI import Comm

EXIT_DISAGREES = 1
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command(
    name="verify",
    epilog=example("verify --aims-command 'srun -n {cores} aims.x' --cores 32 --control control_scf.in"),
)
@click.option("--aims-command", default=None, help="FHI-aims with its launcher: 'srun -n {cores} /path/to/aims.x'.")
@click.option("--aims-lib-dir", default=None, help="Folder of aims_w, FHI-aims as a library; start this under mpirun.")
@click.option("--control", type=FILE, default=None, help="The tutorial's control_scf.in: two crystals.")
@click.option(
    "--control-molecule",
    type=FILE,
    default=None,
    help="The tutorial's control_relax_single_molecule.in: the molecule, relaxed.",
)
@click.option("--relax", type=FILE, default=None, help="The tutorial's control_relax_structs.in: a crystal, relaxed.")
@click.option("--species-dir", default=None, help="FHI-aims' species defaults, for control files without the blocks.")
@click.option("--cores", type=click.IntRange(1, 10**6), default=1, show_default=True, help="What {cores} stands for.")
@click.option(
    "--time-limit",
    type=Number(0, 10**8),
    default=7200.0,
    show_default=True,
    help="Seconds for each calculation.",
)
@click.option("--folder", type=click.Path(path_type=Path), default=None, help="A new folder for the calculations.")
@json_option
def command(
    aims_command: str | None,
    aims_lib_dir: str | None,
    control: Path | None,
    control_molecule: Path | None,
    relax: Path | None,
    species_dir: str | None,
    cores: int,
    time_limit: float,
    folder: Path | None,
    as_json: bool,
) -> int:
    """Run FHI-aims on structures of the benzene tutorial of Genarris 2.0; compare with the published energies.

    The control files come with that tutorial (they hold FHI-aims' species defaults and are not ours to give). A case
    whose file is not given is not run. The exit code is 1 when an energy disagrees or a calculation fails.

    The authors of genarris-fw have never run FHI-aims, which is licensed: they tested with its published outputs and
    a stand-in. This command is how you find out whether it works on your machine.
    """
    if bool(aims_command) == bool(aims_lib_dir):
        raise click.UsageError("give either --aims-command or --aims-lib-dir")
    files = {
        "control_relax_single_molecule.in": control_molecule,
        "control_scf.in": control,
        "control_relax_structs.in": relax,
    }
    controls = {name: path.absolute() for name, path in files.items() if path is not None}
    if not controls:
        raise click.UsageError("give a control file of the tutorial: --control, --control-molecule or --relax")
    rank, size = rank_and_size()
    communicator = _communicator(size) if aims_lib_dir else None
    if rank and communicator is None:
        return EXIT_OK
    settings = {"aims_command": aims_command, "aims_lib_dir": _full(aims_lib_dir), "species_dir": _full(species_dir)}
    place = (folder or Path(f"verify_{time.strftime('%Y%m%d_%H%M%S')}")).absolute()
    return _carry_out(controls, settings, place, cores, time_limit, communicator, as_json)


def _carry_out(
    controls: dict[str, Path],
    settings: dict[str, Any],
    folder: Path,
    cores: int,
    time_limit: float,
    communicator: Comm | None,
    as_json: bool,
) -> int:
    from genarris_fw.engines import Context
    from genarris_fw.telling import untold
    from genarris_fw.trials.published import published
    from genarris_fw.trials.verification import (
        DISAGREES,
        FAILED,
        NOT_RUN,
        Checked,
        as_record,
        notes_on,
        render,
        summary,
        verify,
    )
    from genarris_fw.views.layout import console
    from genarris_fw.views.waiting import waiting

    first = communicator is None or communicator.rank == 0
    notes = notes_on(controls)
    problem = _make(folder) if first else ""
    if communicator is not None:
        from genarris_fw.farm.crews.crew import share

        problem = share(communicator, problem)
    if problem and not first:
        return EXIT_BAD_INPUT
    if problem:
        raise InputError(problem)
    if first:
        for note in notes:
            click.echo(f"note: {note}", err=True)
    results = []
    cases = published().cases
    with when_interrupted(BEGINS_AGAIN), waiting("verifying") if first else nullcontext(untold) as told:
        for number, case in enumerate(cases):
            if case.control not in controls:
                remark = f"needs the tutorial's {case.control}"
                results.append(Checked(case.name, NOT_RUN, case.energy, case.tolerance, remark=remark))
                continue
            took = f"published: {case.seconds:.0f} s on {published().tasks} tasks"
            told(f"{case.name} ({took})", number, len(cases))
            context = Context(folder / case.name, cores, communicator, time.time() + time_limit)
            results.append(verify(case, controls[case.control], settings, context))
    code = EXIT_DISAGREES if any(r.verdict in (DISAGREES, FAILED) for r in results) else EXIT_OK
    if not first:
        return code
    if as_json:
        print_json(as_record(results, notes, folder))
    else:
        console().print(render(results, folder))
        click.echo(summary(results))
    return code


def _make(folder: Path) -> str:
    """Make the folder, or say why not: one that is there may hold results, which would be taken for those of now."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return f"{folder}: is there already; name a new one with --folder"
    except OSError as error:
        return f"{folder}: cannot be made ({error.strerror}); name another one with --folder"
    return ""


def _communicator(size: int) -> Comm | None:
    if size == 1:
        return None
    from genarris_fw.farm.crews.crew import world

    return world()


def _full(path: str | None) -> str | None:
    return None if path is None else str(Path(path).absolute())
