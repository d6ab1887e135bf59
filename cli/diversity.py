"""How different the kept rows are, for people to read."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli import figures
from cli.failures import say
from schemas.funnel import Diversity

_FAMILIES_SHOWN = 5


def print_diversity(console: Console, diversity: Diversity) -> None:
    """The share of distinct n-grams and the largest template families; alarms go to stderr."""
    if diversity.distinct is not None:
        console.print(f"distinct-{diversity.ngram} of first user turns: {figures.percent(diversity.distinct)}")
    if diversity.families:
        console.print(_families_table(diversity))
    for alarm in diversity.alarms:
        say(f"duplicates: {alarm}")


def _families_table(diversity: Diversity) -> Table:
    table = Table(
        box=None, pad_edge=False, header_style="bold", title="largest template families", title_justify="left"
    )
    table.add_column("first user turns", overflow="fold")
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("of all", justify="right", no_wrap=True)
    for family in diversity.families[:_FAMILIES_SHOWN]:
        table.add_row(Text(family.frame), f"{family.rows:,}", figures.percent(family.share))
    return table
