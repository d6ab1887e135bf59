"""`iturri build`, `show` and `publish`, on this machine or on a server; `iturri export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.commands.options import AsJson, Backbones, Build, Quiet, Server, only_here, only_there
from schemas.training_format import TrainingFormat


def build(
    recipe: Annotated[list[Path], typer.Argument(metavar="RECIPE...", help="Recipes, built one after another.")],
    backbones: Backbones = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="The build directory; with one recipe only.")
    ] = None,
    target: Annotated[
        int | None, typer.Option("--target", metavar="N", min=1, help="Accepted conversations, for the recipe's own.")
    ] = None,
    server: Server = None,
    priority: Annotated[
        int | None,
        typer.Option("--priority", min=-100, max=100, help="With --server: higher ones first, among your jobs."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Build the datasets of recipes, or go on with builds that were stopped."""
    if server is not None:
        only_here(backbones=backbones, out=out)
        from cli import remote_build

        return remote_build.run(
            remote_build.RemoteBuildOptions(server, tuple(recipe), target, priority or 0, as_json, quiet)
        )
    only_there(priority=priority)
    if out is not None and len(recipe) > 1:
        raise typer.BadParameter("one build directory cannot hold several recipes", param_hint="--out")
    from cli import build

    return build.run(build.BuildOptions(tuple(recipe), backbones, out, target, as_json, quiet))


def show(
    build: Build,
    dropped: Annotated[
        bool, typer.Option("--dropped", help="Show dropped drafts, not accepted conversations.")
    ] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="R", help="Drafts dropped for this reason only.")
    ] = None,
    number: Annotated[int, typer.Option("-n", "--number", min=0, max=1_000_000, help="How many of them.")] = 3,
    steering: Annotated[
        bool, typer.Option("--steering", help="What became of the drafts that used each choice of the steering.")
    ] = False,
    server: Server = None,
    as_json: AsJson = False,
) -> int:
    """Show a build: its funnel, its shards, and what was kept or dropped. Also while it runs."""
    dropped = dropped or reason is not None
    if server is not None:
        only_here(steering=steering)
        from cli import remote_show

        return remote_show.run(server, build, dropped=dropped, reason=reason, number=number, as_json=as_json)
    from cli import show

    return show.run(build, dropped=dropped, reason=reason, number=number, steering=steering, as_json=as_json)


def publish(
    build: Build,
    to: Annotated[
        str | None, typer.Option("--to", metavar="PLACE", help="A folder, or an address such as s3://bucket/dataset.")
    ] = None,
    repo: Annotated[
        str | None, typer.Option("--repo", metavar="NAMESPACE/NAME", help="A dataset on the Hub; else publish.repo.")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Make the dataset on the Hub private.")] = False,
    tag: Annotated[
        str | None, typer.Option("--tag", metavar="NAME", help="Name what is published a release, such as v1.0.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="List what is published, there already or not, and stop."),
    ] = False,
    server: Server = None,
    as_json: AsJson = False,
) -> int:
    """Publish a build to the Hugging Face Hub, with the token of HF_TOKEN or `hf auth login`, a folder, or a bucket.

    With --server, with the server's token; without a repository, to its own folder of publications.
    """
    if server is not None:
        only_here(to=to, dry_run=dry_run)
        from cli import remote_publish

        return remote_publish.run(server, build, repo=repo, private=private, tag=tag, as_json=as_json)
    if to is not None and (repo is not None or private):
        raise typer.BadParameter("only the Hub has repositories: leave --repo and --private out", param_hint="--to")
    if to is not None and tag is not None:
        raise typer.BadParameter("only the Hub has tags: leave it out, or --to", param_hint="--tag")
    from cli import publish

    return publish.run(build, to=to, repo=repo, private=private, tag=tag, dry_run=dry_run, as_json=as_json)


def export(
    build: Build,
    layout: Annotated[TrainingFormat, typer.Option("--for", help="The trainer, or the layout, that the rows are for.")],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="Where to; else exports/NAME-FORMAT.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="MODEL", help="What is trained, a folder or NAMESPACE/NAME; else the build's backbone."
        ),
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Option(
            "--corpus",
            metavar="CORPUS",
            help="For axolotl: documents to learn beside, .jsonl or .parquet with a field text, or NAMESPACE/NAME.",
        ),
    ] = None,
    gpus: Annotated[
        int | None,
        typer.Option("--gpus", metavar="N", min=1, max=100_000, help="How many it is trained on; else 8."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Write the rows of a build as a trainer reads them: JSON lines, and the configuration that trains on them.

    The configuration, for axolotl, trl and llamafactory, has the settings of Sainz et al. (EMNLP 2025).
    """
    from cli import export

    return export.run(build, layout, to, model=model, corpus=corpus, gpus=gpus, as_json=as_json)
