"""Around the library's application: who is answered, and what is said where."""

from __future__ import annotations

import io
import logging
from contextvars import ContextVar
from typing import Any

from optimade.exceptions import OptimadeHTTPException
from optimade.server.exception_handlers import general_exception
from optimade.server.middleware import AddWarnings
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from genarris_fw.web.guard import is_own_name

logger = logging.getLogger(__name__)


class NotThisOne(OptimadeHTTPException):
    """Called by a name that is not this machine's."""

    status_code, title = 421, "Misdirected Request"


class OwnName:
    """Turns away requests for names that are not this machine's: pages of other servers.

    Parameters
    ----------
    app : ASGI application
        What the others are passed on to.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http" or is_own_name(Headers(scope=scope).get("host", "")):
            await self.app(scope, receive, send)
            return
        refusal = NotThisOne(detail="this server answers its own machine alone: start it with another --host")
        await general_exception(Request(scope), refusal)(scope, receive, send)


class Told:
    """Says in one line what has gone wrong and was answered with an error; the server would show where in its code.

    Parameters
    ----------
    app : ASGI application
        The whole of it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a request answered."""
        try:
            await self.app(scope, receive, send)
        except OptimadeHTTPException:
            pass  # the asker's fault
        except Exception as error:
            logger.error("%s while %s was answered", type(error).__name__, scope.get("path"))


_of_this_request: ContextVar[list[dict[str, Any]]] = ContextVar("warnings")


class RequestWarnings(AddWarnings):
    """The library's warnings for clients: each in the answer to its own request, and not on standard error."""

    @property
    def _warnings(self) -> list[dict[str, Any]]:
        return _of_this_request.get()

    @_warnings.setter
    def _warnings(self, found: list[dict[str, Any]]) -> None:
        _of_this_request.set(found)

    def showwarning(self, *about: Any, **more: Any) -> None:
        """Take a warning; others than the library's are shown as ever."""
        message, category, filename, lineno = about[:4]
        super().showwarning(message, category, filename, lineno, io.StringIO())
