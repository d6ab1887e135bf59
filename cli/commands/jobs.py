"""`iturri jobs`: the jobs of a server are listed, watched, steered, fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.commands.options import AsJson, Quiet

jobs = typer.Typer(name="jobs", help="List, watch, steer and fetch the jobs of a server.", no_args_is_help=True)

Server = Annotated[
    str,
    typer.Option(
        "--server",
        metavar="URL",
        envvar="ITURRI_SERVER_URL",
        help="The server, asked with the API key of ITURRI_API_KEY.",
        show_envvar=True,
    ),
]
Job = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]
Jobs = Annotated[list[str], typer.Argument(metavar="JOB...", help="Ids of jobs.")]
State = Literal["queued", "running", "pausing", "paused", "cancelling", "cancelled", "succeeded", "failed"]


@jobs.command("list")
def _list(
    server: Server,
    state: Annotated[State | None, typer.Option("--state", help="Those in this state only.")] = None,
    kind: Annotated[
        Literal["build", "publication"] | None, typer.Option("--kind", help="Those of this kind only.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Builds of recipes of this name.")] = None,
    language: Annotated[
        str | None, typer.Option("--language", metavar="CODE", help="Builds in this language only.")
    ] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Those submitted with this API key only.")] = False,
    number: Annotated[int, typer.Option("-n", "--number", min=1, max=1_000_000, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> int:
    """List jobs, newest first."""
    from cli import remote_jobs

    wanted = remote_jobs.Wanted(state, kind, name, language, mine, number)
    return remote_jobs.show_all(server, wanted, as_json=as_json)


@jobs.command("watch")
def _watch(job: Job, server: Server, as_json: AsJson = False, quiet: Quiet = False) -> int:
    """Show how a job gets on until it ends. Ctrl-C ends the watching only."""
    from cli import remote_jobs

    return remote_jobs.watch(server, job, as_json=as_json, quiet=quiet)


def _deed(name: str, what: str) -> None:
    """A command that asks the same of several jobs."""

    def command(job: Jobs, server: Server, as_json: AsJson = False) -> int:
        from cli import remote_jobs

        return remote_jobs.act(server, name, job, as_json=as_json)

    jobs.command(name, help=what)(command)


_deed("cancel", "Have jobs stop for good; what is there stays, and can be published.")
_deed("pause", "Have jobs stop for now.")
_deed("resume", "Have paused jobs go on.")
_deed("retry", "Have failed or cancelled jobs go on from where they ended.")


@jobs.command("priority")
def _priority(
    job: Jobs,
    server: Server,
    to: Annotated[int, typer.Option("--to", metavar="N", min=-100, max=100, help="Higher ones go first.")],
    as_json: AsJson = False,
) -> int:
    """Have jobs go before or after the other ones of their key."""
    from cli import remote_jobs

    return remote_jobs.act(server, "priority", job, as_json=as_json, priority=to)


@jobs.command("delete")
def _delete(
    job: Jobs,
    server: Server,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    as_json: AsJson = False,
) -> int:
    """Remove jobs that have ended or are paused, with all that they have made. Publications stay."""
    from cli import remote_jobs

    return remote_jobs.delete(server, job, sure=yes, as_json=as_json)


@jobs.command("download")
def _download(
    job: Job,
    server: Server,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where to; else a folder JOB here.")] = None,
    as_json: AsJson = False,
) -> int:
    """Fetch the shards of a build, checked by their sha256. The same command goes on with what was cut off."""
    from cli import remote_jobs

    return remote_jobs.download(server, job, out or Path(job), as_json=as_json)
