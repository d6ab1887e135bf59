"""What has to be true of every commit of a publication's history, and of two that follow each other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import yaml


def named(card: bytes | None, manifest: bytes | None) -> set[str]:
    """The files that a commit's README.md and manifest.json, where it has them, say are there."""
    found: set[str] = set()
    if card is not None:
        configs = yaml.safe_load(card.decode().split("---\n")[1])["configs"]
        for paths in (part["path"] for config in configs for part in config["data_files"]):
            found |= {paths} if isinstance(paths, str) else set(paths)
    if manifest is not None:
        found |= {shard["path"] for shard in json.loads(manifest)["shards"]}
    return found


def added_again(before: Mapping[str, str], after: Mapping[str, str], added: Iterable[str]) -> set[str]:
    """What a commit added though it was there with the same content: files are given with their sha256."""
    return {path for path in added if before.get(path) == after.get(path) is not None}
