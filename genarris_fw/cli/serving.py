"""What commands share that serve a page or an interface: a socket that listens, and a server until Ctrl-C."""

from __future__ import annotations

import importlib
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from genarris_fw.errors import InputError
from genarris_fw.showing import shown

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def serve(app: ASGIApp, sock: socket.socket) -> None:
    """Answer what comes to a socket until the process is told to end."""
    import uvicorn

    from genarris_fw.web.memory import give_back_large_pieces

    give_back_large_pieces()
    # No log of requests: an address may have a token in it.
    settings = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=2
    )
    with suppress(KeyboardInterrupt):  # raised again by uvicorn, once it has ended
        uvicorn.Server(settings).run(sockets=[sock])


def listening(host: str, port: int) -> socket.socket:
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


def address_of(host: str, sock: socket.socket) -> str:
    """Return the address under which a server that listens is found."""
    name = socket.gethostname() if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host
    return f"http://{name}:{sock.getsockname()[1]}/"


def refuse_without(extra: str, what: str, *packages: str) -> None:
    """Refuse to go on without the packages of an extra.

    Raises
    ------
    InputError
        Naming the first package that is missing, and the extra.
    """
    for package in packages:
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise InputError(
                f"{what} needs {error.name or package}, which is not installed: pip install 'genarris_fw[{extra}]'"
            ) from None
