"""``genarris-fw pictures``: a pool of the catalogue as figures."""

from __future__ import annotations

import json
from pathlib import Path

import click

from genarris_fw.cli.existing import database_options, open_existing
from genarris_fw.names import folder_of
from genarris_fw.showing import printable


@click.command(name="pictures")
@click.argument("run")
@click.option("--pool", default=None, help="Which pool (default: the one that the last step made).")
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
@click.option("--json", "as_json", is_flag=True, help="Print what was drawn, and what was left out, as JSON.")
@database_options
def command(
    run: str,
    pool: str | None,
    target: Path | None,
    formats: str,
    color_by: str | None,
    as_json: bool,
    folder: Path,
    uri: str | None,
) -> None:
    """Draw what is known of a pool of RUN: volumes, densities, space groups, energies, descriptors, distances."""
    from genarris_fw.pools.exporting import last_pool
    from genarris_fw.views.drawing import pool_pictures
    from genarris_fw.views.wording import counted

    names = [name.strip().lower() for name in formats.split(",") if name.strip()]
    with open_existing(folder, uri) as opened:
        chosen = pool or last_pool(opened.catalogue, run)
        place = target or Path(folder_of(chosen, "pictures", "--output"))
        pictures = pool_pictures(opened.catalogue, run, chosen, place, names, color_by)
    drawn = [picture for picture in pictures if picture.files]
    left_out = {picture.name: picture.left_out for picture in pictures if not picture.files}
    if as_json:
        files = {picture.name: [str(path) for path in picture.files] for picture in drawn}
        about = {"run": run, "pool": chosen, "folder": str(place), "pictures": files, "left_out": left_out}
        click.echo(json.dumps(about, indent=2))
    else:
        click.echo(printable(f"pool '{chosen}' of run '{run}': {counted(len(drawn), 'picture')} in {place}"))
        for name, reason in left_out.items():
            click.echo(printable(f"left out: {name} ({reason})"))
