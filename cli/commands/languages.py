"""`iturri language`: packs are made, checked, listed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.commands.options import AsJson

languages = typer.Typer(name="language", help="Make language packs, check them, list them.", no_args_is_help=True)

Code = Annotated[str, typer.Argument(metavar="CODE", help="Such as ast, for Asturian.")]
Corpus = Annotated[
    list[Path] | None,
    typer.Option(
        "--corpus", metavar="FILE...", help="Plain text of the language, UTF-8, a sentence or paragraph a line."
    ),
]
# What a shell makes of `--corpus texts/*.txt`: all files but the first look like arguments.
More = Annotated[list[Path] | None, typer.Argument(metavar="FILE", hidden=True)]


@languages.command("new")
def _new(
    code: Code,
    more: More = None,
    name: Annotated[str | None, typer.Option("--name", help="The language's name in English.")] = None,
    native_name: Annotated[
        str | None, typer.Option("--native-name", metavar="NAME", help="Its name in the language itself.")
    ] = None,
    corpus: Corpus = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="The folder of packs; else ITURRI_LANGUAGES.")
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Renew the profile and words of a pack, and leave pack.yaml alone.")
    ] = False,
) -> int:
    """Make a language pack from a corpus: DIR/CODE, for a speaker to complete."""
    if update and (name is not None or native_name is not None):
        raise typer.BadParameter("the names are those of pack.yaml: leave this out with --update", param_hint="--name")
    from cli import language

    return language.new(language.NewPack(code, name, native_name, (*(corpus or ()), *(more or ())), out, update))


@languages.command("check")
def _check_language(
    code: Code,
    more: More = None,
    corpus: Corpus = None,
    against: Annotated[
        list[str] | None,
        typer.Option("--against", metavar="OTHER=FILE", help="Plain text of a neighbour, such as es=spanish.txt."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Say what a language pack lacks, and measure how well its language is told. 1 when something is missing."""
    from cli import language_check

    return language_check.check(code, (*(corpus or ()), *(more or ())), against or (), as_json)


@languages.command("list")
def _list() -> int:
    """List the language packs: those that come with Iturri, and those in the folder that ITURRI_LANGUAGES names."""
    from cli import language

    return language.show_all()
