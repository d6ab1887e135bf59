"""What a publication does not tell about the machine that made it."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

from schemas.manifest import Manifest

# Addresses and folders say nothing about the data; the last line guards against a secret among an engine's arguments.
_PRIVATE = re.compile(
    r"(endpoints?|directory|.*_dir|(.*_)?(ip|host|url|address|endpoint)"
    r"|(.*_)?(token|secret|password|credentials?|api_?keys?|key|key_env))",
    re.IGNORECASE,
)
# A path from the root on, but no address, no end tag and no fraction.
_FOLDERS = re.compile(r"(?<![\w/:.<])/(?:[\w.+@-]+/)+(?=[\w.+@-])")
_USER = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^\s'\"]*@(?=[^\s@])")
_QUERY = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^\s?'\"]*)\?[^\s'\"]+")


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


def without_folders(text: str) -> str:
    """The text with the last part alone of each path that begins at the root."""
    return _FOLDERS.sub("", text)


def without_secrets(text: str) -> str:
    """The text with neither user names, passwords nor queries in the addresses that it quotes."""
    return _QUERY.sub(r"\1", _USER.sub(r"\1", text))


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        told = {key: part for key, part in value.items() if not _PRIVATE.fullmatch(str(key).replace("-", "_"))}
        return {key: _placeless(part) if key == "engine_args" else _clean(part) for key, part in told.items()}
    if isinstance(value, list | tuple):
        return [_clean(part) for part in value]
    if isinstance(value, str) and PurePath(value).is_absolute() and "\n" not in value:
        return PurePath(value).name
    return value


def _placeless(value: Any) -> Any:
    """What passes through to the engine can hold anything: no text of it that may be a place is told."""
    if isinstance(value, dict):
        kept = {key: _placeless(part) for key, part in _clean(value).items()}
        return {key: part for key, part in kept.items() if part is not None}
    if isinstance(value, list | tuple):
        return [part for one in value if (part := _placeless(one)) is not None]
    return None if isinstance(value, str) and re.search(r"[/\\{=]", value) else value
