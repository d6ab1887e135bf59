"""A dataset repository on the Hub: what a push asks of it, each call tried again where that helps."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import overload

import httpx2
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants
from huggingface_hub.errors import RemoteEntryNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils._http import get_session
from huggingface_hub.utils.tqdm import disable_progress_bars

from publishers.hub_errors import TOKEN_ADVICE, calling
from publishers.publication import PublicationFile
from schemas.errors import HubAuthError, PublishError

_KIND = "dataset"
BRANCH = "main"


class HubRepository:
    """A repository's branch `main`, and its tags. All methods raise HubAuthError or PublishError with one line."""

    def __init__(self, name: str, token: str | None, endpoint: str | None) -> None:
        self.name = name
        self._api = HfApi(endpoint=endpoint.rstrip("/") if endpoint else None, token=usable_token(token))
        # The client waits without end for a Hub that has gone silent; commits of many files take it minutes.
        get_session().timeout = httpx2.Timeout(connect=30, read=300, write=60, pool=None)
        constants.HF_HUB_DISABLE_TELEMETRY = True
        if constants.HF_HUB_DISABLE_PROGRESS_BARS is None:
            disable_progress_bars()  # they would land in a service's log; who wants them sets the variable to 0

    @property
    def address(self) -> str:
        return f"{self._api.endpoint}/datasets/{self.name}"

    def make(self, *, private: bool) -> None:
        """Make it when it is missing. Raises PublishError when it is public, and a private one is asked for."""

        def make() -> None:
            self._api.create_repo(self.name, repo_type=_KIND, private=private, exist_ok=True)
            if private and not self._api.dataset_info(self.name).private:
                raise PublishError(
                    f"{self.name} is public already, but a private dataset is asked for; make it private on the Hub, or"
                    " choose another repository"
                )

        calling("make the repository", self.name, make)

    def revision(self) -> str:
        """The newest commit."""
        info = calling("answer", self.name, lambda: self._api.dataset_info(self.name, revision=BRANCH))
        return str(info.sha)

    def files(self, revision: str) -> dict[str, RepoFile]:
        """All files of a commit, by path."""

        def tree() -> dict[str, RepoFile]:
            entries = self._api.list_repo_tree(self.name, recursive=True, revision=revision, repo_type=_KIND)
            return {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}

        return calling("list its files", self.name, tree)

    @overload
    def read(self, path: str, revision: str) -> bytes: ...

    @overload
    def read(self, path: str, revision: str, *, missing_ok: bool) -> bytes | None: ...

    def read(self, path: str, revision: str, *, missing_ok: bool = False) -> bytes | None:
        """The content of a small file; with `missing_ok`, None when there is none."""

        def download() -> bytes | None:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    there = self._api.hf_hub_download(
                        self.name, path, repo_type=_KIND, revision=revision, local_dir=folder
                    )
                except RemoteEntryNotFoundError:
                    if missing_ok:
                        return None
                    raise
                return Path(there).read_bytes()

        return calling(f"give its {path}", self.name, download)

    def commit(self, files: Sequence[PublicationFile], removed: Iterable[str], message: str, parent: str) -> None:
        """One commit, in one try: whether it went through unheard, only a look at the files can tell.

        It fails with status 412 when others have committed since `parent`. Raises what the client raises.
        """
        self._api.create_commit(
            self.name,
            [
                *(CommitOperationAdd(path_in_repo=file.path, path_or_fileobj=file.source) for file in files),
                *(CommitOperationDelete(path_in_repo=path, is_folder=False) for path in removed),
            ],
            commit_message=message,
            revision=BRANCH,
            repo_type=_KIND,
            parent_commit=parent,
        )

    def tags(self) -> dict[str, str]:
        """Tag -> the commit that it names."""
        refs = calling("list its tags", self.name, lambda: self._api.list_repo_refs(self.name, repo_type=_KIND))
        return {ref.name: ref.target_commit for ref in refs.tags}

    def put_tag(self, tag: str, revision: str) -> None:
        """Name the commit; a tag that is there stays as it is, for an earlier try may have gone through unheard."""
        calling(
            "take the tag",
            self.name,
            lambda: self._api.create_tag(self.name, tag=tag, revision=revision, repo_type=_KIND, exist_ok=True),
        )


def usable_token(token: str | None) -> str:
    """The token without stray blanks. One that no header can carry is refused here: the client would quote it."""
    token = (token or "").strip()
    if not token:
        raise HubAuthError(f"no Hub token; {TOKEN_ADVICE}")
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise HubAuthError(f"the Hub token has characters that no token has; {TOKEN_ADVICE}")
    return token
