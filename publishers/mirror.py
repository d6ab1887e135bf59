"""Publishing to a place of files: what is there is compared by content, the rest is written, and the card last."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from publishers.handwritten import card_text
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
from schemas.errors import PublishError


class Place(Protocol):
    """Where files can be put: a folder, a bucket. All methods raise PublishError or StorageError."""

    @property
    def name(self) -> str:
        """What messages call it; no password in it."""

    def paths(self) -> set[str]:
        """The files there, without hidden ones at its root and what killed writers have left."""

    def read(self, path: str) -> bytes:
        """The content of a small file."""

    def holds(self, file: PublicationFile) -> bool:
        """Whether a file of this path and content is there."""

    def put(self, file: PublicationFile) -> None:
        """Make it be there, whole, in place of any other of its path."""

    def remove(self, path: str) -> None:
        """Make it not be there."""


def mirror(build: Path, place: Place) -> PublicationResult:
    """Puts the build's publication there, which then is exactly what the place holds.

    What is there already stays untouched; the card and the manifest come last, so that an interrupted call is finished
    by the next one. Shards are never replaced but by themselves; what is withdrawn goes last, and a LICENSE that
    somebody put there stays. Raises PublishError when the place holds something else, or a shard is damaged; then
    nothing was written.
    """
    publication = read_publication(build)
    paths = place.paths()
    files = publication.files(_found(place, paths))
    _refuse_strangers(place, publication, paths, {file.path for file in files})
    missing = [file for file in files if file.path not in paths or not place.holds(file)]
    check(missing)
    for file in missing:
        place.put(file)
    for path in paths.intersection(publication.withdrawn):
        place.remove(path)
    return PublicationResult(
        target=place.name,
        files=len(files),
        uploaded=len(missing),
        skipped=len(files) - len(missing),
        bytes=sum(file.size for file in missing),
    )


def _found(place: Place, paths: set[str]) -> Found:
    return Found(card=card_text(place.read(CARD_NAME)) if CARD_NAME in paths else None)


def _refuse_strangers(place: Place, publication: Publication, paths: set[str], ours: set[str]) -> None:
    """Raises PublishError when the place holds something else."""
    if MANIFEST_NAME in paths:
        old = parse_manifest(place.read(MANIFEST_NAME), f"{place.name}/{MANIFEST_NAME}")
        if not grown_from(old, publication.manifest):
            raise PublishError(f"{place.name} holds {other_than(old, publication.manifest)}; choose another place")
    others = paths - ours - {*publication.withdrawn}
    strangers = sorted(path for path in others if not publication.is_licence(path))
    if strangers:
        raise PublishError(
            f"{place.name} holds {strangers[0]}, which is not of this publication; move it, or choose an empty place"
        )
