"""What changed from release to release: CHANGELOG.md of a publication."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.manifest import Manifest

CHANGELOG_NAME = "CHANGELOG.md"
_HEAD = "# Changes\n\n<!-- Written anew by every publication: words of your own belong into the card, README.md. -->"

# What a recipe says of one machine, or of how far a build is to go: the figures tell that better.
_UNTOLD = ("name", "backbone", "output", "publish.repo", "publish.private", "window")  # the backbone has its own lines


@dataclass(frozen=True, slots=True)
class Release:
    """A tag, and the manifest of what it names."""

    tag: str
    manifest: Manifest


def change_log(releases: Sequence[Release], current: Manifest) -> str:
    """The change log in Markdown, the newest first; releases come in any order.

    What is not released yet is told when its shards are others than those of the last release. The same releases and
    manifest give the same text.
    """
    ordered = sorted(releases, key=lambda release: (release.manifest.updated, release.manifest.rows, release.tag))
    states = [(release.tag, release.manifest) for release in ordered]
    if not states or states[-1][1].shards != current.shards:
        states.append(("Unreleased", current))
    befores = [None, *(manifest for _, manifest in states[:-1])]
    sections = [
        "\n".join(_section(title, manifest, before)) for (title, manifest), before in zip(states, befores, strict=True)
    ]
    return "\n\n".join([_HEAD, *reversed(sections)]) + "\n"


def is_ours(content: bytes) -> bool:
    """Whether a change log was written by Iturri."""
    return content.startswith(_HEAD.encode())


def _section(title: str, manifest: Manifest, before: Manifest | None) -> Iterator[str]:
    funnel = manifest.funnel
    yield f"## {title}, {manifest.updated.date()}"
    yield ""
    total = f"{manifest.rows:,} conversations in {_counted(len(manifest.shards), 'shard')}"
    if before is None:
        yield f"- {total}"
    elif manifest.shards == before.shards:
        yield f"- {total}, those of before"
    else:
        yield f"- {total}, {manifest.rows - before.rows:,} of them new"
    then = _rows(before) if before is not None else {}
    for (config, split), rows in sorted(_rows(manifest).items()):
        more = rows - then.get((config, split), 0)
        if more:
            yield f"  - `{config}`, {split}: " + (f"{more:,} more, {rows:,} in all" if before else f"{rows:,}")
    if funnel.tokens_per_accepted is not None:
        share = f"{funnel.acceptance:.1%} of {funnel.drafts:,} drafts accepted"
        yield f"- {share}, at {funnel.tokens_per_accepted:,.0f} generated tokens each"
    if not manifest.complete:
        yield "- the build was not finished then"
    if before is not None:
        for name, (old, new) in sorted(_changes(before, manifest).items()):
            yield f"- `{name}`: {old} → {new}"


def _rows(manifest: Manifest) -> dict[tuple[str, str], int]:
    rows: dict[tuple[str, str], int] = {}
    for shard in manifest.shards:
        rows[shard.config, shard.split] = rows.get((shard.config, shard.split), 0) + shard.rows
    return rows


def _changes(before: Manifest, after: Manifest) -> dict[str, tuple[str, str]]:
    """What made the rows and is no longer the same: name -> (old value, new value), in words."""
    old, new = _told(before), _told(after)
    return {
        name: (_word(old.get(name)), _word(new.get(name))) for name in {*old, *new} if old.get(name) != new.get(name)
    }


def _told(manifest: Manifest) -> dict[str, Any]:
    provenance = manifest.provenance
    return {
        **dict(_fields(provenance.recipe)),
        "Iturri": provenance.iturri_version,
        "backbone": provenance.backbone,
        "backbone revision": provenance.backbone_revision,
        "backbone licence": provenance.backbone_licence,
        "chat template": provenance.template_hash[:12],
    }


def _fields(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The recipe's fields under dotted names, as its errors have them: parts of a list by their number."""
    if name in _UNTOLD:
        return
    if isinstance(value, Mapping):
        parts = list(value.items())
    elif isinstance(value, list) and any(isinstance(part, Mapping) for part in value):
        parts = list(enumerate(value))
    else:
        yield name, value
        return
    for key, part in parts:
        yield from _fields(part, f"{name}.{key}" if name else str(key))


def _word(value: Any) -> str:
    if value is None:
        return "not set"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split()) if len(text) <= 80 else "another one"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
