"""LaunchPads: connecting to a MongoDB by its URI, with errors that one line explains.

pymongo and FireWorks are imported where a URI is at hand: most folders are looked at before they have a database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, unquote_plus

from genarris_fw.database.certificates import absolute_files, explain_tls, refuse_unreadable
from genarris_fw.database.disk import NO_SPACE
from genarris_fw.database.redaction import is_option, redact, scrub, well_formed
from genarris_fw.errors import DatabaseError

if TYPE_CHECKING:
    from fireworks import LaunchPad
    from pymongo.errors import PyMongoError

DATABASE = "genarris"
DIRECTLY = "directConnection=true"
CONNECT_MS = 5000
# journal: what is acknowledged is on disk. The rest: a dead database is an error in seconds.
CLIENT_OPTIONS: dict[str, Any] = {
    "journal": True,
    "serverSelectionTimeoutMS": CONNECT_MS,
    "connectTimeoutMS": CONNECT_MS,
    "appname": "genarris_fw",
}
_UNAUTHORIZED, _AUTHENTICATION_FAILED = 13, 18
_FORM = "mongodb://user:password@host:port/database"
_NOT_QUOTED = "user and password must be percent-encoded: @ is %40, : is %3A, / is %2F, % is %25"
_FIRST_IDS = {"next_fw_id": 1, "next_launch_id": 1}


def client_options(uri: str) -> dict[str, Any]:
    """Return our options for a MongoClient at `uri`; what the URI says itself (but for the journal) is left."""
    said = {option.partition("=")[0].lower() for option in uri.partition("?")[2].split("&")} - {"journal"}
    return {name: value for name, value in CLIENT_OPTIONS.items() if name.lower() not in said}


def database_name(uri: str, origin: str = "") -> str:
    """Return the database that the URI names, ``genarris`` when it names none.

    Parameters
    ----------
    uri : str
        A MongoDB URI.
    origin : str, optional
        Where it was found, for the message.

    Raises
    ------
    DatabaseError
        For what is no MongoDB URI; nothing of it is repeated, since it may hold a password.
    """
    return _parsed(uri, origin)["database"] or DATABASE


def with_database(uri: str, name: str) -> str:
    """Return the same URI naming the database `name`."""
    _parsed(uri)
    scheme, _, rest = uri.partition("://")
    rest, mark, options = rest.partition("?")
    hosts = rest.rpartition("@")[0] + "@" if "@" in rest else ""
    address = rest[len(hosts) :].partition("/")[0]
    return f"{scheme}://{hosts}{address}/{name}{mark}{options}"


def build_uri(
    host: str,
    port: int | None = None,
    name: str | None = None,
    username: str | None = None,
    password: str | None = None,
    authsource: str | None = None,
) -> str:
    """Return the URI for the separate fields of a my_launchpad.yaml.

    As FireWorks does, the user is looked up in the database `name` unless `authsource` names another.
    """
    user = ""
    if username:
        user = quote_plus(username) + (f":{quote_plus(password)}" if password else "") + "@"
    address = quote(host, safe="") if host.startswith("/") else f"[{host}]" if host.count(":") > 1 else host
    if not host.startswith("/") and not re.search(r":\d+$", host.rpartition("]")[2] if "]" in host else host):
        address = f"{address}:{port or 27017}"
    database = name or DATABASE
    source = f"?authSource={quote_plus(authsource or database)}" if username else ""
    return f"mongodb://{user}{address}/{database}{source}"


def socket_uri(path: Path) -> str:
    """Return the URI of one of our servers on a Unix socket.

    The set that it is need not be looked for. No record of each write is kept so that the driver could send it again:
    that costs a tenth of the farm's speed, and what is done here may be done again.
    """
    options = f"{DIRECTLY}&journal=true&retryWrites=false"
    return f"mongodb://{quote(str(path), safe='')}/{DATABASE}?{options}"


def _parsed(uri: str, origin: str = "") -> dict[str, Any]:
    from pymongo.errors import PyMongoError
    from pymongo.uri_parser import parse_uri

    # mongodb+srv is looked up by name when it is used, not here
    plain = "mongodb://" + uri.removeprefix("mongodb+srv://") if uri.startswith("mongodb+srv://") else uri
    try:
        if not plain.startswith("mongodb://"):
            raise ValueError("it does not begin with mongodb:// or mongodb+srv://")
        if well_formed(plain) is None:
            raise ValueError(_NOT_QUOTED if "@" in uri else "expected host:port after the //, a port is a number")
        _check_options(plain.partition("?")[2])
        return dict(parse_uri(plain, validate=False, warn=False))
    except PyMongoError:  # its own words may repeat any part
        why = "hosts, ports or the database's name are not as they should be"
    except ValueError as error:
        why = str(error)
    raise DatabaseError(f"{origin or 'the URI given'}: not a MongoDB URI ({why}): write {_FORM}")


def _check_options(text: str) -> None:
    """Refuse options that the driver would pass over with a warning that repeats them."""
    from pymongo.errors import PyMongoError
    from pymongo.uri_parser import validate_options

    for number, part in enumerate(re.split("[&;]", text) if text else [], start=1):
        name, _, value = part.partition("=")
        if not is_option(name):
            raise ValueError(f"option {number} after the ? is none that pymongo knows")
        with suppress(OSError):  # a certificate that is not there is told where it is used
            try:
                validate_options({name.lower(): unquote_plus(value)}, warn=False)
            except (ValueError, TypeError, PyMongoError):
                raise ValueError(f"the option {name} has a value that it cannot have") from None


def launchpad(uri: str, log_level: str = "WARNING") -> LaunchPad:
    """Connect to the FireWorks database at `uri`.

    Parameters
    ----------
    uri : str
        A MongoDB URI; the database is the one it names, else ``genarris``.
    log_level : str, optional
        From which level on FireWorks' LaunchPad writes to the terminal.

    Returns
    -------
    fireworks.LaunchPad
        Connected and answered; writes are acknowledged when journaled.

    Raises
    ------
    DatabaseError
        When nothing answers, the password is refused or missing, the server's certificate is not trusted, or what
        answers is no MongoDB.
    """
    from fireworks import LaunchPad
    from pymongo import MongoClient

    name = database_name(uri)
    uri = absolute_files(uri)  # rockets and their heartbeats work in other folders
    refuse_unreadable(uri, redact(uri))
    with explained(uri):
        if _says_how_long(uri):  # that is for a server that goes away; one that is not there is an error in seconds
            with MongoClient(uri, **CLIENT_OPTIONS) as client:
                client.admin.command("ping")
        pad = LaunchPad(host=uri, name=name, uri_mode=True, strm_lvl=log_level, mongoclient_kwargs=client_options(uri))
        try:
            pad.fw_id_assigner.find_one({}, {"_id": 1})  # needs an answer and the right to read
        except BaseException:
            pad.connection.close()
            raise
    return pad


def patient(pad: LaunchPad, seconds: float | None = None) -> LaunchPad:
    """Return a LaunchPad on the same database for rockets: their calls wait for a server that is away for a while.

    Parameters
    ----------
    pad : fireworks.LaunchPad
        As from :func:`launchpad`, which gives up within seconds.
    seconds : float, optional
        How long to wait, unless the URI itself says so; `genarris_fw.patience.OUTAGE_SECONDS` by default.
    """
    from fireworks import LaunchPad

    from genarris_fw.patience import OUTAGE_SECONDS

    wait = OUTAGE_SECONDS if seconds is None else seconds
    fields = pad.to_dict()
    if str(pad.host).startswith("mongodb://%2F"):
        # Connected directly, the driver would write to a server of ours that has started and is no primary yet.
        fields["host"] = str(pad.host).replace(f"{DIRECTLY}&", "")
    if not _says_how_long(str(pad.host)):
        fields["mongoclient_kwargs"] = {**pad.mongoclient_kwargs, "serverSelectionTimeoutMS": int(1000 * wait)}
    return LaunchPad.from_dict(fields)


def ping(uri: str, timeout_ms: int = CONNECT_MS) -> dict[str, Any]:
    """Return what the server says of itself (``version``, ``pid``, ``connections`` ...).

    Raises
    ------
    DatabaseError
        As for :func:`launchpad`.
    """
    from pymongo import MongoClient

    refuse_unreadable(uri, redact(uri))
    options = {**CLIENT_OPTIONS, "serverSelectionTimeoutMS": timeout_ms, "connectTimeoutMS": timeout_ms}
    with explained(uri), MongoClient(uri, **options) as client:
        return dict(client.admin.command("serverStatus", repl=0, metrics=0, locks=0))


def refuse_unreachable(uri: str) -> None:
    """See that a database answers and may be read, without FireWorks (half of the imports of whoever only asks that).

    Raises
    ------
    DatabaseError
        As for :func:`launchpad`.
    """
    from pymongo import MongoClient

    name = database_name(uri)
    uri = absolute_files(uri)
    refuse_unreadable(uri, redact(uri))
    with explained(uri), MongoClient(uri, **CLIENT_OPTIONS) as client:
        client[name].fw_id_assigner.find_one({}, {"_id": 1})


def prepare(pad: LaunchPad) -> None:
    """Create FireWorks' counter and indexes where they are absent, so that plain ``lpad add`` works.

    Nothing that exists is changed, and two processes may do it at once: the counter has the fixed ``_id``
    that FireWorks itself gives it. Where fireworks exist without a counter, it starts after the highest id.

    Parameters
    ----------
    pad : fireworks.LaunchPad
        As from :func:`launchpad`.
    """
    from pymongo.errors import DuplicateKeyError

    with explained(pad.host):
        if pad.fw_id_assigner.find_one({}, {"_id": 1}) is None:
            first = dict(_FIRST_IDS) | _next_numbers(pad)
            with suppress(DuplicateKeyError):  # the other process was first
                pad.fw_id_assigner.update_one({"_id": -1}, {"$setOnInsert": first}, upsert=True)
        if "state_-1__id_-1" not in pad.workflows.index_information():  # the last one that tuneup makes
            pad.tuneup()


def raise_counters(pad: LaunchPad) -> None:
    """Have FireWorks number on after the highest numbers that it gave.

    Parameters
    ----------
    pad : fireworks.LaunchPad
        That of a database which was restored.
    """
    if numbers := _next_numbers(pad):
        pad.fw_id_assigner.update_one({}, {"$max": numbers})


def _next_numbers(pad: LaunchPad) -> dict[str, int]:
    """Return the numbers that follow the highest ones of fireworks and launches, by the counter's fields."""
    found = {}
    for key, collection in (("fw_id", pad.fireworks), ("launch_id", pad.launches)):
        last = collection.find_one({}, {key: 1}, sort=[(key, -1)])
        if last and isinstance(last.get(key), int):
            found[f"next_{key}"] = last[key] + 1
    return found


@contextmanager
def explained(uri: str, hint: str = "") -> Iterator[None]:
    """Turn pymongo's errors into a DatabaseError of one line, without the password.

    Parameters
    ----------
    uri : str
        The database that is used inside.
    hint : str, optional
        What to do, instead of the general advice.
    """
    from pymongo.errors import PyMongoError

    try:
        yield
    except PyMongoError as error:
        raise DatabaseError(explain(error, uri, hint)) from error


def explain(error: PyMongoError, uri: str, hint: str = "") -> str:
    """Return one line that says what a pymongo error means for the database at `uri`."""
    from pymongo.errors import ConfigurationError, ConnectionFailure, InvalidName

    where = redact(uri)
    code = getattr(error, "code", None)
    text = _one_line(scrub(str(error), uri))
    if code == _AUTHENTICATION_FAILED:
        what, todo = "the database refuses the user name or the password", "check them, and authSource"
    elif code == _UNAUTHORIZED and (refused := re.search(r"execute command \{ (\w+)", text)) and _user(uri):
        what = f"the database's user '{_user(uri)}' may not do this ({refused[1]})"
        todo, hint = "work as one with the role for workers (`genarris-fw db roles`)", ""
    elif code == _UNAUTHORIZED:
        what = "the database wants a user and a password that may do this"
        todo = "give them in GENARRIS_FW_URI or my_launchpad.yaml"
    elif any(sign in text for sign in NO_SPACE):
        what, todo = "the disk of the database is full", "make room on it"
    elif isinstance(error, ConfigurationError | InvalidName):
        what, todo = f"not a usable MongoDB URI ({text})", f"write {_FORM}"
    elif (encrypted := explain_tls(text, uri)) is not None:
        what, todo = encrypted
    elif _speaks_something_else(error):
        what, todo = "what answers there is not a MongoDB server", "check host and port"
    elif isinstance(error, ConnectionFailure):
        what = f"the database does not answer ({text})"
        todo = "start it (`genarris-fw db start` for the embedded one) or correct the URI"
    else:
        what, todo = f"the database reports: {text}", "see its log"
    return f"{where}: {what}: {hint or todo}"


@contextmanager
def as_reader() -> Iterator[None]:
    """Go on where the database's user may not write: what a reader looks at was prepared by somebody else."""
    from pymongo.errors import OperationFailure

    try:
        yield
    except (DatabaseError, OperationFailure) as error:
        cause = error.__cause__ if isinstance(error, DatabaseError) else error
        if getattr(cause, "code", None) != _UNAUTHORIZED:
            raise


def _says_how_long(uri: str) -> bool:
    return "serverselectiontimeoutms=" in uri.lower()


def _user(uri: str) -> str:
    return str(_parsed(uri).get("username") or "")


def _speaks_something_else(error: PyMongoError) -> bool:
    """Return whether a connection was made but the answers are not MongoDB's."""
    from pymongo.errors import ProtocolError

    signs = ("ProtocolError", "Got response id", "Message length", "unknown opcode", "Unknown opcode")
    return isinstance(error, ProtocolError) or any(sign in str(error) for sign in signs)


def _one_line(text: str) -> str:
    """Return the first part of an error's text, without pymongo's dump of topology and settings."""
    text = " ".join(text.split())
    text = re.split(r", Timeout: |, Topology Description| \(configured timeouts|, full error:", text)[0]
    return text[:300]
