"""A small Hub of the tests' own: as much of the Hub's HTTP protocol as the unmodified client uses.

It answers on a free loopback port. Objects of LFS lie in a temporary folder, hashed while they come in; what git would
hold is in memory. There are datasets and models, and no two of the same name. What it speaks was read off
huggingface_hub 2.4 with HF_HUB_DISABLE_XET=1:

- accounts (`whoami-v2`), repository creation and information, private, gated and disabled ones;
- branches and tags, made and listed; every page takes a branch, a tag or a commit's id as its revision;
- listings by pages (`tree`) and of single paths (`paths-info`), downloads with Range (`resolve`);
- the way of a commit: check of the card, preupload, LFS batch, basic and multipart uploads, verify, and a commit of
  added, LFS and deleted files and deleted folders, with `parentCommit`. Parquet files and safetensors go into LFS, all
  others do not.

Not spoken: Xet, pull requests, LFS uploads by byte of a file's sample, redirects to another host.

    with HubServer() as hub:
        HfApi(endpoint=hub.endpoint, token=hub.token)

The same in a process of its own is tests/support/hub_process.py.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.hub_access import NAMESPACE, OTHER_TOKEN, READ_TOKEN, WRITE_TOKEN
from tests.support.hub_disk import Disk
from tests.support.hub_faults import Fault, When
from tests.support.hub_http import Wire
from tests.support.hub_request import State
from tests.support.hub_store import MAIN, Commit, Repository, content_of

# For `pytest.mark.filterwarnings`: huggingface_hub 2.4 uploads LFS objects in a way that its HTTP library calls old.
CLIENT_WARNING = "ignore:Use 'content=<...>' to upload raw bytes:DeprecationWarning"

PART_BYTES = 5_000_000_000
"""As much as goes in one request. S3, which takes the Hub's uploads, takes no more."""


class HubServer:
    """The server, in a thread of its own; a context manager. `folder` is where its temporary folder is made."""

    token = WRITE_TOKEN
    read_token = READ_TOKEN
    other_token = OTHER_TOKEN
    namespace = NAMESPACE

    def __init__(self, part_bytes: int = PART_BYTES, folder: Path | None = None) -> None:
        self._state = State(part_bytes)
        self._folder = folder
        self._server = Wire(self._state)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="hub", daemon=True)

    @property
    def endpoint(self) -> str:
        return self._state.endpoint

    @property
    def repositories(self) -> dict[str, Repository]:
        return self._state.repositories

    @property
    def requests(self) -> list[str]:
        """Every "METHOD path" that came."""
        return self._state.requests

    @property
    def uploads(self) -> list[str]:
        """The sha256 of every LFS object that was put."""
        return self._state.uploads

    @property
    def received(self) -> int:
        """Bytes of LFS objects and parts that came, also those of uploads that broke off."""
        return self._state.received

    @property
    def faults(self) -> list[Fault]:
        return self._state.faults.faults

    @property
    def limited(self) -> int:
        """How many commits the rate limit has refused."""
        return self._state.faults.limited

    def variables(self, folder: Path, token: str | None = WRITE_TOKEN) -> dict[str, str]:
        """The environment of a command that publishes here, with its caches in the folder."""
        ours = {"HF_ENDPOINT": self.endpoint, "HF_HOME": str(folder / "hf"), "HF_HUB_DISABLE_XET": "1"}
        return ours if token is None else {**ours, "HF_TOKEN": token}

    def files(self, repo: str, branch: str = MAIN) -> dict[str, bytes]:
        """What the branch holds, without the .gitattributes that every one has."""
        with self._state.lock:
            files = self.repositories[repo].branches[branch][-1].files
        return {path: content_of(file) for path, file in files.items() if path != ".gitattributes"}

    def commits(self, repo: str, branch: str = MAIN) -> list[Commit]:
        """The commits after the one of the creation."""
        with self._state.lock:
            return self.repositories[repo].branches[branch][1:]

    def fail(self, pattern: str, times: int = 1, status: int = 500, headers: dict[str, str] | None = None) -> None:
        """Answers the next `times` requests whose "METHOD path" matches the pattern with an error."""
        self._state.faults.fail(pattern, times, status, headers)

    def drop(
        self,
        pattern: str,
        when: When,
        times: int = 1,
        *,
        skip: int = 0,
        action: Callable[[], object] | None = None,
    ) -> None:
        """Closes the connection of the next requests that match the pattern, but for the first `skip` of them.

        "before" the request is read, "amid" its body, "late" when it is carried out only a while later, "after" it is
        carried out, or half-way in "answering". `action` is called just before, such as what kills the client.
        """
        self._state.faults.drop(pattern, when, times, skip=skip, action=action)

    def limit_commits(self, allowed: int, retry_after: int) -> None:
        """After so many more commits, each is answered with 429 and this Retry-After (seconds)."""
        self._state.faults.limit_commits(allowed, retry_after)

    def lift_limit(self) -> None:
        self._state.faults.lift_limit()

    def __enter__(self) -> Self:
        self._files = tempfile.TemporaryDirectory(prefix="hub-", dir=self._folder, ignore_cleanup_errors=True)
        self._state.disk = Disk(Path(self._files.name))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._files.cleanup()
