"""`iturri filter` and `decontaminate`: datasets that are there already."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.commands.options import AsJson

Dataset = Annotated[
    str,
    typer.Argument(
        metavar="INPUT",
        help="A Parquet or JSONL file, a glob of them (in quotes), a folder, or NAMESPACE/NAME on the Hub.",
    ),
]
FilterOut = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Write what is kept, what is dropped, and the report.")
]
Config = Annotated[str | None, typer.Option("--config", metavar="NAME", help="Of a folder or the Hub.")]
Split = Annotated[str | None, typer.Option("--split", metavar="NAME", help="Of a folder or the Hub; else train.")]
Revision = Annotated[
    str | None, typer.Option("--revision", metavar="R", help="Of the Hub: a branch, a tag or a commit.")
]
Column = Annotated[
    str | None, typer.Option("--column", metavar="NAME", help="Holds the rows; else messages or conversations.")
]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="Read so many rows only.")]
FilterQuiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress, and with --out no report either.")]


def filter(
    given: Dataset,
    language: Annotated[str, typer.Option("--language", metavar="CODE", help="What the rows are meant to be in.")],
    out: FilterOut = None,
    filters: Annotated[
        Path | None,
        typer.Option("--filters", metavar="FILE", help="A recipe, or its filters alone; else their defaults."),
    ] = None,
    duplicates: Annotated[
        bool, typer.Option("--duplicates", help="Drop repeats too. Memory then grows with the rows that are kept.")
    ] = False,
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="DATASET",
            help="Drop what repeats an earlier dataset, or quotes a benchmark. May be given several times.",
        ),
    ] = None,
    config: Config = None,
    split: Split = None,
    revision: Revision = None,
    column: Column = None,
    limit: Limit = None,
    as_json: AsJson = False,
    quiet: FilterQuiet = False,
) -> int:
    """Run the filters over a dataset that is there already, or go on with a run that was stopped."""
    from cli import filter
    from pipeline.filtering.files import DatasetInput

    asked = DatasetInput(given, config, split, revision, column, limit)
    options = filter.FilterOptions(asked, language, out, filters, duplicates, tuple(against or ()), as_json, quiet)
    return filter.run(options)


def decontaminate(
    given: Dataset,
    against: Annotated[
        list[str],
        typer.Option(
            "--against",
            metavar="BENCHMARK",
            help="A file, a folder, NAMESPACE/NAME on the Hub, or '{dataset: ..., config: ..., columns: [...]}' as in "
            "a recipe. May be given several times.",
        ),
    ],
    out: FilterOut = None,
    config: Config = None,
    split: Split = None,
    revision: Revision = None,
    column: Column = None,
    limit: Limit = None,
    as_json: AsJson = False,
    quiet: FilterQuiet = False,
) -> int:
    """Drop the rows of a dataset that quote a benchmark, and say which of its items were found."""
    from cli import filter
    from pipeline.filtering.files import DatasetInput

    asked = DatasetInput(given, config, split, revision, column, limit)
    return filter.run(filter.FilterOptions(asked, None, out, None, False, tuple(against), as_json, quiet))
