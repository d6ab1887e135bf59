"""What a publication consists of: shards, review marks, the card, the manifest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from publishers.card import card
from publishers.manifest import MANIFEST_NAME, manifest_bytes, read_manifest
from publishers.redaction import redacted
from publishers.reviews import REVIEWS_PATH, read_reviews
from schemas.errors import PublishError
from schemas.manifest import Manifest, Shard

CARD_NAME = "README.md"


@dataclass(frozen=True, slots=True)
class PublicationFile:
    """One file: where it goes, and its content, a sealed file on disk or what is small enough for memory."""

    path: str
    source: Path | bytes
    size: int
    sha256: str

    def git_oid(self) -> str:
        """The id that git gives a file of this content, for files that the Hub keeps outside of LFS."""
        content = self.source if isinstance(self.source, bytes) else self.source.read_bytes()
        return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Publication:
    """Everything to publish of a build.

    `head` is what makes the shards visible, and what may change from one publication to the next, so it goes last.
    `withdrawn` are paths that an earlier publication of the build may have used and this one does not.
    """

    manifest: Manifest
    shards: tuple[PublicationFile, ...]
    head: tuple[PublicationFile, ...]
    withdrawn: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[PublicationFile, ...]:
        return (*self.shards, *self.head)

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.files)


def read_publication(build: Path, repo: str | None = None) -> Publication:
    """What the build in this folder publishes, every shard checked against its sha256.

    The card and the manifest follow from the build's manifest and review marks alone, so that publishing again changes
    nothing. `repo` is the repository that the card names. Raises PublishError when nothing is sealed, or a shard is
    missing or damaged.
    """
    manifest = read_manifest(build)
    if not manifest.shards:
        raise PublishError(f"{build} has no sealed shards yet; finish `iturri build` first")
    shards = tuple(_checked(build, shard) for shard in manifest.shards)
    public = redacted(manifest)
    reviews = read_reviews(build)
    head = (
        *((_in_memory(REVIEWS_PATH, reviews.content),) if reviews else ()),
        _in_memory(CARD_NAME, card(public, repo, reviews).encode()),
        _in_memory(MANIFEST_NAME, manifest_bytes(public)),
    )
    return Publication(manifest=public, shards=shards, head=head, withdrawn=() if reviews else (REVIEWS_PATH,))


def grown_from(old: Manifest, new: Manifest) -> bool:
    """Whether `new` is the same build as `old`, perhaps with more shards: sealed shards neither vanish nor change."""
    sealed = {shard.path: shard.sha256 for shard in new.shards}
    return old.provenance.fingerprint == new.provenance.fingerprint and all(
        sealed.get(shard.path) == shard.sha256 for shard in old.shards
    )


def sha256_of(path: Path) -> str:
    """The sha256 of a file in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked(build: Path, shard: Shard) -> PublicationFile:
    where = PurePosixPath(shard.path)
    if where.is_absolute() or ".." in where.parts or where.parts[0] != "data":
        raise PublishError(f"{build / MANIFEST_NAME} names a shard outside of data/: {shard.path}")
    path = build / where
    try:
        found = sha256_of(path)
    except OSError as error:
        raise PublishError(f"shard {path} cannot be read: {error.strerror or error}; nothing was published") from error
    if found != shard.sha256:
        raise PublishError(
            f"shard {path} is damaged: its sha256 is {found[:12]}..., the manifest says {shard.sha256[:12]}...; "
            "restore the file, nothing was published"
        )
    return PublicationFile(path=shard.path, source=path, size=path.stat().st_size, sha256=shard.sha256)


def _in_memory(path: str, content: bytes) -> PublicationFile:
    return PublicationFile(path=path, source=content, size=len(content), sha256=hashlib.sha256(content).hexdigest())
