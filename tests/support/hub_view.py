"""Pages of the tests' Hub that no Hub has, for whoever measures from another process: its state, and kills."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterable
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.support.hub_answers import Answer, as_json
from tests.support.hub_request import Body, State
from tests.support.hub_store import Commit, sha256_of

BASE = "/-/"
_STATE = "/-/state"


def answer(state: State, command: str, path: str, body: Body) -> Answer:
    """`GET /-/state`: counts of all. `GET /-/state/{repo}`: files and commits of one. `POST /-/kills`: see `_kills`."""
    page = unquote(urlsplit(path).path)
    content = body.whole()
    with state.lock:
        if command == "POST" and page == "/-/kills":
            return _kills(state, json.loads(content))
        if page == _STATE:
            return as_json(_counts(state))
        repo = page.removeprefix(f"{_STATE}/")
        if repo in state.repositories:
            return as_json(_about(state, repo))
    return as_json({"error": f"no such page: {page}"}, 404)


def _counts(state: State) -> dict[str, Any]:
    return {
        "commits": {repo: len(found.commits) - 1 for repo, found in state.repositories.items()},
        "requests": len(state.requests),
        "uploads": len(state.uploads),
        "uploaded_bytes": state.uploaded,
        "received_bytes": state.received,
        "limited": state.faults.limited,
    }


def _about(state: State, repo: str) -> dict[str, Any]:
    commits = state.repositories[repo].commits[1:]
    return {"files": _sums(commits[-1]) if commits else {}, "commits": list(_told(commits))}


def _told(commits: Iterable[Commit]) -> Iterable[dict[str, Any]]:
    for commit in commits:
        yield {
            "oid": commit.oid,
            "message": commit.message,
            "added": sorted(commit.added),
            "files": _sums(commit),
        }


def _sums(commit: Commit) -> dict[str, str]:
    return {path: sha256_of(file) for path, file in commit.files.items() if path != ".gitattributes"}


def _kills(state: State, asked: list[dict[str, Any]]) -> Answer:
    """Each kills `process` at the request that comes after the next `skip` ones, at the moment that `when` names.

    They replace those that were asked for before: a process id may be another's by now.
    """
    state.faults.faults.clear()
    for one in asked:
        kill = partial(os.kill, one["process"], signal.SIGKILL)
        state.faults.drop("", one["when"], skip=one["skip"], action=kill)
    return as_json({})
