"""``genarris-fw serve-optimade``: what runs hold, for clients of OPTIMADE."""

from __future__ import annotations

import re
from pathlib import Path

import click

from genarris_fw.catalogue import Catalogue
from genarris_fw.cli.completing import run_names
from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import database_options, open_existing, whereabouts
from genarris_fw.cli.serving import address_of, listening, refuse_without, serve
from genarris_fw.errors import InputError
from genarris_fw.showing import shown
from genarris_fw.views.waiting import waiting

PORT = 8700
PREFIX = re.compile("[a-z][a-z0-9]*")


@click.command(
    name="serve-optimade",
    epilog=example("serve-optimade urea", "serve-optimade --host 0.0.0.0 --license CC-BY-4.0"),
)
@click.argument("runs", metavar="[RUN]...", nargs=-1, shell_complete=run_names)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where to listen; whoever reaches any other, reads."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="Of that; 0 takes a free one."
)
@click.option("--prefix", default="gfw", show_default=True, help="Of our own properties: _gfw_density.")
@click.option("--provider", default="genarris_fw", show_default=True, help="Name of who serves, for clients.")
@click.option("--license", default=None, help="Of the data: an SPDX identifier, such as CC-BY-4.0, or a URL.")
@click.option("--base-url", default=None, help="Where clients find it, behind another server (https://...).")
@database_options
def command(
    runs: tuple[str, ...],
    host: str,
    port: int,
    prefix: str,
    provider: str,
    license: str | None,
    base_url: str | None,
    folder: Path,
    uri: str | None,
) -> None:
    """Answer OPTIMADE queries: structures of all pools, of all runs or of those named, and their properties.

    Ctrl-C ends the server. Documents of runs are read, never written; what is made of them to answer quickly lies in
    collections of its own.
    """
    refuse_without("optimade", "serving OPTIMADE", "optimade", "fastapi", "mongomock", "uvicorn")
    _refuse_wrong(prefix, license, base_url)
    from genarris_fw.optimade.app import Service
    from genarris_fw.optimade.guard import Told
    from genarris_fw.optimade.index import Index
    from genarris_fw.optimade.place import place_of_index
    from genarris_fw.optimade.settings import Provider
    from genarris_fw.web.guard import is_loopback

    folder, first = whereabouts(runs[0] if runs else None, folder, uri)
    named = [run for run in (first, *runs[1:]) if run is not None]
    with open_existing(folder, uri, read_only=True) as opened, listening(host, port) as sock:
        _refuse_unknown(opened.catalogue, named)
        with place_of_index(opened.catalogue.database) as place:
            index = Index(opened.catalogue, place, named)
            with waiting("reading structures") as told:
                index.update(told)
            service = Service(index, Provider(prefix, provider, base_url, license), is_loopback(host))
            click.echo(f"{address_of(host, sock)}v1")
            click.echo("Ctrl-C ends it", err=True)
            if not is_loopback(host):
                click.echo(
                    "note: whoever reaches this port reads what is served: OPTIMADE knows no passwords", err=True
                )
            with service.refreshing():
                serve(Told(service.app), sock)


def _refuse_unknown(catalogue: Catalogue, runs: list[str]) -> None:
    from genarris_fw.web.runs import refuse_unknown

    for run in runs:
        refuse_unknown(catalogue, run)


def _refuse_wrong(prefix: str, license: str | None, base_url: str | None) -> None:
    if not PREFIX.fullmatch(prefix):
        raise InputError(f"--prefix {shown(prefix)}: small letters and digits, a letter first: it becomes _gfw_density")
    if license is not None and not re.fullmatch(r"https?://\S+|[A-Za-z0-9.+-]+", license):
        raise InputError(f"--license {shown(license)}: an SPDX identifier, such as CC-BY-4.0, or a URL")
    if base_url is not None and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", base_url):
        raise InputError(f"--base-url {shown(base_url)}: a URL that begins with http:// or https://")
