"""`iturri serve` and `doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.commands.options import AsJson, Backbones


def serve(
    host: Annotated[str, typer.Option(help="Other than loopback only when there is an API key.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    backbones: Backbones = None,
) -> int:
    """Serve the job API until Ctrl-C or SIGTERM; jobs that are cut short go on at the next start."""
    from cli import serve

    return serve.run(host, port, backbones)


def doctor(
    backbones: Backbones = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port that `iturri serve` will use.")] = 8000,
    as_json: AsJson = False,
) -> int:
    """Say what works on this machine, and what to do about the rest."""
    from cli import doctor

    return doctor.run(backbones, port, as_json)
