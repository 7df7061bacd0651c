"""``genarris-fw check``: what a ui.conf would do, before anything runs; and the two tests of an installation."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genarris_fw.cli.main import EXIT_BAD_INPUT, EXIT_OK
from genarris_fw.cli.numbers import Number
from genarris_fw.farm.crews.ranks import rank_and_size
from genarris_fw.names import is_smiles
from genarris_fw.threads import import_numpy_on_one_thread

if TYPE_CHECKING:
    from mpi4py.MPI import Comm

    from genarris_fw.options import Configuration

# Seconds that all trials of engines may take together.
ENGINE_TIME = 300.0


@click.command(name="check")
@click.argument("ui_conf", type=click.Path(path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
@click.option("--uri", default=None, help="MongoDB URI; default: GENARRIS_FW_URI, my_launchpad.yaml, the run's folder.")
@click.option("--no-engine-test", is_flag=True, help="Do not try the engines: a quick check.")
@click.option(
    "--engine-time",
    type=Number(0, 10**7),
    default=ENGINE_TIME,
    show_default=True,
    help="Seconds that trying the engines may take.",
)
@click.option("--engine", "engine_only", is_flag=True, help="Only try the engines; under mpirun over all its ranks.")
@click.option(
    "--molecule", type=click.Path(path_type=Path), default=None, help="Try the engines on this molecule instead."
)
@click.option(
    "--keep", is_flag=True, help="Keep the estimate for a run begun afterwards: costs shows it beside what it became."
)
@click.option("--mpi", is_flag=True, help="Only test MPI, started by mpirun or srun; needs no UI_CONF.")
def command(
    ui_conf: Path | None,
    as_json: bool,
    uri: str | None,
    no_engine_test: bool,
    engine_time: float,
    engine_only: bool,
    molecule: Path | None,
    keep: bool,
    mpi: bool,
) -> int:
    """Show every option of UI_CONF as resolved and from where, and whether everything it needs is here.

    Each engine that the run uses is tried: a single point of the molecule and of one crystal like those of the run.
    From its time follows an estimate for the whole run. Nothing is changed, unless --keep is given. The exit code is 2
    when something would stop the run, an engine that fails its trial included.

    The two tests of an installation: "mpirun -n 4 genarris-fw check --mpi", and "genarris-fw check --engine UI_CONF"
    (under mpirun where FHI-aims is used as a library).
    """
    if mpi:
        if ui_conf is not None or engine_only:
            raise click.UsageError("--mpi stands alone, without UI_CONF and --engine")
        return _mpi(as_json)
    if ui_conf is None:
        raise click.UsageError("missing argument 'UI_CONF' (only --mpi needs none)")
    if engine_only and no_engine_test:
        raise click.UsageError("--engine and --no-engine-test exclude each other")
    if keep and (no_engine_test or engine_only):
        raise click.UsageError("--keep keeps the estimate, which --no-engine-test and --engine do not make")
    import_numpy_on_one_thread()
    from genarris_fw.options import OptionsError, load

    try:
        configuration = load(ui_conf)
        if molecule is not None:
            configuration.molecule_path = str(molecule if is_smiles(molecule) else molecule.absolute())
    except OptionsError as error:
        if rank_and_size()[0]:
            return EXIT_BAD_INPUT
        if not as_json:
            raise
        return _json({"file": str(ui_conf), "problems": error.problems})
    if engine_only:
        return _engines(configuration, engine_time, as_json)
    return _everything(configuration, None if no_engine_test else engine_time, uri, as_json, keep)


def _everything(configuration: Configuration, seconds: float | None, uri: str | None, as_json: bool, keep: bool) -> int:
    """Check all that a run needs; the engines too, unless there are no seconds for them."""
    from genarris_fw.database.find import find_server
    from genarris_fw.options import OptionsError
    from genarris_fw.trials.check import check, render
    from genarris_fw.trials.engines import missing_engines
    from genarris_fw.trials.estimates import estimate, groups_of
    from genarris_fw.views.layout import console

    found = check(configuration, find_server(Path(configuration.folder), uri), every_engine=as_json)
    if seconds is None:
        found["problems"] += missing_engines(configuration)
    else:
        test = _tried(configuration, seconds)
        groups = groups_of(found["space_groups"])
        test["estimate"] = estimate(configuration, test["trials"], groups, os.cpu_count() or 1)
        # A molecule that cannot be read has been named before.
        known = found["problems"]
        found["problems"] = known + [new for new in test.pop("problems") if not any(old in new for old in known)]
        found["engine_test"] = test
        if keep:
            from genarris_fw.farm import forecast

            forecast.keep(configuration, test["estimate"])
    if as_json:
        return _json(found)
    console().print(render(found))
    if found["problems"]:
        raise OptionsError(found["problems"])
    click.echo(f"{configuration.path}: everything that run '{configuration.run_name}' needs is here")
    return EXIT_OK


def _engines(configuration: Configuration, seconds: float, as_json: bool) -> int:
    """Try the engines of a run alone: in every rank where one of them is driven over MPI, else in the first."""
    from genarris_fw.options import OptionsError
    from genarris_fw.trials.engines import any_over_mpi, render_trials
    from genarris_fw.views.layout import console

    rank, size = rank_and_size()
    communicator = None
    if size > 1 and any_over_mpi(configuration):
        from genarris_fw.farm.crews.crew import world

        communicator = world()
    elif rank:
        return EXIT_OK
    test = _tried(configuration, seconds, communicator)
    if rank:
        return EXIT_BAD_INPUT if test["problems"] else EXIT_OK
    if as_json:
        return _json(test)
    console().print(render_trials(test))
    if test["problems"]:
        raise OptionsError(test["problems"])
    if not test["trials"]:
        click.echo(f"{configuration.path}: no step uses an engine")
    return EXIT_OK


def _tried(configuration: Configuration, seconds: float, communicator: Comm | None = None) -> dict[str, Any]:
    """Try the engines, and say on a terminal which one is tried."""
    from rich.console import Console

    from genarris_fw.trials.engines import check_engines

    errors = Console(stderr=True)
    with errors.status("trying the engines") as status:
        return check_engines(configuration, seconds, communicator, status.update)


def _mpi(as_json: bool) -> int:
    """Test MPI in all ranks; the first one speaks."""
    from genarris_fw.farm.crews.mpi_check import report
    from genarris_fw.options import OptionsError

    lines, problems = report()
    if rank_and_size()[0]:
        return EXIT_BAD_INPUT if problems else EXIT_OK
    if as_json:
        return _json({"lines": lines, "problems": problems})
    for line in lines:
        click.echo(line)
    if problems:
        raise OptionsError(problems)
    return EXIT_OK


def _json(found: dict[str, Any]) -> int:
    """Print for a program; return the exit code."""
    click.echo(json.dumps(found, indent=2))
    return EXIT_BAD_INPUT if found["problems"] else EXIT_OK
