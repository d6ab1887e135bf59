"""Publishing to the Hugging Face Hub."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from huggingface_hub.hf_api import RepoFile

from publishers.changelog import CHANGELOG_NAME, Release, is_ours
from publishers.handwritten import card_text
from publishers.hub_errors import calling
from publishers.hub_repository import HubRepository
from publishers.licences import AGAIN, FIELD, manifest_terms
from publishers.manifest import MANIFEST_NAME, parse_manifest
from publishers.publication import (
    CARD_NAME,
    Found,
    Publication,
    PublicationFile,
    check,
    grown_from,
    other_than,
    read_publication,
)
from publishers.result import PublicationResult
from schemas.errors import InputError, PublishError, RecipeError
from schemas.manifest import Manifest
from schemas.names import REPO, TAG, TAG_LENGTH

# The Hub allows 128 commits an hour, so several files go into one; bounded commits keep a lost one cheap. A push that
# would take more commits than these makes them larger instead.
FILES_PER_COMMIT = 100
BYTES_PER_COMMIT = 4 << 30
COMMITS = 16

_log = logging.getLogger(__name__)


def publish_to_hub(
    build: Path, repo: str, *, private: bool, token: str | None, endpoint: str | None = None, tag: str | None = None
) -> PublicationResult:
    """Puts the build's publication into the dataset repository `repo` (`namespace/name`), which is made when missing.

    Only what is not there already is uploaded, by content hash; the card and the manifest come with the last commit, so
    readers see either the earlier publication or the new one. Calling again after any interruption finishes the rest;
    calling again after success commits nothing. What people have written into the card's part for them is kept, and
    the last commit fails rather than overwrite what others commit meanwhile; then it is made anew. `endpoint` is
    another Hub than that of HF_ENDPOINT. `tag` names the commit that holds the publication, for
    `load_dataset(repo, revision=tag)`; a tag that is there is never moved.

    Raises, before any use of the network, HubAuthError without a token, RecipeError when the recipe states no licence
    or one that cannot be, InputError for what cannot be a repository or a tag; later HubAuthError for a token that may
    not write, and PublishError when a shard is damaged, the repository holds something else, is public though it is to
    be private, has the tag on another commit, or the Hub fails for good.
    """
    if tag is not None and (not TAG.fullmatch(tag) or len(tag) > TAG_LENGTH):
        raise InputError(
            f"{tag!r} is no name of a release; letters, digits, dots, dashes and underscores, such as v1.0"
        )
    if not REPO.fullmatch(repo):
        raise InputError(f"{repo!r} is no repository of the form namespace/name, such as your-name/your-dataset")
    repository = HubRepository(repo, token, endpoint)
    publication = read_publication(build, repo)
    if missing := manifest_terms(publication.manifest).missing():
        raise RecipeError(f"{FIELD}: {missing}; set it in the recipe, {AGAIN}")
    return _Push(repository, publication, tag).run(private)


@dataclass(frozen=True, slots=True)
class _State:
    """The repository at one commit, and the publication that is to be there."""

    revision: str
    files: tuple[PublicationFile, ...]
    missing: tuple[PublicationFile, ...]
    withdrawn: tuple[str, ...]
    present: frozenset[str]

    @property
    def done(self) -> bool:
        return not self.missing and not self.withdrawn


class _Push:
    """One publication on its way to one repository: look, commit the next part of what is missing, look again."""

    def __init__(self, repository: HubRepository, publication: Publication, tag: str | None) -> None:
        self._repository = repository
        self._publication = publication
        self._tag = tag
        self._committed: dict[str, PublicationFile] = {}
        self._known: _State | None = None
        self._begun = False
        self._manifests: dict[str, Manifest | None] = {}
        self._limits = (FILES_PER_COMMIT, BYTES_PER_COMMIT)

    def run(self, private: bool) -> PublicationResult:
        repository = self._repository
        repository.make(private=private)
        state = self._known = self._look()
        if not state.done:
            self._refuse_tag(repository.tags(), None)
            check(state.missing)
            self._limits = _limits(state.missing)
        while not state.done:
            state = calling("take the commit", repository.name, self._commit)
        if self._tag is not None:
            repository.put_tag(self._tag, state.revision)
            self._refuse_tag(repository.tags(), state.revision)
        return PublicationResult(
            target=repository.address,
            files=len(state.files),
            uploaded=len(self._committed),
            skipped=len(state.files) - len(self._committed),
            bytes=sum(file.size for file in self._committed.values()),
            revision=state.revision,
            tag=self._tag,
        )

    def _look(self) -> _State:
        """Where the push stands. Raises PublishError when the repository holds something else than this build."""
        revision = self._repository.revision()
        remote = self._repository.files(revision)
        self._refuse_strangers(revision, remote)
        self._begun = True
        files = self._publication.files(self._found(revision, remote))
        return _State(
            revision=revision,
            files=files,
            missing=tuple(file for file in files if not _is_there(file, remote)),
            withdrawn=self._withdrawn(revision, remote, {file.path for file in files}),
            present=frozenset(remote),
        )

    def _found(self, revision: str, remote: dict[str, RepoFile]) -> Found:
        """The card that is there, and the releases with the one to come; tags of other things are none."""
        text = card_text(self._repository.read(CARD_NAME, revision)) if CARD_NAME in remote else None
        tags = self._repository.tags()
        releases = [
            Release(tag, found) for tag, commit in tags.items() if (found := self._released(commit)) is not None
        ]
        if self._tag is not None and self._tag not in tags:
            releases.append(Release(self._tag, self._publication.manifest))
        return Found(card=text, releases=tuple(releases))

    def _released(self, commit: str) -> Manifest | None:
        """The manifest of an earlier state of this build at a commit; None where there is none."""
        if commit not in self._manifests:
            content = self._repository.read(MANIFEST_NAME, commit, missing_ok=True)
            name = f"{self._repository.name}@{commit[:8]}/{MANIFEST_NAME}"
            try:
                found = None if content is None else parse_manifest(content, name)
            except PublishError:
                found = None
            ours = found is not None and grown_from(found, self._publication.manifest)
            self._manifests[commit] = found if ours else None
        return self._manifests[commit]

    def _withdrawn(self, revision: str, remote: dict[str, RepoFile], files: set[str]) -> tuple[str, ...]:
        """What is there of an earlier state, and of this one no longer.

        Raises PublishError when a change log is there, or in the way, that Iturri has not written.
        """
        paths = [path for path in self._publication.withdrawn if path in remote]
        if CHANGELOG_NAME in remote:
            ours = is_ours(self._repository.read(CHANGELOG_NAME, revision))
            if CHANGELOG_NAME not in files and ours:
                paths.append(CHANGELOG_NAME)
            elif CHANGELOG_NAME in files and not ours:
                raise PublishError(
                    f"{self._repository.name} holds a {CHANGELOG_NAME} that Iturri has not written; rename it, or take"
                    " its text into the card, and publish again"
                )
        return tuple(paths)

    def _refuse_strangers(self, revision: str, remote: dict[str, RepoFile]) -> None:
        name = self._repository.name
        if MANIFEST_NAME in remote:
            old = parse_manifest(self._repository.read(MANIFEST_NAME, revision), f"{name}/{MANIFEST_NAME}")
            if not grown_from(old, self._publication.manifest):
                held = other_than(old, self._publication.manifest)
                raise PublishError(f"{name} holds {held}; choose another repository")
            return
        ours = {file.path for file in self._publication.shards if _is_there(file, remote)}
        if self._begun or ours:
            return  # a push has begun, this one or one before: others may add what they like meanwhile
        for path in remote:
            if not (path == CARD_NAME or path.startswith(".") or self._publication.is_licence(path)):
                raise PublishError(f"{name} holds {path}, which is not of this build; choose another repository")

    def _commit(self) -> _State:
        """The next commit, and how it stands then. A further try looks first: the one before may have gone through."""
        state, self._known = self._known or self._look(), None
        if state.done:
            return state
        batch, last = _next_batch(state.missing, self._publication.shards, self._limits)
        self._committed |= {file.path: file for file in batch}
        # With the commit it goes on top of: what an earlier push has sent and died over may still be made, at any time.
        self._repository.commit(
            batch, state.withdrawn if last else (), _message(batch, state.withdrawn), state.revision
        )
        _log.info("%s: committed %d of %d files", self._repository.name, len(batch), len(state.missing))
        state = self._look()
        left_out = {file.path for file in batch} - state.present
        if left_out:
            raise PublishError(
                f"{self._repository.name} still lacks {min(left_out)}; look for a .gitignore there that names it"
            )
        self._known = state
        return state

    def _refuse_tag(self, tags: dict[str, str], revision: str | None) -> None:
        """Raises PublishError when the tag is of another commit than this one; None stands for one still to come."""
        there = tags.get(self._tag) if self._tag is not None else None
        if there not in (None, revision):
            raise PublishError(
                f"the tag {self._tag} of {self._repository.name} is of another commit, {there[:8]}, and a release stays"
                " as it is; choose another --tag"
            )


def _limits(missing: Sequence[PublicationFile]) -> tuple[int, int]:
    """Files and bytes of a commit, such that these fit into few."""
    size = sum(file.size for file in missing)
    return max(FILES_PER_COMMIT, ceil(len(missing) / COMMITS)), max(BYTES_PER_COMMIT, ceil(size / COMMITS))


def _next_batch(
    missing: Sequence[PublicationFile], shards: Sequence[PublicationFile], limits: tuple[int, int]
) -> tuple[list[PublicationFile], bool]:
    """The first of the missing files that fit into one commit, and whether they are all that is missing.

    The few kilobytes of the head join the last shards.
    """
    sealed = {file.path for file in shards}
    batch: list[PublicationFile] = []
    size = 0
    for file in missing:
        full = len(batch) >= limits[0] or size + file.size > limits[1]
        if batch and full and file.path in sealed:
            return batch, False
        batch.append(file)
        size += file.size
    return batch, True


def _message(batch: Sequence[PublicationFile], withdrawn: Sequence[str]) -> str:
    if not batch:
        return f"Remove {', '.join(withdrawn)} with Iturri"
    names = ", ".join(file.path for file in batch[:3]) + (", ..." if len(batch) > 3 else "")
    return f"Add {len(batch)} file{'s' if len(batch) > 1 else ''} with Iturri: {names}"


def _is_there(file: PublicationFile, remote: dict[str, RepoFile]) -> bool:
    """Whether the Hub has our content: by sha256 where it keeps the file in LFS, by git's id where not."""
    there = remote.get(file.path)
    if there is None or there.size != file.size:
        return False
    return there.lfs.sha256 == file.sha256 if there.lfs is not None else there.blob_id == file.git_oid()
