"""The funnel of a build as tables for people."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from cli import figures
from schemas.funnel import GATES, Funnel


def funnel_table(funnel: Funnel) -> Table:
    """Drafts and generated tokens by the gate where drafts ended and the reason, and what the gate has saved."""
    several = len(funnel.modes) > 1
    sums: dict[tuple[str, str, str], tuple[int, int, int]] = {}
    for row in funnel.rows:
        key = (row.mode if several else "", row.gate, row.reason)
        drafts, tokens, saved = sums.get(key, (0, 0, 0))
        sums[key] = drafts + row.drafts, tokens + row.completion_tokens, saved + funnel.saved(row)
    table = _table("funnel", *(["mode"] if several else []), "gate")
    table.add_column("reason", overflow="fold")
    for heading in ("drafts", "of all", "tokens", "saved"):
        table.add_column(heading, justify="right", no_wrap=True)
    order = {gate: number for number, gate in enumerate(GATES)}
    for (mode, gate, reason), (drafts, tokens, saved) in sorted(
        sums.items(), key=lambda item: (item[0][0], order.get(item[0][1], len(GATES)), -item[1][0])
    ):
        share = figures.percent(drafts / funnel.drafts) if funnel.drafts and gate != "not_needed" else "-"
        cells = ([Text(mode)] if several else []) + [Text(gate), Text(reason)]
        table.add_row(*cells, f"{drafts:,}", share, f"{tokens:,}", f"{saved:,}" if saved else "")
    if funnel.unfinished_completion_tokens:
        blank = ["", ""] if several else [""]
        table.add_row(*blank, "still in flight at the end", "", "", f"{funnel.unfinished_completion_tokens:,}", "")
    return table


def mode_table(funnel: Funnel) -> Table:
    """What each mode yields, and what it costs."""
    table = _table("modes", "mode")
    for heading in ("drafts", "accepted", "share", "tokens per accepted", "saved"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in funnel.modes:
        cost = "-" if one.tokens_per_accepted is None else figures.per_accepted(one.tokens_per_accepted)
        share = figures.percent(one.accepted / one.drafts) if one.drafts else "-"
        table.add_row(Text(one.mode), f"{one.drafts:,}", f"{one.accepted:,}", share, cost, f"{one.saved_tokens:,}")
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    return table
