"""The sealed shards of a build, listed and downloaded."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Response
from fastapi.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from pipeline.reader import BuildReader
from schemas.errors import BuildDirectoryError
from schemas.job import Job
from schemas.manifest import Manifest, Shard
from schemas.pages import ListedShard, Shards
from service.access import Reader
from service.finding import JobId, find_build
from service.places import build_of
from service.problems import ProblemError, documented, problem_response
from service.state import Service, TheService

router = APIRouter(prefix="/v1/jobs", tags=["shards"], responses=documented(401, 403, 422, 429, 503))

PARQUET = "application/vnd.apache.parquet"
ShardPath = Annotated[
    str,
    Path(description="as the list of shards has it", max_length=300, examples=["data/magpie-eu/train-00000.parquet"]),
]
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {PARQUET: {"schema": {"type": "string", "format": "binary"}}}},
    206: {"description": "The asked ranges of it"},
    304: {"description": "The file that the client has is this one"},
}


class _Shard(FileResponse):
    """A file, which refuses ranges that it does not have as everything else is refused: by a problem."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = False

        async def watched(message: Message) -> None:
            nonlocal refused
            refused = refused or message.get("status") in (400, 416)
            if not refused:
                await send(message)

        await super().__call__(scope, receive, watched)
        if refused:
            size = self.headers["content-length"]
            what = f"Range: the file has no such range; ask for bytes=FIRST-LAST within its {size} bytes"
            await problem_response(416, what, headers={"Content-Range": f"bytes */{size}"})(scope, receive, send)


@router.get("/{job_id}/shards", summary="List shards", responses=documented(404, 409, 410))
async def shards(service: TheService, _: Reader, job_id: JobId) -> Shards:
    """The files that are sealed so far, also while the build runs; rows that are in none yet are `conversations`."""
    job = await find_build(service, job_id)
    manifest = await asyncio.to_thread(_manifest, service, job)
    found = manifest.shards if manifest is not None else ()
    return Shards(
        items=tuple(
            ListedShard(**shard.model_dump(), url=f"{router.prefix}/{job_id}/shards/{shard.path}") for shard in found
        )
    )


@router.get(
    "/{job_id}/shards/{path:path}",
    summary="Download a shard",
    response_class=FileResponse,
    responses={**_FILE, **documented(404, 409, 410, 416)},
)
async def shard(
    service: TheService,
    _: Reader,
    job_id: JobId,
    path: ShardPath,
    if_none_match: Annotated[str | None, Header(description="ETags of what the client has")] = None,
) -> Response:
    """One Parquet file. Its ETag is its SHA-256, and it may be fetched in ranges, or not at all when it is there."""
    job = await find_build(service, job_id)
    return await asyncio.to_thread(_download, service, job, path, if_none_match)


@router.head("/{job_id}/shards/{path:path}", include_in_schema=False)
async def shard_head(service: TheService, caller: Reader, job_id: JobId, path: ShardPath) -> Response:
    """What readers of remote Parquet files ask first: how long it is, and whether it comes in ranges."""
    return await shard(service, caller, job_id, path)


def _manifest(service: Service, job: Job) -> Manifest | None:
    """What is sealed; None before anything is. Raises ProblemError, a 410 when the build is gone."""
    try:
        return BuildReader(build_of(job.id, service.settings)).manifest()
    except BuildDirectoryError as error:
        if job.state.final and job.attempts:
            raise ProblemError(410, "the build directory of this job is no longer there") from error
        return None


def _download(service: Service, job: Job, path: str, if_none_match: str | None) -> Response:
    """The file that the manifest lists under exactly this path: no other name reaches the disk. Raises ProblemError."""
    manifest = _manifest(service, job)
    listed = next((one for one in manifest.shards if one.path == path), None) if manifest is not None else None
    if listed is None:
        raise ProblemError(404, f"no sealed shard has that path; GET {router.prefix}/{job.id}/shards lists them")
    etag = f'"{listed.sha256}"'
    headers = {"ETag": etag, "Cache-Control": "private, max-age=31536000, immutable"}
    if if_none_match is not None and _names(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    file = build_of(job.id, service.settings) / listed.path
    state = _stat(file)
    if state is None or state.st_size != listed.bytes:
        raise ProblemError(410, f"the file of the shard {listed.path} is no longer there, or no longer whole")
    return _Shard(file, headers=headers, media_type=PARQUET, filename=_file_name(job, listed), stat_result=state)


def _stat(file: FilePath) -> os.stat_result | None:
    """Of a regular file of the build's own; None for all else, links among it."""
    try:
        state = file.lstat()
    except OSError:
        return None
    return state if stat.S_ISREG(state.st_mode) else None


def _names(if_none_match: str, etag: str) -> bool:
    given = {one.strip().removeprefix("W/") for one in if_none_match.split(",")}
    return bool(given & {etag, "*"})


def _file_name(job: Job, shard: Shard) -> str:
    """A name that tells files of several builds and configs apart in one download folder."""
    name = (job.recipe or {}).get("name", job.id)
    return f"{name}-{shard.config}-{FilePath(shard.path).name}"
