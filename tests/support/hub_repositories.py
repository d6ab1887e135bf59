"""The pages of the tests' Hub about accounts and repositories: who, creation, what there is, branches, tags."""

from __future__ import annotations

from tests.support.hub_access import account, check_write
from tests.support.hub_answers import Answer, RefusalError, as_json
from tests.support.hub_request import Request, commit_of
from tests.support.hub_store import MAIN, Repository


def whoami(request: Request) -> Answer:
    return as_json({"type": "user", "name": account(request.token).user, "orgs": []})


def create(request: Request) -> Answer:
    asked = request.json()
    namespace = asked["organization"] or account(request.token).user
    check_write(request.token, namespace)
    kind = asked.get("type", "model")
    if kind not in ("dataset", "model"):
        raise RefusalError(400, "only datasets and models live here")
    repo = f"{namespace}/{asked['name']}"
    there = request.state.repositories.get(repo)
    if there is None:
        there = Repository(private=asked.get("visibility") == "private", kind=kind)
        request.state.repositories[repo] = there
        return as_json({"url": f"{request.state.endpoint}/{there.prefix}{repo}", "name": repo})
    url = f"{request.state.endpoint}/{there.prefix}{repo}"
    return as_json({"error": f"You already created this {there.kind} repo", "url": url}, 409)


def info(request: Request, repo: str, revision: str = MAIN) -> Answer:
    repository = request.readable(repo)
    commit = commit_of(repository, revision)
    return as_json(
        {
            "id": repo,
            "author": repo.split("/", maxsplit=1)[0],
            "sha": commit.oid,
            "private": repository.private,
            "gated": repository.gated,
            "disabled": repository.disabled,
            "tags": [],
            "downloads": 0,
            "likes": 0,
            "siblings": [{"rfilename": path} for path in sorted(commit.files)],
        }
    )


def refs(request: Request, repo: str) -> Answer:
    repository = request.readable(repo)
    branches = {name: commits[-1].oid for name, commits in repository.branches.items()}
    return as_json(
        {"branches": _refs("heads", branches), "converts": [], "tags": _refs("tags", repository.tags)},
    )


def branch(request: Request, repo: str, revision: str) -> Answer:
    repository = request.writable(repo)
    if revision in repository.branches:
        raise RefusalError(409, f"Branch {revision} already exists")
    start = commit_of(repository, request.json().get("startingPoint", MAIN))
    # Its history: that of the first branch which has the commit, up to there.
    for commits in repository.branches.values():
        if start in commits:
            repository.branches[revision] = commits[: commits.index(start) + 1]
            return as_json({})
    repository.branches[revision] = [start]
    return as_json({})


def tag(request: Request, repo: str, revision: str) -> Answer:
    repository = request.writable(repo)
    name = request.json()["tag"]
    if name in repository.tags:
        raise RefusalError(409, f"Tag {name} already exists")
    repository.tags[name] = commit_of(repository, revision).oid
    return as_json({})


def _refs(kind: str, targets: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": oid} for name, oid in targets.items()]
