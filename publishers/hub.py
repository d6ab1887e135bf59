"""Publishing to the Hugging Face Hub."""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants
from huggingface_hub.hf_api import RepoFile, RepoFolder
from huggingface_hub.utils.tqdm import disable_progress_bars

from publishers.hub_errors import TOKEN_ADVICE, calling
from publishers.manifest import MANIFEST_NAME, parse_manifest
from publishers.publication import CARD_NAME, Publication, PublicationFile, grown_from, read_publication
from publishers.result import PublicationResult
from schemas.errors import HubAuthError, InputError, PublishError, RecipeError

# The Hub allows 128 commits an hour, so several files go into one; bounded commits keep a lost one cheap.
FILES_PER_COMMIT = 100
BYTES_PER_COMMIT = 4 << 30

_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_KIND = "dataset"
_log = logging.getLogger(__name__)


def publish_to_hub(
    build: Path, repo: str, *, private: bool, token: str | None, endpoint: str | None = None, tag: str | None = None
) -> PublicationResult:
    """Puts the build's publication into the dataset repository `repo` (`namespace/name`), which is made when missing.

    Only what is not there already is uploaded, by content hash; the card and the manifest come with the last commit, so
    readers see either the earlier publication or the new one. Calling again after any interruption finishes the rest;
    calling again after success commits nothing. `endpoint` is another Hub than that of HF_ENDPOINT. `tag` names the
    commit that holds the publication, for `load_dataset(repo, revision=tag)`; a tag that is there is never moved.

    Raises, before any use of the network, HubAuthError without a token, RecipeError when the recipe states no licence,
    InputError for what cannot be a tag, and PublishError for a damaged build; later HubAuthError for a token that may
    not write, and PublishError when the repository holds something else, is public though it is to be private, has the
    tag on another commit, or the Hub fails for good.
    """
    if tag is not None and not _TAG.fullmatch(tag):
        raise InputError(
            f"{tag!r} is no name of a release; letters, digits, dots, dashes and underscores, such as v1.0"
        )
    api = HfApi(endpoint=endpoint.rstrip("/") if endpoint else None, token=_usable(token))
    publication = read_publication(build, repo)
    if not (publication.manifest.provenance.recipe.get("publish") or {}).get("licence"):
        raise RecipeError(
            "publish.licence: a dataset on the Hub needs a licence, such as cc-by-4.0; set it in the recipe, run "
            "`iturri build` again (nothing is sampled anew) and publish"
        )
    constants.HF_HUB_DISABLE_TELEMETRY = True
    if constants.HF_HUB_DISABLE_PROGRESS_BARS is None:
        disable_progress_bars()  # they would land in a service's log; who wants them sets the variable to 0
    return _Push(api, repo, publication, tag).run(private)


class _Push:
    """One publication on its way to one repository."""

    def __init__(self, api: HfApi, repo: str, publication: Publication, tag: str | None) -> None:
        self._api = api
        self._tag = tag
        self._repo = repo
        self._publication = publication

    def run(self, private: bool) -> PublicationResult:
        calling("make the repository", self._repo, lambda: self._make_repository(private))
        missing, withdrawn = self._survey()
        if self._tag is not None and (missing or withdrawn):
            self._check_tag(None)
        for batch in self._batches(missing):
            calling("take the commit", self._repo, lambda batch=batch: self._commit(batch))  # type: ignore[misc]
        if withdrawn:
            calling("take the commit", self._repo, lambda: self._withdraw(withdrawn))
        info = calling("answer", self._repo, lambda: self._api.dataset_info(self._repo))
        if missing:
            self._confirm()
        if self._tag is not None:
            self._put_tag(self._tag, str(info.sha))
        return PublicationResult(
            target=f"{self._api.endpoint}/datasets/{self._repo}",
            files=len(self._publication.files),
            uploaded=len(missing),
            skipped=len(self._publication.files) - len(missing),
            bytes=sum(file.size for file in missing),
            revision=info.sha,
            tag=self._tag,
        )

    def _check_tag(self, revision: str | None) -> None:
        """Raises PublishError when the tag is of another commit than this one; None stands for one still to come."""
        refs = calling("list its tags", self._repo, lambda: self._api.list_repo_refs(self._repo, repo_type=_KIND))
        there = next((ref.target_commit for ref in refs.tags if ref.name == self._tag), None)
        if there not in (None, revision):
            raise PublishError(
                f"the tag {self._tag} of {self._repo} is of another commit, {there[:8]}, and a release stays as it is; "
                "choose another --tag"
            )

    def _put_tag(self, tag: str, revision: str) -> None:
        # One that is there is left as it is: an earlier try may have gone through unheard. Then it is looked at.
        calling(
            "take the tag",
            self._repo,
            lambda: self._api.create_tag(self._repo, tag=tag, revision=revision, repo_type=_KIND, exist_ok=True),
        )
        self._check_tag(revision)

    def _make_repository(self, private: bool) -> None:
        self._api.create_repo(self._repo, repo_type=_KIND, private=private, exist_ok=True)
        if private and not self._api.dataset_info(self._repo).private:
            raise PublishError(
                f"{self._repo} is public already, but a private dataset is asked for; make it private on the Hub, or "
                "choose another repository"
            )

    def _survey(self) -> tuple[list[PublicationFile], list[str]]:
        """The files that the repository lacks, and the paths that it has no longer to have.

        Raises PublishError when it holds something else than this build.
        """
        remote = calling("list its files", self._repo, self._tree)
        old = remote.get(MANIFEST_NAME)
        if old is None:
            self._refuse_strangers(remote)
        elif not _same(old, self._publication.head[-1]):
            text = calling("give its manifest", self._repo, self._download_manifest)
            if not grown_from(parse_manifest(text, f"{self._repo}/{MANIFEST_NAME}"), self._publication.manifest):
                raise PublishError(f"{self._repo} holds the publication of another build; choose another repository")
        return _missing(self._publication.files, remote), [
            path for path in self._publication.withdrawn if path in remote
        ]

    def _refuse_strangers(self, remote: dict[str, RepoFile]) -> None:
        ours = {file.path: file for file in self._publication.shards}
        for path, there in remote.items():
            harmless = path == CARD_NAME or path.startswith((".", "LICENSE"))
            if not harmless and not (path in ours and _same(there, ours[path])):
                raise PublishError(f"{self._repo} holds {path}, which is not of this build; choose another repository")

    def _commit(self, batch: Sequence[PublicationFile]) -> None:
        """One commit of what of the batch is still missing: an earlier try may have gone through unheard."""
        remote = self._api.get_paths_info(self._repo, [file.path for file in batch], repo_type=_KIND)
        missing = _missing(batch, _files(remote))
        if not missing:
            return
        names = ", ".join(file.path for file in missing[:3]) + (", ..." if len(missing) > 3 else "")
        self._api.create_commit(
            self._repo,
            [CommitOperationAdd(path_in_repo=file.path, path_or_fileobj=file.source) for file in missing],
            commit_message=f"Add {len(missing)} file{'s' if len(missing) > 1 else ''} with Iturri: {names}",
            repo_type=_KIND,
        )
        _log.info("%s: committed %d files", self._repo, len(missing))

    def _withdraw(self, paths: Sequence[str]) -> None:
        """Take these away; the card has ceased to name them by now. An earlier try may have gone through unheard."""
        there = _files(self._api.get_paths_info(self._repo, list(paths), repo_type=_KIND))
        if there:
            self._api.create_commit(
                self._repo,
                [CommitOperationDelete(path_in_repo=path) for path in there],
                commit_message=f"Remove {', '.join(there)} with Iturri",
                repo_type=_KIND,
            )

    def _batches(self, files: Sequence[PublicationFile]) -> Iterator[list[PublicationFile]]:
        """The files in commits of bounded size; card and manifest, the few kilobytes of the head, join the last one."""
        batch: list[PublicationFile] = []
        for file in files:
            full = len(batch) >= FILES_PER_COMMIT or sum(other.size for other in batch) + file.size > BYTES_PER_COMMIT
            if batch and full and file not in self._publication.head:
                yield batch
                batch = []
            batch.append(file)
        if batch:
            yield batch

    def _confirm(self) -> None:
        """Raises PublishError when the Hub left a file out, as it does with what a .gitignore there names."""
        still = _missing(self._publication.files, calling("list its files", self._repo, self._tree))
        if still:
            raise PublishError(f"{self._repo} still lacks {still[0].path}; look for a .gitignore there that names it")

    def _tree(self) -> dict[str, RepoFile]:
        return _files(self._api.list_repo_tree(self._repo, recursive=True, repo_type=_KIND))

    def _download_manifest(self) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = self._api.hf_hub_download(self._repo, MANIFEST_NAME, repo_type=_KIND, local_dir=folder)
            return Path(path).read_bytes()


def _usable(token: str | None) -> str:
    """The token without stray blanks. One that no header can carry is refused here: the client would quote it."""
    token = (token or "").strip()
    if not token:
        raise HubAuthError(f"no Hub token; {TOKEN_ADVICE}")
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise HubAuthError(f"the Hub token has characters that no token has; {TOKEN_ADVICE}")
    return token


def _files(entries: Iterable[RepoFile | RepoFolder]) -> dict[str, RepoFile]:
    return {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}


def _missing(files: Iterable[PublicationFile], remote: dict[str, RepoFile]) -> list[PublicationFile]:
    return [file for file in files if file.path not in remote or not _same(remote[file.path], file)]


def _same(there: RepoFile, file: PublicationFile) -> bool:
    """Whether the Hub's file has our content: by sha256 where it keeps it in LFS, by git's id where not."""
    if there.size != file.size:
        return False
    return there.lfs.sha256 == file.sha256 if there.lfs is not None else there.blob_id == file.git_oid()
