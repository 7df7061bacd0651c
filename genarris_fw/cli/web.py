"""``genarris-fw web``: the explorer, in a browser."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path

import click

from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import database_options, open_existing, run_argument, whereabouts
from genarris_fw.cli.serving import address_of, listening, refuse_without, serve

PORT = 8600


@click.command(name="web", epilog=example("web urea", "web --host 0.0.0.0 --token-file token"))
@run_argument
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; any other wants a token.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="Of that; 0 takes a free one."
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="A file with the token (default: none at the loopback, else a new one, printed once).",
)
@click.option(
    "--open/--no-open", "opening", default=None, help="Open the browser (default: from a terminal with windows)."
)
@database_options
def command(
    run: str | None,
    host: str,
    port: int,
    token_file: Path | None,
    opening: bool | None,
    folder: Path,
    uri: str | None,
) -> None:
    """Explore runs in a browser: progress, landscapes, tables, crystals, downloads. Nothing is written.

    With RUN, the page begins with it. Ctrl-C ends the server.
    """
    refuse_without("web", "the explorer", "fastapi", "uvicorn")
    from genarris_fw.web.app import create_app
    from genarris_fw.web.guard import is_loopback, new_token, read_token
    from genarris_fw.web.runs import refuse_unknown

    token = read_token(token_file) if token_file else None if is_loopback(host) else new_token()
    folder, run = whereabouts(run, folder, uri)
    with open_existing(folder, uri, read_only=True) as opened, listening(host, port) as sock:
        if run is not None:
            refuse_unknown(opened.catalogue, run)
        address = address_of(host, sock)
        click.echo(f"{address}{f'?token={token}' if token and not token_file else ''}")
        click.echo("Ctrl-C ends it", err=True)
        if opening if opening is not None else sys.stdout.isatty() and _has_windows():
            webbrowser.open(address + (f"?token={token}" if token else ""))
        serve(create_app(opened.catalogue, run, token), sock)


def _has_windows() -> bool:
    """Tell whether a browser would have a window of its own: one for terminals would take this one."""
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
