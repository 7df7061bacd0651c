"""``genarris-fw web``: the explorer, in a browser."""

from __future__ import annotations

import os
import socket
import sys
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import database_options, open_existing, run_argument, whereabouts
from genarris_fw.errors import InputError
from genarris_fw.showing import shown

if TYPE_CHECKING:
    from fastapi import FastAPI

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
    _refuse_without_extra()
    from genarris_fw.web.app import create_app
    from genarris_fw.web.guard import is_loopback, new_token, read_token
    from genarris_fw.web.runs import refuse_unknown

    token = read_token(token_file) if token_file else None if is_loopback(host) else new_token()
    folder, run = whereabouts(run, folder, uri)
    with open_existing(folder, uri, read_only=True) as opened, _listening(host, port) as sock:
        if run is not None:
            refuse_unknown(opened.catalogue, run)
        address = f"http://{_written(host)}:{sock.getsockname()[1]}/"
        click.echo(f"{address}{f'?token={token}' if token and not token_file else ''}")
        click.echo("Ctrl-C ends it", err=True)
        if opening if opening is not None else sys.stdout.isatty() and _has_windows():
            webbrowser.open(address + (f"?token={token}" if token else ""))
        _serve(create_app(opened.catalogue, run, token), sock)


def _has_windows() -> bool:
    """Tell whether a browser would have a window of its own: one for terminals would take this one."""
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _serve(app: FastAPI, sock: socket.socket) -> None:
    import uvicorn

    from genarris_fw.web.memory import give_back_large_pieces

    give_back_large_pieces()
    # No log of requests: the address that is opened first has the token in it.
    settings = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=2
    )
    with suppress(KeyboardInterrupt):  # raised again by uvicorn, once it has ended
        uvicorn.Server(settings).run(sockets=[sock])


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises
    ------
    InputError
        Where the port is in use, or the host is none of this machine's.
    """
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(where)
        sock.listen(128)
    except (OSError, UnicodeError) as error:
        if getattr(error, "errno", None) == 98:
            raise InputError(f"port {port} of {host} is in use: name another one with --port, or 0 for any") from None
        why = getattr(error, "strerror", None) or "no such host"
        raise InputError(
            f"cannot listen at {shown(host)}, port {port} ({why}): name another --host or --port"
        ) from None
    return sock


def _written(host: str) -> str:
    if host in ("0.0.0.0", "::", ""):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def _refuse_without_extra() -> None:
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"the explorer needs {error.name}, which is not installed: pip install 'genarris_fw[web]'"
        ) from None
