"""`iturri train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.commands.options import AsJson, Quiet


def train(
    recipe: Annotated[
        Path, typer.Argument(metavar="RECIPE", help="A training recipe; with --grid a grid of variants.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="The run's directory; else the recipe's, or runs/NAME.")
    ] = None,
    grid: Annotated[bool, typer.Option("--grid", help="Train each variant of a grid, and print their table.")] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NAME", help="With --grid: this variant; may be repeated.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="With --grid: list the variants, and stop.")] = False,
    launcher: Annotated[
        str | None,
        typer.Option(
            "--launcher",
            metavar="CMD",
            help="With --grid: what starts a run on several devices, such as 'accelerate launch'.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and encode the data, say what would be trained on, and stop.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Train a model on publications and a corpus, or go on with a run that was stopped.

    It is uploaded where publish.repo says. On several devices: `accelerate launch $(which iturri) train RECIPE`.
    """
    if not grid:
        for option, value in (("--only", only), ("--list", listed), ("--launcher", launcher)):
            if value:
                raise typer.BadParameter("it is about a grid: add --grid", param_hint=option)
        from cli import train

        if dry_run:
            return train.plan(recipe, out, as_json=as_json)
        return train.run(recipe, out, as_json=as_json, quiet=quiet)
    if dry_run:
        raise typer.BadParameter("a grid has --list; leave it out", param_hint="--dry-run")
    from cli import train_grid

    if listed:
        return train_grid.show(recipe, as_json=as_json)
    return train_grid.run(recipe, out, tuple(only or ()), launcher, as_json=as_json, quiet=quiet)
