"""The server: the library's application on the index, closed to other machines at the loopback, kept up to date."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from optimade.exceptions import BadRequest, OptimadeHTTPException
from optimade.server.create_app import create_app
from optimade.server.exception_handlers import general_exception
from optimade.server.middleware import AddWarnings
from pymongo.errors import PyMongoError
from starlette.middleware import Middleware

from genarris_fw.optimade.collection import Structures
from genarris_fw.optimade.guard import OwnName, RequestWarnings
from genarris_fw.optimade.index import Index
from genarris_fw.optimade.properties import provider_fields
from genarris_fw.optimade.references import REFERENCES
from genarris_fw.optimade.settings import Provider, settings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

logger = logging.getLogger(__name__)

# So often it is asked for what is new: seconds, or a number of times as long as that takes.
LOOKED_AGAIN, TIMES = 10.0, 20.0


class DatabaseAway(OptimadeHTTPException):
    """The database gives no answer, or not within the time that a query may take."""

    status_code, title = 503, "Service Unavailable"


class Service:
    """What is served, and by which application.

    Parameters
    ----------
    index : Index
        Up to date.
    provider : Provider
        Who serves.
    at_loopback : bool
        Whether it listens at the loopback alone: then pages of other names, and of other servers, are turned away.

    Attributes
    ----------
    app : FastAPI
        The application.
    """

    def __init__(self, index: Index, provider: Provider, at_loopback: bool = True) -> None:
        self.index, self.provider = index, provider
        self._kinds = index.kinds()
        config = settings(provider, provider_fields(self._kinds, provider.prefix))
        self.app: FastAPI = create_app(config)
        collections = self.app.state.entry_collections
        collections["references"].insert([dict(one) for one in REFERENCES])
        collections["links"].insert([_itself(provider)])
        collections["structures"] = Structures(index, config)
        _replace_middleware(self.app, at_loopback)
        self.app.add_exception_handler(PyMongoError, _away)
        self.app.add_exception_handler(RequestValidationError, _not_understood)

    def refresh(self) -> None:
        """Bring the index up to date, and what is told of its properties."""
        self.index.update()
        if (kinds := self.index.kinds()) != self._kinds:
            config = settings(self.provider, provider_fields(kinds, self.provider.prefix))
            self.app.state.entry_collections["structures"] = Structures(self.index, config)
            self.app.state.config, self._kinds = config, kinds

    @contextmanager
    def refreshing(self) -> Iterator[None]:
        """Do so again and again in a thread."""
        over = Event()

        def again() -> None:
            wait = LOOKED_AGAIN
            while not over.wait(wait):
                began = time.monotonic()
                try:
                    self.refresh()
                except PyMongoError as error:
                    logger.warning("the database does not answer: %s", type(error).__name__)
                wait = max(LOOKED_AGAIN, TIMES * (time.monotonic() - began))

        thread = Thread(target=again, name="refreshing", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _replace_middleware(app: FastAPI, at_loopback: bool) -> None:
    """Say warnings to those alone whom they concern; let no page of another server read what is at the loopback."""
    gone: list[Any] = [AddWarnings, *([CORSMiddleware] if at_loopback else [])]
    kept = [one for one in app.user_middleware if one.cls not in gone]
    app.user_middleware = [Middleware(RequestWarnings), *([Middleware(OwnName)] if at_loopback else []), *kept]


def _itself(provider: Provider) -> dict[str, str | None]:
    """Return what ``/links`` says of this server."""
    return {
        "id": provider.prefix,
        "type": "links",
        "name": provider.name,
        "description": "This server: it belongs to no index of databases",
        "base_url": provider.base_url,
        "homepage": None,
        "link_type": "root",
    }


async def _away(request: Request, error: Exception) -> Response:
    logger.warning("the database does not answer: %s", type(error).__name__)
    answer: Response = general_exception(request, DatabaseAway(detail="the database does not answer; ask again later"))
    return answer


async def _not_understood(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    answer: Response = general_exception(request, BadRequest(detail=f"{where}: {first['msg']}"))
    return answer
