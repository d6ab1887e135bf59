"""Which page of the tests' Hub answers which request."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from tests.support import hub_commits, hub_lfs, hub_listings, hub_repositories
from tests.support.hub_answers import Answer, RefusalError
from tests.support.hub_request import Request


@dataclass(frozen=True, slots=True)
class Page:
    """`flows`: bytes flow while it is carried out, so that it takes the state's lock itself."""

    methods: str
    pattern: str
    carry_out: Callable[..., Answer]
    flows: bool = False


_REPO = r"(?P<repo>[^/]+/[^/]+)"
_REVISION = r"(?P<revision>[^/]+)"
_API = rf"/api/(datasets|models)/{_REPO}"
_PAGES = (
    Page("GET", r"/api/whoami-v2", hub_repositories.whoami),
    Page("POST", r"/api/repos/create", hub_repositories.create),
    Page("GET", rf"{_API}(/revision/{_REVISION})?", hub_repositories.info),
    Page("GET", rf"{_API}/refs", hub_repositories.refs),
    Page("POST", rf"{_API}/branch/{_REVISION}", hub_repositories.branch),
    Page("POST", rf"{_API}/tag/{_REVISION}", hub_repositories.tag),
    Page("GET", rf"{_API}/tree/{_REVISION}(/(?P<path>.*))?", hub_listings.tree),
    Page("POST", rf"{_API}/paths-info/{_REVISION}", hub_listings.paths_info),
    Page("GET|HEAD", rf"(/datasets)?/{_REPO}/resolve/{_REVISION}/(?P<path>.+)", hub_listings.resolve),
    Page("POST", r"/api/validate-yaml", hub_commits.validate_card),
    Page("POST", rf"{_API}/preupload/{_REVISION}", hub_commits.preupload),
    Page("POST", rf"{_API}/commit/{_REVISION}", hub_commits.commit),
    Page("POST", rf"(/datasets)?/{_REPO}\.git/info/lfs/objects/batch", hub_lfs.batch),
    Page("POST", rf"/lfs/{_REPO}/verify", hub_lfs.verify),
    Page("PUT", rf"/lfs/{_REPO}/(?P<oid>[0-9a-f]{{64}})", hub_lfs.put, flows=True),
    Page("PUT", r"/lfs-parts/(?P<upload>[0-9a-f]{32})/(?P<number>\d+)", hub_lfs.put_part, flows=True),
    Page("POST", r"/lfs-parts/(?P<upload>[0-9a-f]{32})/complete", hub_lfs.complete, flows=True),
)


def answer(request: Request) -> Answer:
    """Raises RefusalError, and HungUpError when the client goes away before all is read."""
    for page in _PAGES:
        match = re.fullmatch(page.pattern, request.url.path)
        if match and request.command in page.methods.split("|"):
            parts = {key: unquote(value) for key, value in match.groupdict().items() if value is not None}
            if page.flows:
                return page.carry_out(request, **parts)
            request.body.whole()  # before the lock is taken; the page gets the same
            with request.state.lock:
                _check_kind(request, parts.get("repo"))
                return page.carry_out(request, **parts)
    raise RefusalError(404, f"no such page: {request.url.path}")


def _check_kind(request: Request, repo: str | None) -> None:
    """A model is not among the datasets, nor the reverse; addresses of LFS objects are the same for both."""
    path = request.url.path
    kind = "dataset" if path.startswith(("/api/datasets/", "/datasets/")) else "model"
    found = request.state.repositories.get(repo or "")
    if found is not None and not path.startswith("/lfs/") and found.kind != kind:
        raise RefusalError(404, "Repository not found", "RepoNotFound")
