"""What is shown of a build, one of this machine or one of a server: as text, or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli import consoles, figures
from cli.diversity import print_diversity
from cli.funnel import funnel_table, mode_table
from schemas.arms import Arm
from schemas.conversation import Conversation, Message
from schemas.errors import InputError
from schemas.funnel import DroppedSample, Funnel
from schemas.manifest import Shard

_SHARDS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class ShownBuild:
    """A build as it is shown. Conversations are numbered; `more` is added to the JSON."""

    name: str
    place: str
    complete: bool
    state: str
    dry: bool
    funnel: Funnel
    shards: tuple[Shard, ...] = ()
    accepted: list[tuple[int, Conversation]] = field(default_factory=list)
    dropped: list[tuple[int, DroppedSample]] = field(default_factory=list)
    arms: list[Arm] | None = None
    more: dict[str, Any] = field(default_factory=dict)


def check_reason(reason: str | None, funnel: Funnel) -> None:
    """Raises InputError for a reason that nothing was dropped for."""
    reasons = funnel.reasons()
    if reason is not None and reason not in reasons:
        known = f"; reasons here: {', '.join(reasons)}" if reasons else ""
        raise InputError(f"--reason: nothing was dropped for {reason!r}{known}")


def print_build(shown: ShownBuild, as_json: bool) -> None:
    """To stdout."""
    if as_json:
        _print_json(shown)
        return
    console, funnel = consoles.out(), shown.funnel
    console.print(_headline(shown), markup=False, soft_wrap=True)
    if len(funnel.modes) > 1:
        console.print(mode_table(funnel))
    console.print(funnel_table(funnel))
    if funnel.diversity is not None:
        print_diversity(console, funnel.diversity)
    if shown.shards:
        console.print(shard_table(shown.shards))
    if shown.arms is not None:
        from cli.steering import print_steering  # with it comes the whole pipeline, which servers' builds do not need

        print_steering(console, shown.arms)
    for sequence, row in shown.accepted:
        print_conversation(console, f"accepted {sequence}: {row.id} ({row.mode})", row.messages)
    for sequence, sample in shown.dropped:
        where = "" if sample.turn is None else f", turn {sample.turn}"
        title = f"dropped {sequence}: {sample.reason} at {sample.gate}{where}: {sample.evidence}"
        print_conversation(console, title, sample.messages)


def _headline(shown: ShownBuild) -> str:
    # Without this the share below would read as if the filters had found nothing wrong.
    dry = ", dry (the filters only looked on and dropped nothing but unfit materials)" if shown.dry else ""
    funnel = shown.funnel
    cost = (
        "nothing accepted yet"
        if funnel.tokens_per_accepted is None
        else f"{figures.per_accepted(funnel.tokens_per_accepted)} generated tokens per accepted conversation"
    )
    return (
        f"{shown.name} ({shown.place}), {shown.state}{dry}: {funnel.accepted:,} of {funnel.target:,} conversations, "
        f"{figures.percent(funnel.acceptance)} of {funnel.drafts:,} drafts; {cost}; "
        f"{figures.duration(funnel.engine_seconds)} of sampling"
    )


def shard_table(shards: tuple[Shard, ...]) -> Table:
    """The sealed files; of many, the first ones and the sum of the rest."""
    table = Table(box=None, pad_edge=False, header_style="bold", title="shards", title_justify="left")
    table.add_column("file", overflow="fold")
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("sha256", no_wrap=True)
    for shard in shards[:_SHARDS_SHOWN]:
        table.add_row(Text(shard.path), f"{shard.rows:,}", figures.size(shard.bytes), shard.sha256[:12])
    if more := shards[_SHARDS_SHOWN:]:
        rows, count = sum(shard.rows for shard in more), sum(shard.bytes for shard in more)
        table.add_row(f"and {len(more)} more", f"{rows:,}", figures.size(count), "")
    return table


def print_conversation(console: Console, title: str, messages: Iterable[Message]) -> None:
    console.print()
    console.print(title, style="bold", markup=False, soft_wrap=True)
    for message in messages:
        console.print(Text(f"{message.role}: ", style="dim") + Text(message.content), soft_wrap=True)


def _print_json(shown: ShownBuild) -> None:
    document: dict[str, Any] = {
        "build": shown.place,
        "complete": shown.complete,
        "dry": shown.dry,
        "funnel": shown.funnel.model_dump(mode="json"),
        "reasons": shown.funnel.reasons(),
        "shards": [shard.model_dump(mode="json") for shard in shown.shards],
        "accepted": [{"number": number, **row.model_dump(mode="json")} for number, row in shown.accepted],
        "dropped": [{"number": number, **sample.model_dump(mode="json")} for number, sample in shown.dropped],
        **shown.more,
    }
    if shown.arms is not None:
        from cli.steering import RECENT

        document["steering"] = [arm.model_dump(mode="json", exclude=RECENT) for arm in shown.arms]
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
