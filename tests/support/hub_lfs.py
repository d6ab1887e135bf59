"""The pages of the tests' Hub that speak Git LFS: the batch, basic uploads, uploads in parts, the check at the end.

`batch` and `verify` are carried out under the state's lock. The others take it themselves, when the bytes have come.
"""

from __future__ import annotations

import uuid
from typing import Any

from tests.support.hub_answers import Answer, RefusalError, as_json
from tests.support.hub_disk import Multipart
from tests.support.hub_request import Request
from tests.support.hub_store import LfsObject


def batch(request: Request, repo: str) -> Answer:
    """Where to put objects that the repository lacks: whole, or in parts when larger than one."""
    repository = request.writable(repo)
    asked = request.json()
    split = False
    objects = []
    for wanted in asked["objects"]:
        oid, size = wanted["oid"], wanted["size"]
        answer = {"oid": oid, "size": size}
        if oid not in repository.lfs:
            parts = size > request.state.part_bytes and "multipart" in asked["transfers"]
            split = split or parts
            upload = _parts(request, repo, oid, size) if parts else {"href": _url(request, repo, oid), "header": {}}
            verify = {"href": _url(request, repo, "verify"), "header": {}}
            answer["actions"] = {"upload": upload, "verify": verify}
        objects.append(answer)
    return as_json({"transfer": "multipart" if split else "basic", "objects": objects})


def put(request: Request, repo: str, oid: str) -> Answer:
    _keep(request, repo, request.state.disk.receive(oid, request.body.blocks()))
    return Answer(b"")


def put_part(request: Request, upload: str, number: str) -> Answer:
    found = request.state.multiparts.get(upload)
    if found is None or not 1 <= int(number) <= found.parts:
        raise RefusalError(404, "no such upload, or no such part of it")
    etag = request.state.disk.receive_part(found, int(number), request.body.blocks())
    found.etags[int(number)] = etag
    return Answer(b"", headers={"ETag": etag})


def complete(request: Request, upload: str) -> Answer:
    """All parts, in order and with their ETags. An upload that is complete is so again: its answer may be lost."""
    asked = request.json()
    with request.state.lock:
        found = request.state.multiparts.get(upload)
        if found is None or found.oid != asked["oid"]:
            raise RefusalError(404, "no such upload")
        if found.oid in request.state.repositories[found.repo].lfs:
            return as_json({})
    parts = [(part["partNumber"], part["etag"]) for part in asked["parts"]]
    if parts != [(number, found.etags.get(number)) for number in range(1, found.parts + 1)]:
        raise RefusalError(400, "parts are missing, or not those that came")
    _keep(request, found.repo, request.state.disk.complete(found))
    return as_json({})


def verify(request: Request, repo: str) -> Answer:
    asked = request.json()
    stored = request.readable(repo).lfs.get(asked["oid"])
    if stored is None or stored.size != asked["size"]:
        raise RefusalError(400, "no such object")
    return as_json({})


def _parts(request: Request, repo: str, oid: str, size: int) -> dict[str, Any]:
    name = uuid.uuid4().hex
    found = Multipart(repo, oid, size, request.state.part_bytes, request.state.disk.temporary())
    request.state.multiparts[name] = found
    base = f"{request.state.endpoint}/lfs-parts/{name}"
    urls = {str(number): f"{base}/{number}" for number in range(1, found.parts + 1)}
    return {"href": f"{base}/complete", "header": {"chunk_size": str(found.part_bytes)} | urls}


def _keep(request: Request, repo: str, found: LfsObject) -> None:
    with request.state.lock:
        request.state.repositories[repo].lfs[found.sha256] = found
        request.state.uploads.append(found.sha256)
        request.state.uploaded += found.size


def _url(request: Request, repo: str, rest: str) -> str:
    return f"{request.state.endpoint}/lfs/{repo}/{rest}"
