"""TLS: the files that a database's URI names, and what a failed handshake means."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from urllib.parse import quote, unquote_plus

from genarris_fw.errors import DatabaseError

FILES = ("tlsCAFile", "tlsCertificateKeyFile", "tlsCRLFile")
_OPTION = re.compile(rf"(?<=[?&])({'|'.join(FILES)})=([^&]*)", re.IGNORECASE)
# How OpenSSL calls an answer that is none of TLS, or a server that hangs up on a handshake: which one, is chance.
_NO_TLS_THERE = (
    "WRONG_VERSION_NUMBER",
    "UNEXPECTED_EOF",
    "EOF occurred in violation",
    "connection has been closed (EOF)",
    "record layer failure",
)


def absolute_files(uri: str) -> str:
    """Return the URI with the files it names as absolute paths: whoever gets it may work in another folder."""

    def absolute(option: re.Match[str]) -> str:
        return f"{option[1]}={quote(str(Path(unquote_plus(option[2])).expanduser().absolute()), safe='/')}"

    return _OPTION.sub(absolute, uri)


def refuse_unreadable(uri: str, shown: str) -> None:
    """Refuse a URI whose files cannot be used.

    Parameters
    ----------
    uri : str
        The URI.
    shown : str
        The same without passwords, for the message.

    Raises
    ------
    DatabaseError
        Naming the option and the file.
    """
    for name, value in _OPTION.findall(uri):
        path = Path(unquote_plus(value))
        try:
            if name.lower() == "tlscafile":
                ssl.create_default_context(cafile=str(path))
            else:
                path.read_bytes()
        except ssl.SSLError as error:
            raise DatabaseError(f"{shown}: {path} holds no certificate: correct {name}") from error
        except OSError as error:
            raise DatabaseError(f"{shown}: {path} cannot be read ({error.strerror}): correct {name}") from error


def explain_tls(text: str, uri: str) -> tuple[str, str] | None:
    """Return what is wrong with the encryption and what to do, None when something else is wrong.

    Parameters
    ----------
    text : str
        Of pymongo's error.
    uri : str
        Which was used.
    """
    wanted = re.search(r"[?&](tls|ssl)=true", uri, re.IGNORECASE) is not None or uri.startswith("mongodb+srv://")
    if "certificate verify failed" in text:
        why = text.partition("certificate verify failed")[2].lstrip(": ").partition(" (_ssl")[0]
        todo = "name the authority that signed it with tlsCAFile=/path/ca.pem in the URI"
        if "mismatch" in why:
            todo = "use the host name that it was made for"
        elif "expired" in why:
            todo = "renew it"
        return f"the server's certificate is not trusted ({why})", todo
    if wanted and any(sign in text for sign in _NO_TLS_THERE):
        return "the server does not speak TLS", "leave out tls=true, or start it with --tlsMode requireTLS"
    embedded = "%2F" in uri.partition("://")[2].partition("?")[0].rpartition("@")[2]  # a socket's path: no TLS there
    if not wanted and not embedded and text.endswith("connection closed"):
        return f"the database does not answer ({text})", "where it wants TLS, add tls=true&tlsCAFile=/path/ca.pem"
    return None
