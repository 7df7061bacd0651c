"""How requests are answered: JSON and bytes that a browser need not fetch twice, and errors in one line."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from genarris_fw.pools.documents import plain

WORTH_PACKING = 1000  # bytes
NOT_KEPT = "private, no-cache"  # kept, but asked for again with its ETag
BYTES = "application/octet-stream"


def as_json(request: Request, content: Any) -> Response:
    """Answer with JSON, packed where that pays, or with 304 where the browser has it."""
    body = json.dumps(plain(content), ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_shown)
    return kept(request, body.encode(errors="replace"), "application/json")


def kept(request: Request, body: bytes, media_type: str, headers: dict[str, str] | None = None) -> Response:
    """Answer with a body that is signed, so that nobody is sent it twice."""
    tag = _tag(body)
    if _is_known(request, tag):
        return Response(status_code=304, headers={"ETag": tag, "Cache-Control": NOT_KEPT} | (headers or {}))
    about = {"ETag": tag, "Cache-Control": NOT_KEPT, "Vary": "Accept-Encoding"} | (headers or {})
    worth = len(body) > WORTH_PACKING and media_type != BYTES and "Content-Encoding" not in about
    if worth and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, 4)
        about["Content-Encoding"] = "gzip"
    return Response(body, media_type=media_type, headers=about)


def streamed(request: Request, version: str, length: int, chunks: Iterator[bytes], headers: dict[str, str]) -> Response:
    """Answer with bytes as they are made; `version` is that of the pool, from which together with the URL they follow.

    Numbers of many digits are hardly smaller when packed, so they are not.
    """
    tag = _tag(f"{version} {request.url.path}?{request.url.query}".encode(errors="replace"))
    about = {"ETag": tag, "Cache-Control": NOT_KEPT} | headers
    if _is_known(request, tag):
        return Response(status_code=304, headers=about)
    return StreamingResponse(chunks, media_type=BYTES, headers=about | {"Content-Length": str(length)})


def refused(status: int, why: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """Answer with an error in one line."""
    line = " ".join(why.split())
    return JSONResponse(
        {"detail": line} | more, status_code=status, headers={"Cache-Control": "no-store"} | (headers or {})
    )


def _tag(content: bytes) -> str:
    return f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'


def _is_known(request: Request, tag: str) -> bool:
    # Who packs an answer on the way marks its tag as weak.
    known = (text.strip().removeprefix("W/") for text in request.headers.get("if-none-match", "").split(","))
    return request.method in ("GET", "HEAD") and tag in known


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).isoformat(timespec="seconds")
    return str(value)
