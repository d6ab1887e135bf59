"""The manifest file at the root of a build, and of a publication."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from publishers.atomic import write_bytes
from schemas.errors import PublishError
from schemas.manifest import Manifest
from schemas.problems import first_problem

MANIFEST_NAME = "manifest.json"


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Puts the manifest into the folder, whole and on disk. Raises StorageError."""
    write_bytes(folder / MANIFEST_NAME, manifest_bytes(manifest))


def manifest_bytes(manifest: Manifest) -> bytes:
    """The manifest as it is stored; what follows from other fields is left out, since it could not be read back."""
    return (manifest.model_dump_json(indent=2, exclude_computed_fields=True) + "\n").encode()


def read_manifest(folder: Path) -> Manifest:
    """The manifest in the folder. Raises PublishError."""
    path = folder / MANIFEST_NAME
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PublishError(
            f"{folder} holds no {MANIFEST_NAME}: it is no build, or nothing is sealed yet; run `iturri build` first"
        ) from error
    except OSError as error:
        raise PublishError(f"{path} cannot be read: {error.strerror or error}") from error
    return parse_manifest(content, str(path))


def parse_manifest(content: bytes, where: str) -> Manifest:
    """The manifest in these bytes, which come from `where`. Raises PublishError that names place and field."""
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        field, what = first_problem(error)
        raise PublishError(f"{where} is no manifest: {field}: {what}" if field else f"{where}: {what}") from error
    if manifest.version != Manifest.model_fields["version"].default:
        raise PublishError(f"{where} has version {manifest.version}, which this version of Iturri does not know")
    return manifest
