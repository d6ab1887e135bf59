"""The page at `/`, the API's description at `/docs`, and their files: no build step, nothing from another host."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request, Response

from service.problems import ProblemError

router = APIRouter(include_in_schema=False)

_BASE = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
# What the page shows was written by models and may hold anything: a browser runs nothing but what these files say.
_POLICY = f"{_BASE}; require-trusted-types-for 'script'; trusted-types 'none'"
# Swagger UI sets styles in its elements, and shows pictures that are written into its own files.
_POLICY_OF_DOCS = f"{_BASE}; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Asked for again each time, and answered with 304 until there is another version.
    "Cache-Control": "no-cache",
}
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file as it is sent."""

    body: bytes
    media_type: str
    etag: str


@cache
def page_files() -> dict[str, PageFile]:
    """All files by their names; what is not among them cannot be asked for."""
    ours = dict(_read(files("service") / "page", ""))
    theirs = _read(files("fastapi_offline") / "static", "swagger/")
    return {**ours, **{name: file for name, file in theirs if name.startswith("swagger/swagger-ui")}}


def _read(folder: Traversable, prefix: str) -> Iterator[tuple[str, PageFile]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _read(entry, f"{prefix}{entry.name}/")
            continue
        media_type = _TYPES.get(f".{entry.name.rpartition('.')[2]}")
        if media_type is not None:
            body = entry.read_bytes()
            yield f"{prefix}{entry.name}", PageFile(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


@router.api_route("/", methods=["GET", "HEAD"])
async def page(request: Request) -> Response:
    return _answer(request, "index.html")


@router.api_route("/docs", methods=["GET", "HEAD"])
async def docs(request: Request) -> Response:
    return _answer(request, "docs.html", _POLICY_OF_DOCS)


@router.api_route("/assets/{name:path}", methods=["GET", "HEAD"])
async def asset(request: Request, name: str) -> Response:
    return _answer(request, name)


def _answer(request: Request, name: str, policy: str = _POLICY) -> Response:
    found = page_files().get(name)
    if found is None:
        raise ProblemError(404, "the page has no such file")
    headers = {**_HEADERS, "Content-Security-Policy": policy, "ETag": found.etag}
    known = (tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(","))
    if found.etag in known:
        return Response(status_code=304, headers=headers)
    return Response(found.body, media_type=found.media_type, headers=headers)
