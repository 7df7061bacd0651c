"""``genarris-fw pictures``: a pool of the catalogue as figures."""

from __future__ import annotations

from pathlib import Path

import click

from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.completing import pool_names
from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import database_options, open_run, run_argument
from genarris_fw.cli.interrupting import when_interrupted
from genarris_fw.cli.overwriting import force_option, refuse_there
from genarris_fw.names import folder_of
from genarris_fw.showing import printable


@click.command(name="pictures", epilog=example("pictures urea --pool minima --format png --output figures"))
@run_argument
@click.option(
    "--pool", default=None, shell_complete=pool_names, help="Which pool (default: the one that the last step made)."
)
@click.option(
    "--output", "target", type=click.Path(path_type=Path), default=None, help="The folder (default: pictures/POOL)."
)
@click.option("--format", "formats", default="png,svg", show_default=True, help="Comma-separated: png, svg, pdf.")
@click.option(
    "--color-by",
    default=None,
    metavar="cluster|energy|PROPERTY",
    help="What colours the map (default: cluster, else energy).",
)
@force_option
@json_option
@database_options
def command(
    run: str | None,
    pool: str | None,
    target: Path | None,
    formats: str,
    color_by: str | None,
    force: bool,
    as_json: bool,
    folder: Path,
    uri: str | None,
) -> None:
    """Draw what is known of a pool of RUN: volumes, densities, space groups, energies, descriptors, distances."""
    from genarris_fw.pools.exporting import last_pool
    from genarris_fw.views.drawing import pool_pictures
    from genarris_fw.views.waiting import waiting
    from genarris_fw.views.wording import counted

    names = [name.strip().lower() for name in formats.split(",") if name.strip()]
    with open_run(run, folder, uri) as (opened, name, _):
        chosen = pool or last_pool(opened.catalogue, name)
        place = target or Path(folder_of(chosen, "pictures", "--output"))

        def allowed(files: list[Path]) -> None:
            refuse_there(files, force, "--output")

        with when_interrupted(more="--force"), waiting("reading structures") as told:
            pictures = pool_pictures(opened.catalogue, name, chosen, place, names, color_by, allowed, told)
    drawn = [picture for picture in pictures if picture.files]
    left_out = {picture.name: picture.left_out for picture in pictures if not picture.files}
    if as_json:
        files = {picture.name: [str(path) for path in picture.files] for picture in drawn}
        print_json({"run": name, "pool": chosen, "folder": str(place), "pictures": files, "left_out": left_out})
    else:
        click.echo(printable(f"pool '{chosen}' of run '{name}': {counted(len(drawn), 'picture')} in {place}"))
        for picture, reason in left_out.items():
            click.echo(printable(f"left out: {picture} ({reason})"))
