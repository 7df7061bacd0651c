"""The explorer's server: every address, what it takes and what it answers with. It reads and never writes."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from anyio import to_thread
from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from pymongo.errors import PyMongoError
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from genarris_fw.catalogue import Catalogue
from genarris_fw.errors import GenarrisError, InputError
from genarris_fw.pools.documents import from_document
from genarris_fw.version import __version__
from genarris_fw.views.comparison import experiment_of_pool
from genarris_fw.views.drawn_crystal import drawn_crystal, for_chemiscope
from genarris_fw.web import runs
from genarris_fw.web.answers import BYTES, as_json, refused, streamed
from genarris_fw.web.cache import Pools, StillReading
from genarris_fw.web.columns import ID, Column, PoolColumns
from genarris_fw.web.dataset import MOST_SHOWN, dataset
from genarris_fw.web.downloads import TooMany, download, known_formats
from genarris_fw.web.filters import MOST_CORNERS, Mask
from genarris_fw.web.guard import Guard
from genarris_fw.web.histograms import histogram
from genarris_fw.web.overlay import overlay_view
from genarris_fw.web.pages import chemiscope_script, script, static_file
from genarris_fw.web.points import CHUNK, MOST_POINTS, POINT, density, drawable, extent_of, nearest_row, packed
from genarris_fw.web.selection import Name, Selection, Stale, checked_rows
from genarris_fw.web.structures import document_of, molecule_of, structure_view
from genarris_fw.web.tables import Key, Sorting, page

logger = logging.getLogger(__name__)

MOST_IDS = 100_000
AT_A_TIME = 12  # requests that are worked on: more are no quicker, and each holds memory
MOST_PAGE = 500
Asked = TypeVar("Asked", bound=Selection)
Real = Annotated[float, Field(allow_inf_nan=False, ge=-1e30, le=1e30)]
Order = Annotated[int, Field(ge=1, le=1024)]


class OfColumn(Selection):
    """A selection, and a column of it."""

    column: Name
    bins: Annotated[int, Field(ge=1, le=1000)] = 50
    min: Real | None = None
    max: Real | None = None


class OfPoints(Selection):
    """A selection as points."""

    x: Name
    y: Name
    colour: Name | None = None


class OfDensity(OfPoints):
    """A selection as a density within limits."""

    xmin: Real | None = None
    xmax: Real | None = None
    ymin: Real | None = None
    ymax: Real | None = None
    nx: Order = 256
    ny: Order = 256


class OfTable(Selection):
    """A page of a selection's table."""

    columns: str = Field("", max_length=10_000, description="Comma-separated names.")
    sort: Name = ID
    descending: bool = False
    limit: Annotated[int, Field(ge=1, le=MOST_PAGE)] = 50
    after: str | None = None
    before: str | None = None
    at: Name | None = Field(None, description="The page begins with this structure.")


class OfSelect(Selection):
    """What is wanted of a selection."""

    give: Literal["summary", "ids", "rows"] = "summary"


class OfDataset(Selection):
    """A selection as a dataset of chemiscope."""

    columns: str = Field("", max_length=10_000, description="Comma-separated names; all that every structure has.")


class OfDownload(Selection):
    """A selection as files."""

    format: str = Field(max_length=200, description="Comma-separated formats.")


@dataclass
class Explorer:
    """What the addresses share.

    Attributes
    ----------
    catalogue : Catalogue
        The database.
    run : str or None
        The run that the page begins with.
    pools : Pools
        What was read of it.
    """

    catalogue: Catalogue
    run: str | None = None
    pools: Pools = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing read."""
        self.pools = Pools(self.catalogue)

    @cached_property
    def formats(self) -> list[dict[str, str]]:
        """What can be downloaded."""
        return known_formats()

    def pool(self, run: str, pool: str) -> PoolColumns:
        """Return a pool's columns; for an unknown run the error names the nearest."""
        runs.refuse_unknown(self.catalogue, run)
        return self.pools.get(run, pool)

    def masked(self, asked: Selection) -> tuple[PoolColumns, Mask | None]:
        """Return a pool, and which rows of it are asked for; None is all."""
        pool = self.pool(asked.run, asked.pool)
        return pool, None if asked.is_everything else asked.mask(pool)

    def selected(self, asked: Selection) -> tuple[PoolColumns, np.ndarray[Any, np.dtype[np.intp]]]:
        """Return a pool, and the rows of it that are asked for."""
        pool = self.pool(asked.run, asked.pool)
        return pool, asked.selected(pool)


def create_app(catalogue: Catalogue, run: str | None = None, token: str | None = None) -> FastAPI:
    """Return the application.

    Parameters
    ----------
    catalogue : Catalogue
        The database, which is only read.
    run : str, optional
        What the page begins with.
    token : str, optional
        What everybody must have; without it the server has to listen at the loopback.
    """
    explorer = Explorer(catalogue, run)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = AT_A_TIME
        yield
        explorer.pools.close()

    app = FastAPI(
        title="genarris-fw web",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,  # its pages come from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.explorer = explorer
    app.add_middleware(Guard, token=token)
    _tell_errors(app)
    _add_pages(app)
    _add_runs(app, explorer)
    _add_pools(app, explorer)
    _add_structures(app, explorer)
    return app


REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"description": "No token, or a wrong one."},
    404: {"description": "No such run, pool or structure."},
    409: {"description": "The pool has changed since."},
    413: {"description": "Too many."},
    421: {"description": "Called by a name that is not this machine's."},
    422: {"description": "Not to be understood; one line says why.", "content": {"application/json": {}}},
    503: {"description": "The pool is being read, or the database does not answer."},
}
AS_BYTES: dict[int | str, dict[str, Any]] = REFUSALS | {200: {"content": {BYTES: {}}}}


def _tell_errors(app: FastAPI) -> None:
    @app.exception_handler(RequestValidationError)
    async def _(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or "the request"
        return refused(422, f"{where}: {first['msg']}")

    @app.exception_handler(HTTPException)
    async def _(request: Request, error: HTTPException) -> Response:
        return refused(error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(StillReading)
    async def _(request: Request, error: StillReading) -> Response:
        return refused(503, str(error), {"Retry-After": "1"}, loading={"done": error.done, "of": error.of})

    @app.exception_handler(Stale)
    async def _(request: Request, error: Stale) -> Response:
        return refused(409, str(error))

    @app.exception_handler(GenarrisError)
    async def _(request: Request, error: GenarrisError) -> Response:
        status = 404 if isinstance(error, runs.NotThere) else 413 if isinstance(error, TooMany) else 422
        return refused(status if isinstance(error, InputError) else 503, str(error))

    @app.exception_handler(PyMongoError)
    async def _(request: Request, error: PyMongoError) -> Response:
        logger.warning("the database does not answer: %s", type(error).__name__)
        return refused(503, "the database does not answer; is its server still there?", {"Retry-After": "5"})


def _add_pages(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    def index(request: Request) -> Response:
        return static_file(request, "index.html")

    @app.get("/static/{path:path}", include_in_schema=False)
    def static(request: Request, path: str) -> Response:
        return static_file(request, path)

    @app.get("/chemiscope.min.js", include_in_schema=False)
    def chemiscope(request: Request) -> Response:
        return script(request)


def _add_runs(app: FastAPI, explorer: Explorer) -> None:
    @app.get("/api/about", responses=REFUSALS)
    def about(request: Request) -> Response:
        """What this server is, and what it can do."""
        limits = {"points": MOST_POINTS, "chemiscope": MOST_SHOWN, "page": MOST_PAGE, "corners": MOST_CORNERS}
        found = {"version": __version__, "schema": 1, "formats": explorer.formats, "limits": limits}
        return as_json(request, found | {"chemiscope": chemiscope_script() is not None, "run": explorer.run})

    @app.get("/api/runs", responses=REFUSALS)
    def all_runs(request: Request) -> Response:
        """All runs, the newest first."""
        return as_json(request, runs.listed(explorer.catalogue))

    @app.get("/api/run", responses=REFUSALS)
    def one_run(request: Request, run: Name) -> Response:
        """How far a run is."""
        return as_json(request, runs.overview(explorer.catalogue, run))

    @app.get("/api/failures", responses=REFUSALS)
    def failures(
        request: Request,
        run: Name,
        step: Name | None = None,
        after: Annotated[str | None, Query(max_length=1000)] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_PAGE)] = 50,
    ) -> Response:
        """Work items that were given up, with their reasons."""
        return as_json(request, runs.failures(explorer.catalogue, run, step, after, limit))


def _add_pools(app: FastAPI, explorer: Explorer) -> None:
    @app.get("/api/pool", responses=REFUSALS)
    def about_pool(request: Request, run: Name, pool: Name) -> Response:
        """What is known of a pool's structures."""
        return as_json(request, _about_pool(explorer, explorer.pool(run, pool)))

    @app.get("/api/points", responses=AS_BYTES, response_class=Response)
    def points(request: Request, asked: Annotated[OfPoints, Query()]) -> Response:
        """Points, 16 bytes each: float32 x, y, colour, and uint32 row."""
        pool, mask = explorer.masked(asked)
        x, y, colour = _axes(pool, asked)
        mask = drawable(x, y, mask)
        number = int(np.count_nonzero(mask))
        if number > MOST_POINTS:
            raise TooMany(f"{number} points are too many, at most {MOST_POINTS}: ask for their density")
        headers = {"X-Points": str(number), "X-Version": pool.version}
        return streamed(request, pool.version, number * POINT.itemsize, packed(x, y, colour, mask), headers)

    @app.get("/api/mask", responses=AS_BYTES, response_class=Response)
    def mask(request: Request, asked: Annotated[Selection, Query()]) -> Response:
        """Which rows are selected: one bit each."""
        pool = explorer.pool(asked.run, asked.pool)
        found = asked.mask(pool)
        bits = np.packbits(found, bitorder="little").tobytes()
        about = {"X-Count": str(int(found.sum())), "X-Structures": str(len(pool)), "X-Version": pool.version}
        return streamed(request, pool.version, len(bits), iter([bits]), about)

    @app.get("/api/density", responses=AS_BYTES, response_class=Response)
    def densities(request: Request, asked: Annotated[OfDensity, Query()]) -> Response:
        """How many points lie in each cell of a grid (uint32), and the mean colour of each (float32)."""
        pool, mask = explorer.masked(asked)
        x, y, colour = _axes(pool, asked)
        extent = extent_of(x, y, (asked.xmin, asked.xmax, asked.ymin, asked.ymax))
        counts, means = density(x, y, colour, drawable(x, y, mask), extent, asked.nx, asked.ny)
        body = counts.astype("<u4").tobytes() + (b"" if means is None else means.astype("<f4").tobytes())
        about = {"X-Extent": ",".join(map(repr, extent)), "X-Version": pool.version}
        return streamed(request, pool.version, len(body), iter([body]), about)

    @app.get("/api/near", responses=REFUSALS)
    def near(
        request: Request,
        run: Name,
        pool: Name,
        x: Name,
        y: Name,
        at: Annotated[str, Query(max_length=100)],
        scale: Annotated[str, Query(max_length=100)] = "1,1",
    ) -> Response:
        """Which structure is nearest to a place on a map."""
        found = explorer.pool(run, pool)
        across, up = found.column(x), found.column(y)
        row = nearest_row(found, across, up, _pair("at", at), _pair("scale", scale, positive=True))
        if row is None:
            raise runs.NotThere(f"no structure of this pool has both {x} and {y}")
        place = {"id": found.name(row), "row": row, "x": across.value(row), "y": up.value(row)}
        return as_json(request, place | {"version": found.version})

    def histograms(request: Request, asked: OfColumn) -> Response:
        pool, mask = explorer.masked(asked)
        column = pool.column(asked.column)
        return as_json(request, {"version": pool.version} | histogram(column, mask, asked.bins, asked.min, asked.max))

    _both(app, "/api/histogram", OfColumn, histograms, "How the values of a column are spread.")

    def table(request: Request, asked: OfTable) -> Response:
        return as_json(request, _table(explorer, asked))

    _both(app, "/api/table", OfTable, table, "A page of a table, begun by a key.")

    def select(request: Request, asked: OfSelect) -> Response:
        pool, rows = explorer.selected(asked)
        if asked.give == "rows":
            content = rows.astype("<u4").tobytes()
            return streamed(request, pool.version, len(content), _pieces(content), {"X-Version": pool.version})
        about = {"version": pool.version, "count": len(rows)}
        if asked.give == "summary":
            return as_json(request, about | _summary(pool, rows))
        if len(rows) > MOST_IDS:
            raise TooMany(f"{len(rows)} ids are too many, at most {MOST_IDS}: ask for rows")
        return as_json(request, about | {"ids": [pool.name(row) for row in rows]})

    _both(app, "/api/select", OfSelect, select, "What is selected: a summary, ids, or rows.")

    def chemiscope(request: Request, asked: OfDataset) -> Response:
        pool, rows = explorer.selected(asked)
        return as_json(request, dataset(pool, rows, _names(asked.columns)))

    _both(app, "/api/chemiscope", OfDataset, chemiscope, "A selection as chemiscope takes it.")

    def downloads(request: Request, asked: OfDownload) -> Response:
        pool, rows = explorer.selected(asked)
        ids = [pool.name(row) for row in rows[: 10**6]]
        file = download(explorer.catalogue, asked.run, ids, f"{asked.run}_{asked.pool}", asked.format)
        quoted = file.name.encode("ascii", "replace").decode().replace("?", "_")
        headers = {"Content-Disposition": f'attachment; filename="{quoted}"', "Cache-Control": "no-store"}
        return StreamingResponse(file.chunks, media_type=file.media_type, headers=headers)

    _both(app, "/api/download", OfDownload, downloads, "A selection as files.", binary=True)


def _both(app: FastAPI, path: str, model: type[Asked], answer: Any, words: str, binary: bool = False) -> None:
    """Answer what is asked in an address, and what is too long for one and comes as JSON."""
    name = path.rpartition("/")[2]

    def asked_in_the_address(request: Request, asked: Any) -> Response:
        return answer(request, asked)  # type: ignore[no-any-return]

    def asked_as_json(request: Request, asked: Any) -> Response:
        return answer(request, asked)  # type: ignore[no-any-return]

    asked_in_the_address.__annotations__["asked"] = Annotated[model, Query()]
    asked_as_json.__annotations__["asked"] = model
    for method, function in (("GET", asked_in_the_address), ("POST", asked_as_json)):
        function.__annotations__ |= {"request": Request, "return": Response}
        app.add_api_route(
            path,
            function,
            methods=[method],
            name=f"{name}_{method.lower()}",
            description=words,
            responses=AS_BYTES if binary else REFUSALS,
            response_class=Response,
        )


def _named(
    request: Request,
    run: Name,
    id: Name | None = None,
    pool: Name | None = None,
    row: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
    version: Annotated[str | None, Query(max_length=64)] = None,
) -> tuple[str, str]:
    """Return the run and the id of a structure that is named by its id, or by a row of a pool."""
    if id is not None:
        return run, id
    if pool is None or row is None:
        raise InputError("a structure is named by its id, or by pool, row and version")
    columns = request.app.state.explorer.pool(run, pool)
    return run, columns.name(int(checked_rows(columns, [row], version)[0]))


Named = Annotated[tuple[str, str], Depends(_named)]


def _add_structures(app: FastAPI, explorer: Explorer) -> None:
    catalogue = explorer.catalogue

    @app.get("/api/structure", responses=REFUSALS)
    def structure(request: Request, which: Named) -> Response:
        """What is known of a structure."""
        return as_json(request, structure_view(catalogue, *which))

    @app.get("/api/crystal", responses=REFUSALS)
    def crystal(
        request: Request,
        which: Named,
        replicas: Annotated[str, Query(pattern=r"^[1-9]\d?,[1-9]\d?,[1-9]\d?$")] = "1,1,1",
        hydrogen_bonds: bool = True,
        experiment: bool = False,
    ) -> Response:
        """A structure as it is drawn: molecules whole, bonds, hydrogen bonds, cells, the measured crystal upon it."""
        found = from_document(document_of(catalogue, *which))
        molecule = molecule_of(catalogue, which[0])
        a, b, c = map(int, replicas.split(","))
        drawn = drawn_crystal(found, molecule, (a, b, c), hydrogen_bonds)
        if experiment:
            drawn["overlay"] = overlay_view(catalogue, which[0], found, molecule)
        return as_json(request, drawn)

    @app.get("/api/chemiscope/structure", responses=REFUSALS)
    def one_for_chemiscope(request: Request, which: Named) -> Response:
        """A structure as chemiscope loads it."""
        found = from_document(document_of(catalogue, *which))
        return as_json(request, for_chemiscope(found, molecule_of(catalogue, which[0])))


def _about_pool(explorer: Explorer, pool: PoolColumns) -> dict[str, Any]:
    said = experiment_of_pool(explorer.catalogue, pool.run, pool.pool) or {}
    return {
        "run": pool.run,
        "pool": pool.pool,
        "version": pool.version,
        "structures": len(pool),
        "columns": [pool.about(name) for name in pool.columns],
        "default": _default(pool),
        "experiment": _star(pool, said),
        "remarks": pool.remarks,
    }


def _default(pool: PoolColumns) -> dict[str, str]:
    """Return what a page begins with: the landscape where there are energies."""
    numbers = [name for name, column in pool.columns.items() if column.kind in ("number", "integer")]
    x = _first(pool, ("density", "volume_per_molecule", "cell_vol"), numbers[:1])
    energies = ("relative_energy", "lattice_energy", "energy_per_molecule", "energy")
    others = [name for name in ("volume_per_molecule", "cell_vol", "spg", *numbers) if name != x]
    y = _first(pool, energies, others)
    return {
        "x": x,
        "y": y,
        "colour": _first(pool, ("spg", "AP_cluster", "Z"), [x]),
        "sort": _first(pool, energies, [x]),
    }


def _first(pool: PoolColumns, names: tuple[str, ...], otherwise: list[str]) -> str:
    there = [name for name in (*names, *otherwise) if name in pool.columns]
    return there[0] if there else ID


def _star(pool: PoolColumns, said: dict[str, Any]) -> dict[str, Any] | None:
    """Return where the measured crystal is in a pool, and what was said of it; None where nothing is known."""
    row = pool.row(str(said["structure"])) if said.get("structure") else None
    ranks = pool.columns.get("experiment_rank")
    if row is None and ranks is not None:
        row = int(np.flatnonzero(~np.isnan(ranks.values))[0])
    if row is None:
        return {"id": None, "row": None, "rank": None, "rmsd": None, "words": said["words"]} if said else None
    rmsds = pool.columns.get("experiment_rmsd")
    rank, rmsd = (None if column is None else column.value(row) for column in (ranks, rmsds))
    star = {"id": pool.name(row), "row": row, "rank": said.get("rank", rank), "rmsd": said.get("rmsd", rmsd)}
    return star | {"words": said.get("words", "")}


def _axes(pool: PoolColumns, asked: OfPoints) -> tuple[Column, Column, Column | None]:
    return pool.column(asked.x), pool.column(asked.y), None if asked.colour is None else pool.column(asked.colour)


def _table(explorer: Explorer, asked: OfTable) -> dict[str, Any]:
    pool = explorer.pool(asked.run, asked.pool)
    columns = [pool.column(name) for name in _names(asked.columns)]
    sorting = Sorting(pool, asked.sort, asked.descending)
    if sum(key is not None for key in (asked.after, asked.before, asked.at)) > 1:
        raise InputError("of after, before and at only one can be told")
    after, before = (Key.of(text) if text is not None else None for text in (asked.after, asked.before))
    at = None
    if asked.at is not None:
        row = pool.row(asked.at)
        if row is None:
            raise runs.NotThere(f"pool '{asked.pool}' has no structure of that id")
        at = sorting.key(row)
    found = page(sorting, None if asked.is_everything else asked.mask(pool), asked.limit, after, before, at)
    rows = [{"id": pool.name(row), "row": row, "values": [one.value(row) for one in columns]} for row in found["rows"]]
    about = {"version": pool.version, "structures": len(pool), "columns": [column.name for column in columns]}
    return about | found | {"rows": rows}


def _names(text: str) -> list[str]:
    from urllib.parse import unquote

    return [unquote(name) for name in text.split(",") if name]


def _summary(pool: PoolColumns, rows: np.ndarray[Any, np.dtype[np.intp]]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name, column in pool.columns.items():
        if column.kind == "text":
            continue
        values = column.values[rows]
        values = values[~np.isnan(values)]
        if len(values):
            low, high, mean = float(values.min()), float(values.max()), float(values.mean(dtype=np.float64))
            columns[name] = {"count": len(values), "min": low, "max": high, "mean": mean}
    sort = _default(pool)["sort"]
    lowest = None
    if sort in pool.columns and len(rows) and not np.isnan(values := pool.columns[sort].values[rows]).all():
        lowest = pool.name(int(rows[np.nanargmin(values)]))
    return {"columns": columns, "lowest": lowest}


def _pieces(content: bytes) -> Iterator[bytes]:
    for first in range(0, len(content), 16 * CHUNK):
        yield content[first : first + 16 * CHUNK]


def _pair(name: str, text: str, positive: bool = False) -> tuple[float, float]:
    try:
        one, other = map(float, text.split(","))
    except ValueError:
        raise InputError(f"{name}: two numbers with a comma between them") from None
    if not np.isfinite([one, other]).all() or (positive and (one <= 0 or other <= 0)):
        raise InputError(f"{name}: two finite numbers{' above 0' if positive else ''}")
    return one, other
