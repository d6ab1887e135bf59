"""The pages of the tests' Hub that a commit goes through: the check of the card, preupload, the commit."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import yaml

from tests.support.hub_answers import Answer, RefusalError, as_json
from tests.support.hub_request import Request, commit_of
from tests.support.hub_store import Commit, File, Repository, etag, in_lfs


def validate_card(request: Request) -> Answer:
    """Refuses metadata that is no YAML mapping, and warns when there is none; the client makes both errors."""
    match = re.match(r"---\n(.*?)\n---\n", request.json()["content"], re.DOTALL)
    if match is None:
        warning = {"message": "empty or missing yaml metadata in repo card"}
        return as_json({"errors": [], "warnings": [warning]})
    try:
        good = isinstance(yaml.safe_load(match[1]), dict)
    except yaml.YAMLError:
        good = False
    return as_json({"errors": [] if good else [{"message": "bad metadata"}], "warnings": []}, 200 if good else 400)


def preupload(request: Request, repo: str, revision: str) -> Answer:
    repository = request.writable(repo)
    files = commit_of(repository, revision).files
    answers = []
    for asked in request.json()["files"]:
        path = asked["path"]
        answer = {
            "path": path,
            "uploadMode": "lfs" if in_lfs(path) else "regular",
            "shouldIgnore": path in repository.ignored,
        }
        if path in files:
            answer["oid"] = etag(path, files[path])
        answers.append(answer)
    return as_json({"files": answers})


def commit(request: Request, repo: str, revision: str) -> Answer:
    """A commit to a branch: all of it, or nothing."""
    repository = request.writable(repo)
    if revision not in repository.branches:
        raise RefusalError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    parent = repository.branches[revision][-1]
    header, *operations = [json.loads(line) for line in request.body.whole().splitlines()]
    if header["key"] != "header":
        raise RefusalError(400, "the first line has to be the header")
    request.state.faults.count_commit()
    if header["value"].get("parentCommit", parent.oid) != parent.oid:
        raise RefusalError(412, "A commit has happened since. Please refresh and try again.", "PreconditionFailed")
    files, added = dict(parent.files), set[str]()
    for operation in operations:
        _apply(operation["key"], operation["value"], repository, files)
        if operation["key"] in ("file", "lfsFile"):
            added.add(operation["value"]["path"])
    made = Commit(header["value"]["summary"], files, frozenset(added))
    repository.branches[revision].append(made)
    url = f"{request.state.endpoint}/{repository.prefix}{repo}/commit/{made.oid}"
    return as_json({"success": True, "commitOid": made.oid, "commitUrl": url, "hookOutput": ""})


def _apply(key: str, value: dict[str, Any], repository: Repository, files: dict[str, File]) -> None:
    path = value["path"]
    if key == "file":
        files[path] = base64.b64decode(value["content"])
    elif key == "lfsFile":
        if value["oid"] not in repository.lfs:
            raise RefusalError(400, f"LFS pointer pointed to a file that does not exist: {path}")
        files[path] = repository.lfs[value["oid"]]
    elif key in ("deletedFile", "deletedFolder"):
        inside = f"{path.rstrip('/')}/"
        gone = [name for name in files if (name == path if key == "deletedFile" else name.startswith(inside))]
        if not gone:
            raise RefusalError(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")
        for name in gone:
            del files[name]
    else:
        raise RefusalError(400, f"unknown operation {key}")
