"""The pages of the tests' Hub that list and give files."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from tests.support.hub_answers import Answer, FilePart, RefusalError, as_json
from tests.support.hub_request import Request, commit_of
from tests.support.hub_store import File, LfsObject, etag, git_oid, in_lfs, sha256_of, size_of

PAGE_ENTRIES = 4  # of a listing; small, so that tests meet the second page


def tree(request: Request, repo: str, revision: str, path: str = "") -> Answer:
    files = commit_of(request.readable(repo), revision).files
    recursive = request.query.get("recursive") in (["true"], ["True"])
    found = _entries(files, path, recursive)
    if path and not found:
        raise RefusalError(404, f"{path} does not exist on {revision}", "EntryNotFound")
    start = int(request.query.get("cursor", ["0"])[0])
    headers = {}
    if start + PAGE_ENTRIES < len(found):
        there = f"{request.state.endpoint}{request.url.path}?recursive={recursive}&cursor={start + PAGE_ENTRIES}"
        headers["Link"] = f'<{there}>; rel="next"'
    return as_json([_entry(name, found[name]) for name in sorted(found)[start : start + PAGE_ENTRIES]], headers=headers)


def paths_info(request: Request, repo: str, revision: str) -> Answer:
    files = commit_of(request.readable(repo), revision).files
    body = request.body.whole()
    if "json" in request.headers.get("Content-Type", ""):
        asked = json.loads(body)["paths"]
    else:
        asked = parse_qs(body.decode()).get("paths", [])
    found: dict[str, File | None] = {path: files[path] for path in asked if path in files}
    found |= {path: None for path in asked if any(name.startswith(f"{path}/") for name in files)}
    return as_json([_entry(path, file) for path, file in found.items()])


def resolve(request: Request, repo: str, revision: str, path: str) -> Answer:
    """A file, or what of it a Range names."""
    commit = commit_of(request.readable(repo, files=True), revision)
    if path not in commit.files:
        raise RefusalError(404, "Entry not found", "EntryNotFound", {"X-Repo-Commit": commit.oid})
    file = commit.files[path]
    size = size_of(file)
    headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{etag(path, file)}"', "Accept-Ranges": "bytes"}
    if in_lfs(path):
        headers |= {"X-Linked-Etag": headers["ETag"], "X-Linked-Size": str(size)}
    span = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
    if span is None or request.command == "HEAD":
        return Answer(_span(file, 0, size), headers=headers)
    first, last = int(span[1]), min(int(span[2] or size - 1), size - 1)
    if first > last:
        raise RefusalError(416, "Range not satisfiable", headers={"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Answer(_span(file, first, last + 1 - first), 206, headers)


def _span(file: File, start: int, length: int) -> bytes | FilePart:
    return FilePart(file.path, start, length) if isinstance(file, LfsObject) else file[start : start + length]


def _entries(files: Mapping[str, File], under: str, recursive: bool) -> dict[str, File | None]:
    """What the listing of a folder holds: files and, as None, folders."""
    prefix = f"{under}/" if under else ""
    found: dict[str, File | None] = {}
    for path, file in files.items():
        if not path.startswith(prefix):
            continue
        parts = path.removeprefix(prefix).split("/")
        for depth in range(1, (len(parts) if recursive else 1) + 1):
            found[prefix + "/".join(parts[:depth])] = file if depth == len(parts) else None
    return found


def _entry(path: str, file: File | None) -> dict[str, Any]:
    if file is None:
        oid = hashlib.sha1(path.encode(), usedforsecurity=False).hexdigest()
        return {"type": "directory", "path": path, "size": 0, "oid": oid}
    entry: dict[str, Any] = {"type": "file", "path": path, "size": size_of(file), "oid": git_oid(path, file)}
    if in_lfs(path):
        entry["lfs"] = {"oid": sha256_of(file), "size": size_of(file), "pointerSize": 130}
    return entry
