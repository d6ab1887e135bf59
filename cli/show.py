"""`iturri show`: the funnel, the shards, and what was kept or dropped."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli import consoles, figures
from cli.diversity import print_diversity
from cli.funnel import funnel_table, mode_table
from cli.machine import build_folder, machine_settings
from cli.steering import RECENT, print_steering, ranked
from pipeline.reader import BuildReader
from schemas.arms import Arm
from schemas.conversation import Conversation, Message
from schemas.errors import InputError
from schemas.funnel import DroppedSample, Funnel
from schemas.manifest import Manifest
from schemas.recipe import Recipe

_SHARDS_SHOWN = 10


def run(build: str, *, dropped: bool, reason: str | None, number: int, steering: bool, as_json: bool) -> int:
    """Show a build. Raises BuildDirectoryError, and InputError for a reason that nothing was dropped for."""
    folder = build_folder(build, machine_settings())
    reader = BuildReader(folder)
    funnel, manifest = reader.funnel(), reader.manifest()
    reasons = funnel.reasons()
    if reason is not None and reason not in reasons:
        known = f"; reasons here: {', '.join(reasons)}" if reasons else ""
        raise InputError(f"--reason: nothing was dropped for {reason!r}{known}")
    accepted = [] if dropped or not number else reader.accepted(limit=number)
    drops = reader.dropped(reason, limit=number) if dropped and number else []
    arms = ranked(reader.arms()) if steering else None
    if as_json:
        _print_json(folder, reader.recipe(), funnel, manifest, accepted, drops, arms)
        return 0
    console = consoles.out()
    console.print(_headline(folder, reader.recipe(), funnel, manifest), markup=False, soft_wrap=True)
    if len(funnel.modes) > 1:
        console.print(mode_table(funnel))
    console.print(funnel_table(funnel))
    if funnel.diversity is not None:
        print_diversity(console, funnel.diversity)
    if manifest is not None and manifest.shards:
        console.print(shard_table(manifest))
    if arms is not None:
        print_steering(console, arms)
    for sequence, row in accepted:
        _print_conversation(console, f"accepted {sequence}: {row.id} ({row.mode})", row.messages)
    for sequence, sample in drops:
        where = "" if sample.turn is None else f", turn {sample.turn}"
        title = f"dropped {sequence}: {sample.reason} at {sample.gate}{where}: {sample.evidence}"
        _print_conversation(console, title, sample.messages)
    return 0


def _headline(folder: Path, recipe: Recipe, funnel: Funnel, manifest: Manifest | None) -> str:
    state = "complete" if manifest is not None and manifest.complete else "not complete"
    # Without this the share below would read as if the filters had found nothing wrong.
    dry = ", dry (the filters only looked on and dropped nothing but unfit materials)" if recipe.filters.dry else ""
    cost = (
        "nothing accepted yet"
        if funnel.tokens_per_accepted is None
        else f"{figures.per_accepted(funnel.tokens_per_accepted)} generated tokens per accepted conversation"
    )
    return (
        f"{recipe.name} ({folder}), {state}{dry}: {funnel.accepted:,} of {funnel.target:,} conversations, "
        f"{figures.percent(funnel.acceptance)} of {funnel.drafts:,} drafts; {cost}; "
        f"{figures.duration(funnel.engine_seconds)} of sampling"
    )


def shard_table(manifest: Manifest) -> Table:
    """The sealed files; of many, the first ones and the sum of the rest."""
    table = Table(box=None, pad_edge=False, header_style="bold", title="shards", title_justify="left")
    table.add_column("file", overflow="fold")
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("sha256", no_wrap=True)
    for shard in manifest.shards[:_SHARDS_SHOWN]:
        table.add_row(Text(shard.path), f"{shard.rows:,}", figures.size(shard.bytes), shard.sha256[:12])
    if more := manifest.shards[_SHARDS_SHOWN:]:
        rows, count = sum(shard.rows for shard in more), sum(shard.bytes for shard in more)
        table.add_row(f"and {len(more)} more", f"{rows:,}", figures.size(count), "")
    return table


def _print_conversation(console: Console, title: str, messages: Iterable[Message]) -> None:
    console.print()
    console.print(title, style="bold", markup=False, soft_wrap=True)
    for message in messages:
        console.print(Text(f"{message.role}: ", style="dim") + Text(message.content), soft_wrap=True)


def _print_json(
    folder: Path,
    recipe: Recipe,
    funnel: Funnel,
    manifest: Manifest | None,
    accepted: list[tuple[int, Conversation]],
    drops: list[tuple[int, DroppedSample]],
    arms: list[Arm] | None,
) -> None:
    document: dict[str, Any] = {
        "build": str(folder),
        "complete": manifest is not None and manifest.complete,
        "dry": recipe.filters.dry,
        "funnel": funnel.model_dump(mode="json"),
        "reasons": funnel.reasons(),
        "shards": [] if manifest is None else [shard.model_dump(mode="json") for shard in manifest.shards],
        "accepted": [{"number": number, **row.model_dump(mode="json")} for number, row in accepted],
        "dropped": [{"number": number, **sample.model_dump(mode="json")} for number, sample in drops],
    }
    if arms is not None:
        document["steering"] = [arm.model_dump(mode="json", exclude=RECENT) for arm in arms]
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
