"""The `iturri` command. What a command takes is said in cli/commands/, what it does in the module of its name."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from typer.main import get_command

from cli.commands import builds, datasets, machines, training
from cli.commands.jobs import jobs
from cli.commands.keys import keys
from cli.commands.languages import languages
from cli.commands.recipes import recipes
from cli.failures import run
from cli.surroundings import mend_streams, quieten

app = typer.Typer(
    name="iturri",
    help="Sample, judge and publish instruction datasets for languages that have none.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for group in (recipes, languages, jobs, keys):
    app.add_typer(group)
# In the order in which the help lists them.
for command in (
    builds.build,
    datasets.filter,
    datasets.decontaminate,
    builds.show,
    builds.publish,
    builds.export,
    training.train,
    machines.serve,
    machines.doctor,
):
    app.command(command.__name__)(command)


def main() -> None:
    """The entry point of the `iturri` command; ends the process."""
    mend_streams()
    quieten()
    sys.exit(run(lambda: get_command(app).main(prog_name="iturri", standalone_mode=False) or 0))


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"iturri {version('iturri')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version and leave.")
    ] = False,
) -> None:
    """Sample, judge and publish instruction datasets for languages that have none."""


if __name__ == "__main__":
    main()
