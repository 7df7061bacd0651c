"""Which database a command works on: the one the user named, else the embedded one of the folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from genarris_fw.database.launchpads import DATABASE, build_uri, database_name, with_database
from genarris_fw.database.redaction import redact
from genarris_fw.database.server import FOLDER, Server
from genarris_fw.errors import DatabaseError, InputError
from genarris_fw.files import read_ordinary

VARIABLE = "GENARRIS_FW_URI"
LAUNCHPAD_FILE = "my_launchpad.yaml"
LARGEST_FILE = 2**20  # bytes


@dataclass(frozen=True)
class Database:
    """A database that was found.

    Attributes
    ----------
    address : str or None
        The URI as it was found; None: the embedded server's, whatever that is.
    origin : str
        Where it was found, for messages.
    server : Server or None
        The embedded server behind it, None when the server is somebody else's.
    """

    address: str | None
    origin: str
    server: Server | None = None

    @property
    def uri(self) -> str:
        """The URI; an embedded server's own, naming the database that was asked for."""
        return self._named(self.server.uri if self.server else "")

    def exists(self) -> bool:
        """Tell whether it is there, as far as that can be told without connecting or making one."""
        return self.server is None or self.server.exists()

    def lies_in(self, folder: Path) -> bool:
        """Tell whether it is a folder's own embedded database, which moves, or is copied, with the folder."""
        return self.server is not None and self.server.home.resolve().is_relative_to(Path(folder).resolve())

    @property
    def name(self) -> str:
        """The name of the database on its server."""
        return database_name(self.address) if self.address else DATABASE

    @contextmanager
    def use(self) -> Iterator[str]:
        """Give the URI, with an embedded server running inside the ``with``.

        Raises
        ------
        DatabaseError
            When the server does not start; when one inside says that it does not answer, and why is to be seen.
        """
        with self.server.use() if self.server else nullcontext("") as uri:
            try:
                yield self._named(uri)
            except DatabaseError as error:
                from pymongo.errors import ConnectionFailure

                if self.server is not None and isinstance(error.__cause__, ConnectionFailure):
                    self.server.refuse_end()
                raise

    @property
    def lock_descriptors(self) -> tuple[int, ...]:
        """The locks that :meth:`use` holds, for ``subprocess.Popen(..., pass_fds=...)``."""
        return self.server.lock_descriptors if self.server else ()

    def _named(self, embedded: str) -> str:
        """Return the URI, with the embedded server's where there is one, naming the right database."""
        if self.server is None:
            return self.address or ""
        return embedded if database_name(embedded) == self.name else with_database(embedded, self.name)

    def __str__(self) -> str:
        """Return where it is, without a password."""
        return self.origin if self.address is None else f"{redact(self.address)} ({self.origin})"


def find_server(folder: Path, uri: str | None = None, data: Path | None = None) -> Database:
    """Find the database for a folder, without connecting to it.

    Parameters
    ----------
    folder : Path
        The run's folder.
    uri : str, optional
        What the user gave on the command line.
    data : Path, optional
        Where the embedded server's files shall lie.

    Returns
    -------
    Database
        From, in this order: `uri`, the environment variable GENARRIS_FW_URI, ``my_launchpad.yaml`` in
        `folder`, the same in the current folder, the embedded server of `folder`. A URI that is an embedded
        server's socket gives that server, so that it is started when it is used.

    Raises
    ------
    DatabaseError
        When a my_launchpad.yaml cannot be read, or the URI is none.
    """
    folder = Path(folder).absolute()
    given = [("the option --uri", uri), (f"the environment variable {VARIABLE}", os.environ.get(VARIABLE))]
    for origin, address in given:
        if address:
            return _located(address, origin, folder)
    for place in dict.fromkeys((folder, Path.cwd())):
        file = place / LAUNCHPAD_FILE
        if file.exists():
            return _located(read_launchpad_file(file), str(file), folder)
    server = Server(folder, data=data)
    return Database(None, server.origin, server)


def _located(address: str, origin: str, folder: Path) -> Database:
    """Return the database at `address`, with the embedded server behind it if it is one."""
    database_name(address, origin)  # raises for what is no URI
    server = _embedded(address, folder)
    return Database(address, origin, server)


def _embedded(address: str, folder: Path) -> Server | None:
    """Return the embedded server whose socket the URI names, or named before: that of `folder`, or one beside it."""
    host = unquote_plus(address.partition("://")[2].rpartition("@")[2].partition("/")[0])
    if not host.startswith("/"):
        return None
    folders = [folder]
    home = Path(host).parent.parent
    if home.name == FOLDER:
        folders.append(home.parent)
    for candidate in folders:
        server = Server(candidate)
        if server.exists() and Path(host) in (server.socket_path, server.own_socket, *server.former_sockets):
            return server
    return None


def read_launchpad_file(file: Path) -> str:
    """Return the URI that a my_launchpad.yaml describes, in either of its forms.

    Parameters
    ----------
    file : Path
        With ``uri_mode: true`` the field ``host`` is a URI; else ``host``, ``port``, ``name``, ``username``,
        ``password`` and ``authsource`` are separate. Plain values of ``mongoclient_kwargs`` become options of
        the URI.

    Raises
    ------
    DatabaseError
        When the file cannot be read or lacks the host.
    """
    fields = _fields(file)
    if fields.get("uri_mode"):
        uri = _text(fields, "host", file)
        if not uri:
            raise DatabaseError(f"{file}: uri_mode without a host: write the MongoDB URI after `host:`")
        database_name(uri, str(file))
        if name := _text(fields, "name", file):
            uri = with_database(uri, name)
    else:
        uri = build_uri(
            _text(fields, "host", file) or "localhost",
            _port(fields, file),
            _text(fields, "name", file) or "fireworks",
            _text(fields, "username", file),
            _text(fields, "password", file),
            _text(fields, "authsource", file),
        )
    options = fields.get("mongoclient_kwargs") or {}
    if not isinstance(options, dict) or not all(isinstance(name, str) for name in options):
        raise DatabaseError(f"{file}: expected `name: value` lines below mongoclient_kwargs")
    return _with_options(uri, options)


def _fields(file: Path) -> dict[str, Any]:
    """Return what the file holds; what is wrong with it is said without its lines, which may hold a password."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    line, why = None, "not YAML"
    try:
        fields: Any = YAML(typ="safe").load(read_ordinary(file, LARGEST_FILE).decode("utf-8"))
    except UnicodeDecodeError:
        why = "not UTF-8"
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
    except InputError as error:
        raise DatabaseError(str(error)) from None
    except Exception:  # a date or a number that is none, brackets in brackets in brackets: errors of every class
        pass
    else:
        if isinstance(fields, dict):
            return fields
        raise DatabaseError(f"{file}: not a launchpad file: write `host`, `port` and `name`, or see `genarris-fw init`")
    where = f"{file}, line {line}" if line else str(file)
    raise DatabaseError(f"{where}: cannot be read ({why}): write `name: value` lines, or see `genarris-fw init`")


def _text(fields: dict[str, Any], name: str, file: Path) -> str | None:
    """Return a field that is a text; a number without quotes is not what was written (0123, 1e5, 1_0)."""
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value
    raise DatabaseError(f"{file}: {name} is not a text: write it in quotes")


def _port(fields: dict[str, Any], file: Path) -> int | None:
    value = fields.get("port")
    if value is None:
        return None
    port = int(value) if isinstance(value, int) or (isinstance(value, str) and re.fullmatch(r"\d{1,5}", value)) else 0
    if isinstance(value, bool) or not 1 <= port <= 65535:
        raise DatabaseError(f"{file}: port is not a whole number from 1 to 65535")
    return port


def _with_options(uri: str, options: dict[str, Any]) -> str:
    """Add plain options to the URI, unless it has them."""
    present = {part.partition("=")[0].lower() for part in uri.partition("?")[2].split("&")}
    for name, value in options.items():
        if name.lower() in present or not isinstance(value, str | int | float | bool):
            continue
        text = str(value).lower() if isinstance(value, bool) else quote_plus(str(value))
        uri += f"{'&' if '?' in uri else '?'}{name}={text}"
    return uri
