"""What a publication consists of: shards, tables beside them, the card, the manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from publishers.card import card
from publishers.changelog import CHANGELOG_NAME, Release, change_log
from publishers.dropped import DROPPED_CONFIG, DroppedFile, read_dropped
from publishers.handwritten import renewed
from publishers.licences import refuse_unfit
from publishers.manifest import MANIFEST_NAME, manifest_bytes, read_manifest
from publishers.picture import PICTURE_NAME, funnel_picture
from publishers.redaction import redacted
from publishers.reviews import REVIEWS_CONFIG, ReviewFile, read_reviews
from publishers.side_table import SideTable, side_path
from schemas.errors import PublishError
from schemas.funnel import Funnel
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
        digest = hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)
        if isinstance(self.source, bytes):
            digest.update(self.source)
        else:
            with self.source.open("rb") as file:
                while piece := file.read(1 << 20):
                    digest.update(piece)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Found:
    """What a target holds already that the next card takes up."""

    card: str | None = None
    releases: tuple[Release, ...] = ()


NOTHING = Found()


@dataclass(frozen=True, slots=True)
class Publication:
    """Everything to publish of a build. `withdrawn` are paths of an earlier one that this one does not have."""

    manifest: Manifest
    shards: tuple[PublicationFile, ...]
    reviews: ReviewFile | None
    dropped: DroppedFile | None
    repo: str | None

    @property
    def tables(self) -> tuple[SideTable, ...]:
        return tuple(file.table for file in (self.reviews, self.dropped) if file is not None)

    @property
    def withdrawn(self) -> tuple[str, ...]:
        there = {table.config for table in self.tables}
        return tuple(side_path(config) for config in (REVIEWS_CONFIG, DROPPED_CONFIG) if config not in there)

    def is_licence(self, path: str) -> bool:
        """Whether people may have put this file beside the publication: its licence, as the recipe names it or not."""
        named = (self.manifest.provenance.recipe.get("publish") or {}).get("licence_link")
        return path.startswith("LICENSE") or path == named

    def files(self, found: Found = NOTHING) -> tuple[PublicationFile, ...]:
        """All files, in the order in which they go."""
        return (*self.shards, *self.head(found))

    def head(self, found: Found = NOTHING) -> tuple[PublicationFile, ...]:
        """What makes the shards visible, and what may change from one publication to the next: it goes last.

        Raises PublishError when the card that was found was edited where the next one would lose it.
        """
        text = card(self.manifest, self.repo, self.reviews, self.dropped, changelog=bool(found.releases))
        contents = {
            **{table.path: table.content for table in self.tables},
            **({CHANGELOG_NAME: change_log(found.releases, self.manifest).encode()} if found.releases else {}),
            PICTURE_NAME: _picture(self.manifest.funnel),
            CARD_NAME: renewed(text, found.card).encode(),
            MANIFEST_NAME: manifest_bytes(self.manifest),
        }
        return tuple(_in_memory(path, content) for path, content in contents.items())


def read_publication(build: Path, repo: str | None = None) -> Publication:
    """What the build in this folder publishes.

    The same build gives the same publication, so that publishing again changes nothing. `repo` is the repository that
    the card names. Raises PublishError when nothing is sealed, or a shard is missing or cut short, RecipeError for a
    licence that cannot be.
    """
    manifest = read_manifest(build)
    if not manifest.shards:
        raise PublishError(f"{build} has no sealed shards yet; finish `iturri build` first")
    refuse_unfit(manifest)
    if len({shard.path for shard in manifest.shards}) < len(manifest.shards):
        raise PublishError(f"{build / MANIFEST_NAME} names a shard twice; `iturri build` of its recipe writes it anew")
    return Publication(
        manifest=redacted(manifest),
        shards=tuple(_shard_file(build, shard) for shard in manifest.shards),
        reviews=read_reviews(build),
        dropped=read_dropped(build),
        repo=repo,
    )


def check(files: Iterable[PublicationFile]) -> None:
    """Compares the shards among these files, read once, with their sha256. Raises PublishError for a damaged one."""
    for file in files:
        if isinstance(file.source, Path):
            try:
                found = sha256_of(file.source)
            except OSError as error:
                raise _unreadable(file.source, error) from error
            if found != file.sha256:
                raise PublishError(
                    f"shard {file.source} is damaged: its sha256 is {found[:12]}..., the manifest says "
                    f"{file.sha256[:12]}...; restore the file, nothing was published"
                )


def grown_from(old: Manifest, new: Manifest) -> bool:
    """Whether `new` is the same build as `old`, perhaps with more shards: sealed shards neither vanish nor change."""
    sealed = {shard.path: shard.sha256 for shard in new.shards}
    return old.provenance.fingerprint == new.provenance.fingerprint and all(
        sealed.get(shard.path) == shard.sha256 for shard in old.shards
    )


def other_than(old: Manifest, new: Manifest) -> str:
    """What a place holds that `new` has not grown from, in words."""
    return "a later state of this build" if grown_from(new, old) else "the publication of another build"


def sha256_of(path: Path) -> str:
    """The sha256 of a file in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _shard_file(build: Path, shard: Shard) -> PublicationFile:
    where = PurePosixPath(shard.path)
    if where.parts[:1] != ("data",) or ".." in where.parts or "\0" in shard.path:
        raise PublishError(f"{build / MANIFEST_NAME} names a shard outside of data/: {shard.path}")
    path = build / where
    try:
        size = path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error
    if size != shard.bytes:
        raise PublishError(
            f"shard {path} is damaged: it has {size:,} bytes, the manifest says {shard.bytes:,}; "
            "restore the file, nothing was published"
        )
    return PublicationFile(path=shard.path, source=path, size=size, sha256=shard.sha256)


def _unreadable(path: Path, error: OSError) -> PublishError:
    return PublishError(f"shard {path} cannot be read: {error.strerror or error}; nothing was published")


@lru_cache(maxsize=1)
def _picture(funnel: Funnel) -> bytes:
    """A push looks at the target again and again, and drawing takes a second."""
    return funnel_picture(funnel)


def _in_memory(path: str, content: bytes) -> PublicationFile:
    return PublicationFile(path=path, source=content, size=len(content), sha256=hashlib.sha256(content).hexdigest())
