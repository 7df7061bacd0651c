"""Which database a command works on: the one the user named, else the embedded one of the folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from pymongo.errors import ConnectionFailure
from ruamel.yaml import YAML, YAMLError

from genarris_fw.errors import DatabaseError
from genarris_fw.farm.launchpads import DATABASE, build_uri, database_name, redact, with_database
from genarris_fw.farm.server import FOLDER, Server

VARIABLE = "GENARRIS_FW_URI"
LAUNCHPAD_FILE = "my_launchpad.yaml"


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
        if file.is_file():
            return _located(read_launchpad_file(file), str(file), folder)
    server = Server(folder, data=data)
    return Database(None, server.origin, server)


def _located(address: str, origin: str, folder: Path) -> Database:
    """Return the database at `address`, with the embedded server behind it if it is one."""
    database_name(address)  # raises for what is no URI
    server = _embedded(address, folder)
    return Database(address, origin, server)


def _embedded(address: str, folder: Path) -> Server | None:
    """Return the embedded server whose socket the URI names: that of `folder`, or one beside it."""
    host = unquote_plus(address.partition("://")[2].rpartition("@")[2].partition("/")[0])
    if not host.startswith("/"):
        return None
    folders = [folder]
    home = Path(host).parent.parent
    if home.name == FOLDER:
        folders.append(home.parent)
    for candidate in folders:
        server = Server(candidate)
        if server.exists() and server.socket_path == Path(host):
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
    try:
        fields: Any = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise DatabaseError(f"{file}: cannot be read ({' '.join(str(error).split())[:200]})") from error
    if not isinstance(fields, dict):
        raise DatabaseError(f"{file}: not a launchpad file: write `host`, `port` and `name`, or see `genarris-fw init`")
    if fields.get("uri_mode"):
        uri = str(fields.get("host") or "")
        if not uri:
            raise DatabaseError(f"{file}: uri_mode without a host: write the MongoDB URI after `host:`")
        if fields.get("name"):
            uri = with_database(uri, str(fields["name"]))
    else:
        port = fields.get("port")
        uri = build_uri(
            str(fields.get("host") or "localhost"),
            int(port) if port else None,
            str(fields.get("name") or "fireworks"),
            fields.get("username"),
            fields.get("password"),
            fields.get("authsource"),
        )
    return _with_options(uri, fields.get("mongoclient_kwargs") or {})


def _with_options(uri: str, options: dict[str, Any]) -> str:
    """Add plain options to the URI, unless it has them."""
    present = {part.partition("=")[0].lower() for part in uri.partition("?")[2].split("&")}
    for name, value in options.items():
        if name.lower() in present or not isinstance(value, str | int | float | bool):
            continue
        text = str(value).lower() if isinstance(value, bool) else quote_plus(str(value))
        uri += f"{'&' if '?' in uri else '?'}{name}={text}"
    return uri
