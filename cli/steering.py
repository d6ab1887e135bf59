"""What became of the drafts that used each choice of the steering, for people to compare."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli import figures
from pipeline.adaptive import PRIOR_DRAFTS
from schemas.arms import Arm

_SHOWN = 20
# What only the mixer goes by.
RECENT = {"recent_drafts", "recent_novelty", "recent_tokens"}


def ranked(arms: Iterable[Arm]) -> list[Arm]:
    """By mode and factor; within these the one with the most novelty a token first.

    A few drafts say little: each arm is taken to have had some more, which were like those of its factor.
    """
    found: list[Arm] = []
    for _, group in groupby(sorted(arms, key=_factor), key=_factor):
        found.extend(_best_first(list(group)))
    return found


def _factor(arm: Arm) -> tuple[str, str]:
    return arm.mode, arm.factor


def _best_first(arms: list[Arm]) -> list[Arm]:
    tokens = max(1, sum(arm.completion_tokens for arm in arms))
    usual = sum(arm.novelty for arm in arms) / tokens
    more = PRIOR_DRAFTS * tokens / max(1, sum(arm.drafts for arm in arms))

    def worth(arm: Arm) -> float:
        return (arm.novelty + more * usual) / (arm.completion_tokens + more)

    return sorted(arms, key=lambda arm: (-worth(arm), -arm.drafts, arm.arm))


def print_steering(console: Console, arms: list[Arm]) -> None:
    """A table for each mode and factor of ranked arms; of many, the best and the worst."""
    if not arms:
        console.print("steering: no draft that was steered has ended")
    for (mode, factor), group in groupby(arms, key=_factor):
        console.print(_table(f"{mode}: {factor}", list(group)))


def _table(title: str, arms: list[Arm]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    table.add_column("choice", overflow="fold")
    for heading in ("drafts", "accepted", "tokens per accepted", "novelty"):
        table.add_column(heading, justify="right", no_wrap=True)
    half = _SHOWN // 2
    hidden = len(arms) - _SHOWN
    for place, arm in enumerate(arms):
        if hidden > 0 and place == half:
            table.add_row(f"and {hidden} more", "", "", "", "")
        if hidden > 0 and half <= place < len(arms) - half:
            continue
        novelty = "-" if arm.mean_novelty is None else figures.percent(arm.mean_novelty)
        cost = figures.per_accepted(arm.tokens_per_accepted)
        table.add_row(Text(arm.arm), f"{arm.drafts:,}", figures.percent(arm.acceptance), cost, novelty)
    return table
