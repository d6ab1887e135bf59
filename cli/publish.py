"""`iturri publish`: a build to the Hub, or to a folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import get_token

from cli import figures
from cli.failures import say
from cli.machine import build_folder, machine_settings
from cli.published import sentence
from cli.surroundings import log_to_stderr
from pipeline.directory import BuildDirectory
from pipeline.reader import BuildReader
from pipeline.sealing import seal_what_is_there
from publishers.hub import publish_to_hub
from publishers.local import publish_to_folder
from publishers.manifest import read_manifest
from publishers.publication import PublicationFile, check, read_publication
from publishers.url import is_url, publish_to_url
from schemas.errors import BuildDirectoryError, EpochLostError, InputError
from schemas.manifest import Manifest


def run(
    build: str, *, to: str | None, repo: str | None, private: bool, tag: str | None, dry_run: bool, as_json: bool
) -> int:
    """Publish, and say what went where. Raises InputError when nobody says where to."""
    settings = machine_settings()
    log_to_stderr(settings)
    folder = build_folder(build, settings)
    wish = BuildReader(folder).recipe().publish
    repo = repo or wish.repo
    if to is None and repo is None:
        raise InputError("where to? Give --to PLACE or --repo NAMESPACE/NAME, or set publish.repo in the recipe")
    if dry_run:
        files = read_publication(folder, None if to else repo).files()
        check(files)
        _list(files, str(to or repo), as_json)
        return 0
    if not (manifest := sealed(folder)).complete:
        say(
            f"{folder} is not finished: what it has so far is published; for the rest run the build again, then"
            f" publish again; or lower target.conversations to {max(1, manifest.funnel.accepted)} and run it again to"
            " call it complete"
        )
    try:
        with BuildDirectory(folder).publishing():
            if to is None:
                result = publish_to_hub(folder, str(repo), private=private or wish.private, token=get_token(), tag=tag)
            elif is_url(to):
                result = publish_to_url(folder, to)
            else:
                result = publish_to_folder(folder, Path(to))
    except (KeyboardInterrupt, SystemExit):
        say("stopped; the same command finishes the publication")
        raise
    sys.stdout.write(f"{result.model_dump_json()}\n" if as_json else f"{sentence(result)}\n")
    return 0


def sealed(folder: Path) -> Manifest:
    """The manifest, after all that the build has accepted is sealed; of one that runs, as far as that has got."""
    try:
        return seal_what_is_there(folder)
    except (BuildDirectoryError, EpochLostError):
        return read_manifest(folder)


def _list(files: Sequence[PublicationFile], target: str, as_json: bool) -> None:
    if as_json:
        listed = [{"path": file.path, "bytes": file.size, "sha256": file.sha256} for file in files]
        sys.stdout.write(json.dumps({"target": target, "files": listed}) + "\n")
        return
    for file in files:
        sys.stdout.write(f"{figures.size(file.size):>10}  {file.path}\n")
    size = figures.size(sum(file.size for file in files))
    sys.stdout.write(f"{len(files)} files, {size}, would go to {target}\n")
