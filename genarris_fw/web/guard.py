"""Who may look, and what a browser may do with what it is sent."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from html import escape
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from genarris_fw.errors import InputError
from genarris_fw.web.answers import refused

SHORTEST_TOKEN = 16
# chemiscope's viewer packs its textures in workers that it makes of blobs, styles what it draws, and evaluates nothing.
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_CLOSED = """<!doctype html><html lang="en"><meta charset="utf-8"><title>genarris-fw</title>
<h1>This explorer wants its token</h1><p>{why}</p>"""


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a server that listens at `host`."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    """Return a token that nobody guesses."""
    return secrets.token_urlsafe(32)


def read_token(file: Path) -> str:
    """Return the token that a file holds.

    Raises
    ------
    InputError
        Where it cannot be read, or holds none.
    """
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise InputError(
            f"{file}: the token cannot be read ({getattr(error, 'strerror', None) or 'no text'})"
        ) from None
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise InputError(
            f"{file}: a token has at least {SHORTEST_TOKEN} letters and digits without spaces: openssl rand -hex 24"
        )
    return token


class Guard:
    """Lets in who has the token; without a token, who calls this machine by its own name. Adds `HEADERS`.

    Parameters
    ----------
    app : ASGI application
    token : str or None
        None: the server listens at the loopback, and a page of another name that resolves to it is turned away.
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self.app, self.token = app, token
        # Cookies know no ports: servers beside each other have cookies of their own.
        self.cookie = f"genarris_fw_{hashlib.sha256((token or '').encode()).hexdigest()[:8]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        answer = self._answer(scope)
        await (answer or self.app)(scope, receive, with_headers)

    def _answer(self, scope: Scope) -> Response | None:
        """Return what a request is turned away with; None lets it in."""
        headers = Headers(scope=scope)
        if self.token is None:
            return (
                None if is_own_name(headers.get("host", "")) else refused(421, "this explorer serves its own machine")
            )
        query = scope["query_string"].decode("latin-1")
        given = [value for name, value in parse_qsl(query, keep_blank_values=True) if name == "token"]
        if given:
            return self._told(scope, query, given[-1])
        if self._is_right(headers.get("authorization", "").removeprefix("Bearer ")) or self._is_right(
            self._kept(headers)
        ):
            return None
        return _turned_away(headers, "no token: open the address that genarris-fw web printed")

    def _told(self, scope: Scope, query: str, given: str) -> Response:
        """Keep the token of an address in a cookie, and lead on to the address without it."""
        if not self._is_right(given):
            return _turned_away(Headers(scope=scope), "a wrong token: open the address that genarris-fw web printed")
        rest = urlencode([pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "token"])
        # One slash: two would name another host.
        path = "/" + scope["path"].lstrip("/\\")
        answer = RedirectResponse(path + (f"?{rest}" if rest else ""), status_code=303)
        answer.set_cookie(self.cookie, given, httponly=True, samesite="lax", path="/")
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _kept(self, headers: Headers) -> str:
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return ""
        return morsel.value if morsel else ""

    def _is_right(self, given: str) -> bool:
        assert self.token is not None
        return hmac.compare_digest(given.encode(errors="replace"), self.token.encode())


def is_own_name(host: str) -> bool:
    """Tell whether a ``Host`` header names this machine by its loopback."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return is_loopback(name)


def _turned_away(headers: Headers, why: str) -> Response:
    wants = {"WWW-Authenticate": 'Bearer realm="genarris-fw"'}
    if "text/html" in headers.get("accept", ""):
        return HTMLResponse(_CLOSED.format(why=escape(why)), status_code=401, headers=wants)
    return refused(401, why, wants)
