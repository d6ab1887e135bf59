"""`iturri keys`: API keys of the service are made, listed, revoked."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.commands.options import AsJson

keys = typer.Typer(name="keys", help="Make API keys of the service, list them, revoke them.", no_args_is_help=True)

_MOST = (1 << 53) - 1
KeyName = Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits, dots, dashes, underscores.")]


@keys.command("create")
def _create(
    name: KeyName,
    scopes: Annotated[
        str,
        typer.Option("--scopes", metavar="S,...", help="Of submit, read, publish, review, admin; admin includes all."),
    ],
    namespaces: Annotated[
        str,
        typer.Option("--namespaces", metavar="N,...", help="Of the Hub that it may publish to; '*' is any; else none."),
    ] = "",
    unfinished_jobs: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=_MOST, help="At a time, queued and paused ones too.")
    ] = None,
    conversations_a_day: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=_MOST, help="Accepted ones; days are of UTC.")
    ] = None,
    tokens_a_day: Annotated[int | None, typer.Option(metavar="N", min=1, max=_MOST, help="Generated ones.")] = None,
    requests_a_minute: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=_MOST, help="Of each server.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="90d|DATE", help="In so many days, or at the end of that day.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Make a key, and show it this once: nobody can look it up later. Servers know it at once."""
    from cli import keys
    from schemas.keys import Limits

    limits = Limits(
        unfinished_jobs=unfinished_jobs,
        conversations_a_day=conversations_a_day,
        tokens_a_day=tokens_a_day,
        requests_a_minute=requests_a_minute,
    )
    return keys.create(name, scopes, namespaces, limits, expires, as_json=as_json)


@keys.command("list")
def _list(as_json: AsJson = False) -> int:
    """List all keys that were ever made, without their secrets."""
    from cli import keys

    return keys.show_all(as_json=as_json)


@keys.command("revoke")
def _revoke(name: KeyName, as_json: AsJson = False) -> int:
    """Have every server refuse a key from now on. Jobs that were submitted with it go on."""
    from cli import keys

    return keys.revoke(name, as_json=as_json)
