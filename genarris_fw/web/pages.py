"""The files of the page: our own, and chemiscope's script out of its installed package."""

from __future__ import annotations

import gzip
import mimetypes
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from genarris_fw.web.answers import kept, refused

STATIC = Path(str(files("genarris_fw.web") / "static"))
# What a browser must be told, wherever its machine's own table says otherwise.
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def chemiscope_script() -> Path | None:
    """Return chemiscope's script in its installed package, None where there is none."""
    found = find_spec("chemiscope")
    if found is None or not found.submodule_search_locations:
        return None
    script = Path(found.submodule_search_locations[0]) / "sphinx" / "static" / "chemiscope.min.js"
    return script if script.is_file() else None


def static_file(request: Request, path: str) -> Response:
    """Answer with a file of the page; whatever lies elsewhere is not there."""
    try:
        file = (STATIC / path).resolve()
        inside = file.is_relative_to(STATIC.resolve()) and file.is_file()
    except (OSError, ValueError):
        inside = False
    if not inside:
        return refused(404, "no such page")
    return _sent(request, file)


def script(request: Request) -> Response:
    """Answer with chemiscope's script."""
    file = chemiscope_script()
    if file is None:
        return refused(404, "chemiscope is not installed: pip install genarris_fw[web]")
    return _sent(request, file)


def _sent(request: Request, file: Path) -> Response:
    media_type = TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    changed = file.stat().st_mtime_ns
    if media_type.startswith("text/") and "gzip" in request.headers.get("accept-encoding", ""):
        return kept(request, _packed(file, changed), media_type, {"Content-Encoding": "gzip"})
    return kept(request, file.read_bytes(), media_type)


@lru_cache(maxsize=64)
def _packed(file: Path, changed: int) -> bytes:
    """Pack a file once; chemiscope's takes a tenth of a second."""
    return gzip.compress(file.read_bytes(), 6)
