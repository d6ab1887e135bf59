"""Small builds, written as the pipeline writes them: shards, then the manifest."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from publishers.manifest import write_manifest
from publishers.shard import config_name, shard_path, write_shard
from schemas.conversation import Conversation, Message
from schemas.funnel import Funnel, FunnelRow
from schemas.manifest import Manifest, Provenance, Shard
from schemas.recipe import Recipe

FINGERPRINT = "f" * 64


def conversation(number: int, mode: str = "magpie", **changes: Any) -> Conversation:
    fields: dict[str, Any] = {
        "id": f"proba-{mode}-{number:06d}",
        "messages": (
            Message(role="user", content=f"Kaixo! Nola egiten da {number}. ogia?"),
            Message(role="assistant", content="Irina, ura, gatza eta legamia nahastu 🍞,\ngero labean erre."),
        ),
        "language": "eu",
        "mode": mode,
        "exchanges": 1,
        "backbone": "demo",
        "backbone_revision": None,
        "sampling": '{"user": {"temperature": 1.0}}',
        "template_hash": "a" * 64,
        "recipe_fingerprint": FINGERPRINT,
        "scores": {"language.share": 0.5 + number % 2 / 4},
        "source_document": None,
        "prompt_tokens": 20 + number,
        "completion_tokens": 30,
    }
    return Conversation(**fields | changes)


def recipe_fields(**publish: Any) -> dict[str, Any]:
    recipe = Recipe.model_validate(
        {
            "name": "proba",
            "language": "eu",
            "backbone": {"kind": "scripted", "user_turns": ["Kaixo!"], "replies": ["Kaixo."]},
            "target": {"conversations": 100},
            "publish": {"licence": "cc0-1.0"} | publish,
        }
    )
    return recipe.model_dump(mode="json")


def funnel(accepted: int) -> Funnel:
    def row(gate: str, reason: str, drafts: int, exchange: int = 1) -> FunnelRow:
        return FunnelRow(
            mode="magpie",
            gate=gate,
            exchange=exchange,
            reason=reason,
            drafts=drafts,
            prompt_tokens=10 * drafts,
            completion_tokens=50 * drafts,
        )

    rows = (
        row("user_turn", "language.foreign", 3),
        row("user_turn", "language.foreign", 2, exchange=2),
        row("reply", "shape.cut_off", 1),
        row("accepted", "accepted", accepted),
    )
    return Funnel(target=100, rows=rows, unfinished_completion_tokens=7, engine_seconds=90)


def manifest(shards: tuple[Shard, ...], recipe: dict[str, Any] | None = None, **changes: Any) -> Manifest:
    fields: dict[str, Any] = {
        "name": "proba",
        "language": "eu",
        "created": datetime(2026, 11, 2, 10, tzinfo=UTC),
        "updated": datetime(2026, 11, 3, 10, tzinfo=UTC),
        "complete": True,
        "provenance": Provenance(
            iturri_version="0.1.0",
            recipe=recipe or recipe_fields(),
            fingerprint=FINGERPRINT,
            language_name="Basque",
            backbone="demo",
            backbone_revision=None,
            backbone_licence="apache-2.0",
            template_hash="a" * 64,
        ),
        "funnel": funnel(sum(shard.rows for shard in shards)),
        "shards": shards,
    }
    return Manifest(**fields | changes)


def seal(build: Path, mode: str, split: str, number: int, rows: list[Conversation]) -> Shard:
    config = config_name(mode, "eu")
    path = shard_path(config, split, number)
    size, sha256 = write_shard(rows, build / path)
    return Shard(path=path, config=config, split=split, rows=len(rows), bytes=size, sha256=sha256)


def make_build(folder: Path, shards: int = 2, rows: int = 3, recipe: dict[str, Any] | None = None) -> Manifest:
    """A build with `shards` training shards of `rows` conversations in mode magpie, and one validation shard."""
    sealed = [
        seal(folder, "magpie", "train", number, [conversation(number * rows + row) for row in range(rows)])
        for number in range(shards)
    ]
    sealed.append(seal(folder, "magpie", "validation", 0, [conversation(1_000_000 + row) for row in range(2)]))
    made = manifest(tuple(sealed), recipe)
    write_manifest(made, folder)
    return made
