"""Whom a run tells how it ended: a command, or a URL; what of it may be shown, and one POST to a URL.

The whole URL of a webhook is a secret: whoever has it can post. Nothing of it but its host is ever shown.
"""

from __future__ import annotations

import base64
import json
import shlex
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from genarris_fw.version import __version__

SCHEMES = ("http", "https")
# Seconds for one answer, and before a second and a third try.
ANSWER_SECONDS = 10.0
PAUSES = (1.0, 3.0)
_AGAIN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


def is_url(target: str) -> bool:
    """Tell whether a target is a URL: anything else is a command."""
    return "://" in target.split(maxsplit=1)[0]


def why_no_target(target: str) -> str:
    """Return what is wrong with a command or a URL, without its words; empty when nothing is."""
    if not is_url(target):
        try:
            return "" if shlex.split(target)[0] else "expected a command"
        except ValueError as error:  # a quotation mark without its counterpart
            return f"no command with its arguments ({str(error).lower()})"
    try:
        parts = urlsplit(target)
        port = parts.port
    except ValueError:
        return "no URL: expected https://host/path"
    if parts.scheme not in SCHEMES:
        return "expected a URL of http or https, or a command"
    if not parts.hostname or port == 0 or any(c.isspace() or not c.isascii() for c in target):
        return "no URL: expected https://host/path, without spaces and in ASCII"
    return ""


def target_shown(target: str) -> str:
    """Return what of a command or a URL may be shown: its program, or its host."""
    if not is_url(target):
        program, *arguments = shlex.split(target)
        return f"{program} ..." if arguments else program
    parts = urlsplit(target)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/..."


class NotPosted(Exception):
    """Nobody took what was posted; its words hold nothing of the URL.

    Parameters
    ----------
    why : str
        What went wrong.
    again : bool
        Whether another try may help.
    """

    def __init__(self, why: str, again: bool) -> None:
        super().__init__(why)
        self.again = again


def post(url: str, content: Mapping[str, Any], seconds: float = ANSWER_SECONDS) -> None:
    """Post JSON to a URL, again where that may help, and return when somebody has taken it.

    Parameters
    ----------
    url : str
        Of http or https; a name and a password in it are sent as basic authentication. It is posted to no other:
        an answer that leads elsewhere is a failure.
    content : mapping
        What is posted.
    seconds : float, optional
        How long each try may take as a whole, looking up the host included.

    Raises
    ------
    NotPosted
        After the last try, or where another one is of no use.
    """
    for pause in (*PAUSES, None):
        try:
            _in_time(url, json.dumps(content).encode(), seconds)
            return
        except NotPosted as error:
            if pause is None or not error.again:
                raise
            time.sleep(pause)


def _in_time(url: str, body: bytes, seconds: float) -> None:
    """Post once; a server that answers a byte at a time, or a name service that never does, is not waited for."""
    failures: list[NotPosted] = []

    def once() -> None:
        try:
            _once(url, body, seconds)
        except NotPosted as error:
            failures.append(error)

    thread = threading.Thread(target=once, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise NotPosted(f"no answer within {seconds:g} s", again=True)
    if failures:
        raise failures[0]


class _NoRedirect(HTTPRedirectHandler):
    """Follow no redirection: what is posted is for one host alone."""

    def redirect_request(self, *_: Any) -> None:
        """Refuse."""


def _once(url: str, body: bytes, seconds: float) -> None:
    parts = urlsplit(url)
    headers = {"Content-Type": "application/json", "User-Agent": f"genarris-fw/{__version__}"}
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    place = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="")
    try:
        with build_opener(_NoRedirect).open(Request(place.geturl(), body, headers, method="POST"), timeout=seconds):
            return
    except HTTPError as error:
        with error:
            again = error.code >= HTTPStatus.INTERNAL_SERVER_ERROR or error.code in _AGAIN
            raise NotPosted(f"the answer was {error.code} ({_phrase(error.code)})", again) from None
    except URLError as error:
        reason = getattr(error.reason, "strerror", None) or type(error.reason).__name__
        raise NotPosted(f"not reached ({reason})", again=True) from None
    except Exception as error:  # the words of others may repeat the URL
        raise NotPosted(f"no proper answer ({type(error).__name__})", again=True) from None


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "no standard answer"
