"""The pages of the tests' Hub: each request of the client and what the Hub answers to it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote

import yaml

from tests.support.hub_store import Commit, Repository, entries, file_entry, folder_entry, git_oid, in_lfs

WRITE_TOKEN = "hf_thisOneMayWrite"
READ_TOKEN = "hf_thisOneMayOnlyRead"
NAMESPACE = "euskaltzaleak"
PAGE_ENTRIES = 4  # of a listing; small, so that tests meet the second page


class RefusalError(Exception):
    def __init__(self, status: int, message: str, code: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = ({"X-Error-Code": code} if code else {}) | {"X-Error-Message": message} | (headers or {})


@dataclass
class Answer:
    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def as_json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(json.dumps(value).encode(), status, {"Content-Type": "application/json"} | (headers or {}))


_REPO = r"(?P<repo>[^/]+/[^/]+)"
_ROUTES = (
    ("GET", r"/api/whoami-v2", "whoami"),
    ("POST", r"/api/repos/create", "create"),
    ("POST", r"/api/validate-yaml", "validate_card"),
    ("GET", rf"/api/datasets/{_REPO}(/revision/(?P<revision>[^/]+))?", "info"),
    ("GET", rf"/api/datasets/{_REPO}/tree/(?P<revision>[^/]+)(/(?P<path>.*))?", "tree"),
    ("POST", rf"/api/datasets/{_REPO}/paths-info/(?P<revision>[^/]+)", "paths_info"),
    ("POST", rf"/api/datasets/{_REPO}/preupload/(?P<revision>[^/]+)", "preupload"),
    ("POST", rf"/api/datasets/{_REPO}/commit/(?P<revision>[^/]+)", "commit"),
    ("GET", rf"/api/datasets/{_REPO}/refs", "refs"),
    ("POST", rf"/api/datasets/{_REPO}/tag/(?P<revision>[^/]+)", "tag"),
    ("POST", rf"/datasets/{_REPO}\.git/info/lfs/objects/batch", "lfs_batch"),
    ("PUT", rf"/lfs/{_REPO}/(?P<oid>[0-9a-f]{{64}})", "lfs_put"),
    ("POST", rf"/lfs/{_REPO}/verify", "lfs_verify"),
    ("GET|HEAD", rf"/datasets/{_REPO}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", "resolve"),
)


@dataclass
class Request:
    """One request, and the state that it is about. `uploads` gets the sha256 of every LFS object that is put."""

    command: str
    url: SplitResult
    headers: Message
    body: bytes
    endpoint: str
    repositories: dict[str, Repository]
    uploads: list[str]

    @property
    def _query(self) -> dict[str, list[str]]:
        return parse_qs(self.url.query)

    def answer(self) -> Answer:
        for methods, pattern, name in _ROUTES:
            match = re.fullmatch(pattern, self.url.path)
            if match and self.command in methods.split("|"):
                parts = {key: unquote(value) for key, value in match.groupdict().items() if value is not None}
                found: Answer = getattr(self, f"_{name}")(**parts)
                return found
        raise RefusalError(404, f"no such page: {self.url.path}")

    def _bearer(self) -> str | None:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None

    def _may_write(self) -> None:
        if self._bearer() not in (WRITE_TOKEN, READ_TOKEN):
            raise RefusalError(401, "Invalid username or password.")
        if self._bearer() != WRITE_TOKEN:
            raise RefusalError(403, "You don't have the rights to create a model under this namespace")

    def _repository(self, repo: str) -> Repository:
        found = self.repositories.get(repo)
        known = self._bearer() in (WRITE_TOKEN, READ_TOKEN)
        if self._bearer() and not known:
            raise RefusalError(401, "Invalid username or password.")
        if found is None or (found.private and not known):
            raise RefusalError(404 if known else 401, "Repository not found", "RepoNotFound")
        return found

    def _commit_of(self, repository: Repository, revision: str) -> Commit:
        if revision == "main":
            return repository.commits[-1]
        revision = repository.tags.get(revision, revision)
        found = next((commit for commit in repository.commits if commit.oid == revision), None)
        if found is None:
            raise RefusalError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return found

    def _whoami(self) -> Answer:
        if self._bearer() not in (WRITE_TOKEN, READ_TOKEN):
            raise RefusalError(401, "Invalid username or password.")
        return as_json({"type": "user", "name": NAMESPACE, "orgs": []})

    def _create(self) -> Answer:
        self._may_write()
        asked = json.loads(self.body)
        if asked["type"] != "dataset":
            raise RefusalError(400, "only datasets live here")
        repo = f"{asked['organization'] or NAMESPACE}/{asked['name']}"
        url = f"{self.endpoint}/datasets/{repo}"
        if repo in self.repositories:
            return as_json({"error": "You already created this dataset repo", "url": url}, 409)
        self.repositories[repo] = Repository(private=asked.get("visibility") == "private")
        return as_json({"url": url, "name": repo})

    def _info(self, repo: str, revision: str = "main") -> Answer:
        repository = self._repository(repo)
        commit = self._commit_of(repository, revision)
        return as_json(
            {
                "id": repo,
                "author": repo.split("/", maxsplit=1)[0],
                "sha": commit.oid,
                "private": repository.private,
                "gated": False,
                "disabled": False,
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "siblings": [{"rfilename": path} for path in sorted(commit.files)],
            }
        )

    def _tree(self, repo: str, revision: str, path: str = "") -> Answer:
        files = self._commit_of(self._repository(repo), revision).files
        recursive = self._query.get("recursive") in (["true"], ["True"])
        found = entries(files, path, recursive)
        if path and not found:
            raise RefusalError(404, f"{path} does not exist on {revision}", "EntryNotFound")
        start = int(self._query.get("cursor", ["0"])[0])
        headers = {}
        if start + PAGE_ENTRIES < len(found):
            there = f"{self.endpoint}{self.url.path}?recursive={recursive}&cursor={start + PAGE_ENTRIES}"
            headers["Link"] = f'<{there}>; rel="next"'
        return as_json(found[start : start + PAGE_ENTRIES], headers=headers)

    def _paths_info(self, repo: str, revision: str) -> Answer:
        files = self._commit_of(self._repository(repo), revision).files
        if "json" in self.headers.get("Content-Type", ""):
            asked = json.loads(self.body)["paths"]
        else:
            asked = parse_qs(self.body.decode()).get("paths", [])
        found = [file_entry(path, files[path]) for path in asked if path in files]
        folders = {folder_entry(path)["path"] for path in asked if any(name.startswith(f"{path}/") for name in files)}
        return as_json(found + [folder_entry(path) for path in sorted(folders)])

    def _validate_card(self) -> Answer:
        """Refuses metadata that is no YAML mapping, and warns when there is none; the client makes both errors."""
        match = re.match(r"---\n(.*?)\n---\n", json.loads(self.body)["content"], re.DOTALL)
        if match is None:
            warning = {"message": "empty or missing yaml metadata in repo card"}
            return as_json({"errors": [], "warnings": [warning]})
        try:
            good = isinstance(yaml.safe_load(match[1]), dict)
        except yaml.YAMLError:
            good = False
        return as_json({"errors": [] if good else [{"message": "bad metadata"}], "warnings": []}, 200 if good else 400)

    def _preupload(self, repo: str, revision: str) -> Answer:
        self._may_write()
        repository = self._repository(repo)
        commit = self._commit_of(repository, revision)
        answers = []
        for asked in json.loads(self.body)["files"]:
            path = asked["path"]
            answer = {
                "path": path,
                "uploadMode": "lfs" if in_lfs(path) else "regular",
                "shouldIgnore": path in repository.ignored,
            }
            if path in commit.files:
                data = commit.files[path]
                answer["oid"] = hashlib.sha256(data).hexdigest() if in_lfs(path) else git_oid(data)
            answers.append(answer)
        return as_json({"files": answers})

    def _lfs_batch(self, repo: str) -> Answer:
        self._may_write()
        repository = self._repository(repo)
        base = f"{self.endpoint}/lfs/{repo}"
        objects = []
        for asked in json.loads(self.body)["objects"]:
            answer = {"oid": asked["oid"], "size": asked["size"]}
            if asked["oid"] not in repository.lfs:
                upload = {"href": f"{base}/{asked['oid']}", "header": {}}
                answer["actions"] = {"upload": upload, "verify": {"href": f"{base}/verify", "header": {}}}
            objects.append(answer)
        return as_json({"transfer": "basic", "objects": objects})

    def _lfs_put(self, repo: str, oid: str) -> Answer:
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise RefusalError(400, "the content has another sha256")
        self.repositories[repo].lfs[oid] = self.body
        self.uploads.append(oid)
        return Answer(b"")

    def _lfs_verify(self, repo: str) -> Answer:
        asked = json.loads(self.body)
        stored = self._repository(repo).lfs.get(asked["oid"])
        if stored is None or len(stored) != asked["size"]:
            raise RefusalError(400, "no such object")
        return as_json({})

    def _commit(self, repo: str, revision: str) -> Answer:
        self._may_write()
        repository = self._repository(repo)
        files = dict(self._commit_of(repository, revision).files)
        message = ""
        for line in self.body.splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "header":
                message = value["summary"]
            elif item["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "lfsFile":
                if value["oid"] not in repository.lfs:
                    raise RefusalError(400, f"LFS pointer pointed to a file that does not exist: {value['path']}")
                files[value["path"]] = repository.lfs[value["oid"]]
            elif item["key"] == "deletedFile":
                del files[value["path"]]
            else:
                raise RefusalError(400, f"unknown operation {item['key']}")
        commit = Commit(message, files)
        repository.commits.append(commit)
        url = f"{self.endpoint}/datasets/{repo}/commit/{commit.oid}"
        return as_json({"success": True, "commitOid": commit.oid, "commitUrl": url, "hookOutput": ""})

    def _refs(self, repo: str) -> Answer:
        repository = self._repository(repo)
        tags = [
            {"name": name, "ref": f"refs/tags/{name}", "targetCommit": oid} for name, oid in repository.tags.items()
        ]
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.commits[-1].oid}
        return as_json({"branches": [main], "converts": [], "tags": tags})

    def _tag(self, repo: str, revision: str) -> Answer:
        self._may_write()
        repository = self._repository(repo)
        name = json.loads(self.body)["tag"]
        if name in repository.tags:
            raise RefusalError(409, f"Tag {name} already exists")
        repository.tags[name] = self._commit_of(repository, revision).oid
        return as_json({})

    def _resolve(self, repo: str, revision: str, path: str) -> Answer:
        commit = self._commit_of(self._repository(repo), revision)
        if path not in commit.files:
            raise RefusalError(404, "Entry not found", "EntryNotFound", {"X-Repo-Commit": commit.oid})
        data = commit.files[path]
        etag = hashlib.sha256(data).hexdigest() if in_lfs(path) else git_oid(data)
        headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{etag}"', "Accept-Ranges": "bytes"}
        if in_lfs(path):
            headers |= {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(data))}
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if span is None or self.command == "HEAD":
            return Answer(data, headers=headers)
        first, last = int(span[1]), min(int(span[2] or len(data) - 1), len(data) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        return Answer(data[first : last + 1], 206, headers)
