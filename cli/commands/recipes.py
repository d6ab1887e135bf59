"""`iturri recipe`: recipes are checked, and described."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.commands.options import AsJson, Backbones, Server, only_here

recipes = typer.Typer(name="recipe", help="Check recipes, and describe their fields.", no_args_is_help=True)


@recipes.command("check")
def _check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...")],
    backbones: Backbones = None,
    server: Server = None,
    as_json: AsJson = False,
) -> int:
    """Check recipes: their fields, the language pack, and the backbone's name where backbones are declared.

    Of training recipes and training grids the fields alone are checked.

    With --server that server does it: it makes five drafts of each, and says what tokens and time the target will take.
    """
    if server is not None:
        only_here(backbones=backbones)
        from cli import remote_check

        return remote_check.run(server, files, as_json=as_json)
    from cli import recipe

    return recipe.check(files, backbones, as_json=as_json)


@recipes.command("schema")
def _schema(
    kind: Annotated[
        Literal["build", "training", "grid"],
        typer.Argument(metavar="KIND", help="Of builds, of trainings, or of grids of trainings."),
    ] = "build",
) -> int:
    """Print the JSON Schema of recipes."""
    from cli import recipe

    return recipe.schema(kind)
