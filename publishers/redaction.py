"""What a publication does not tell about the machine that made it."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

from schemas.manifest import Manifest

# Addresses and folders say nothing about the data; the last two guard against a secret among an engine's arguments.
_PRIVATE = re.compile(r"^(endpoints|directory|api_key_env|.*_dir|(.*_)?(token|secret|password|key))$")


# A path from the root on, but no address, no end tag and no fraction.
_FOLDERS = re.compile(r"(?<![\w/:.<])/(?:[\w.+@-]+/)+(?=[\w.+@-])")


def without_folders(text: str) -> str:
    """The text with the last part alone of each path that begins at the root."""
    return _FOLDERS.sub("", text)


def redacted(manifest: Manifest) -> Manifest:
    """The manifest without addresses, folders and secrets; of a path, only the last part stays. Rows are untouched."""
    provenance = manifest.provenance
    return manifest.model_copy(
        update={
            "provenance": provenance.model_copy(
                update={"recipe": _clean(provenance.recipe), "backbone": _clean(provenance.backbone)}
            )
        }
    )


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _clean(part) for key, part in value.items() if not _PRIVATE.match(str(key))}
    if isinstance(value, list | tuple):
        return [_clean(part) for part in value]
    if isinstance(value, str) and PurePath(value).is_absolute() and "\n" not in value:
        return PurePath(value).name
    return value
