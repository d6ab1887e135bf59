"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Backbones = Annotated[
    Path | None, typer.Option("--backbones", metavar="FILE", help="Declares backbones; else ITURRI_BACKBONES does.")
]
Build = Annotated[
    str,
    typer.Argument(
        metavar="BUILD", help="A build directory, or its name among this machine's; with --server a job's id."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, for machines.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but what fails.")]
Server = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", help="Have this server do it, with the API key of ITURRI_API_KEY."),
]


def only_here(**given: object) -> None:
    """Refuse options of this machine where a server is to do the work. Raises BadParameter that names the first."""
    for name, value in given.items():
        if value not in (None, False):
            option = f"--{name.replace('_', '-')}"
            raise typer.BadParameter("it is about this machine: leave it out with --server", param_hint=option)


def only_there(**given: object) -> None:
    """Refuse options of a server where there is none. Raises BadParameter that names the first."""
    for name, value in given.items():
        if value not in (None, False):
            option = f"--{name.replace('_', '-')}"
            raise typer.BadParameter("it is about a server: name one with --server", param_hint=option)
