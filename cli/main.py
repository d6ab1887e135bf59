"""The `iturri` command. What a command does lies in the module of its name, imported when it is asked for."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from typer.main import get_command

from cli import key_commands
from cli.failures import run
from cli.surroundings import mend_streams, quieten

app = typer.Typer(
    name="iturri",
    help="Sample, judge and publish instruction datasets for languages that have none.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
recipes = typer.Typer(name="recipe", help="Check recipes, and describe their fields.", no_args_is_help=True)
app.add_typer(recipes)
languages = typer.Typer(name="language", help="Make language packs, check them, list them.", no_args_is_help=True)
app.add_typer(languages)
app.add_typer(key_commands.app)

Backbones = Annotated[
    Path | None, typer.Option("--backbones", metavar="FILE", help="Declares backbones; else ITURRI_BACKBONES does.")
]
Build = Annotated[str, typer.Argument(metavar="BUILD", help="A build directory, or its name among this machine's.")]
Code = Annotated[str, typer.Argument(metavar="CODE", help="Such as ast, for Asturian.")]
Corpus = Annotated[
    list[Path] | None,
    typer.Option(
        "--corpus", metavar="FILE...", help="Plain text of the language, UTF-8, a sentence or paragraph a line."
    ),
]
# What a shell makes of `--corpus texts/*.txt`: all files but the first look like arguments.
More = Annotated[list[Path] | None, typer.Argument(metavar="FILE", hidden=True)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, for machines.")]
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


@app.command("build")
def _build(
    recipe: Annotated[list[Path], typer.Argument(metavar="RECIPE...", help="Recipes, built one after another.")],
    backbones: Backbones = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="The build directory; with one recipe only.")
    ] = None,
    target: Annotated[
        int | None, typer.Option("--target", metavar="N", min=1, help="Accepted conversations, for the recipe's own.")
    ] = None,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but what fails.")] = False,
) -> int:
    """Build the datasets of recipes, or go on with builds that were stopped."""
    if out is not None and len(recipe) > 1:
        raise typer.BadParameter("one build directory cannot hold several recipes", param_hint="--out")
    from cli import build

    return build.run(build.BuildOptions(tuple(recipe), backbones, out, target, as_json, quiet))


@app.command("filter")
def _filter(
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


@app.command("decontaminate")
def _decontaminate(
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


@app.command("show")
def _show(
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
    as_json: AsJson = False,
) -> int:
    """Show a build: its funnel, its shards, and what was kept or dropped. Also while it runs."""
    from cli import show

    return show.run(
        build, dropped=dropped or reason is not None, reason=reason, number=number, steering=steering, as_json=as_json
    )


@app.command("publish")
def _publish(
    build: Build,
    to: Annotated[Path | None, typer.Option("--to", metavar="FOLDER", help="A folder, in the Hub's layout.")] = None,
    repo: Annotated[
        str | None, typer.Option("--repo", metavar="NAMESPACE/NAME", help="A dataset on the Hub; else publish.repo.")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Make the dataset on the Hub private.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the files that would go, and stop.")] = False,
    as_json: AsJson = False,
) -> int:
    """Publish a build to the Hugging Face Hub, with the token of HF_TOKEN or `hf auth login`, or to a folder."""
    if to is not None and (repo is not None or private):
        raise typer.BadParameter("a folder is no repository: leave --repo and --private out", param_hint="--to")
    from cli import publish

    return publish.run(build, to=to, repo=repo, private=private, dry_run=dry_run, as_json=as_json)


@app.command("serve")
def _serve(
    host: Annotated[str, typer.Option(help="Other than loopback only with ITURRI_API_KEY.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    backbones: Backbones = None,
) -> int:
    """Serve the job API until Ctrl-C or SIGTERM; jobs that are cut short go on at the next start."""
    from cli import serve

    return serve.run(host, port, backbones)


@app.command("doctor")
def _doctor(
    backbones: Backbones = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port that `iturri serve` will use.")] = 8000,
    as_json: AsJson = False,
) -> int:
    """Say what works on this machine, and what to do about the rest."""
    from cli import doctor

    return doctor.run(backbones, port, as_json)


@recipes.command("check")
def _check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...")],
    backbones: Backbones = None,
) -> int:
    """Check recipes: their fields, the language pack, and the backbone's name where backbones are declared."""
    from cli import recipe

    return recipe.check(files, backbones)


@recipes.command("schema")
def _schema() -> int:
    """Print the JSON Schema of recipes."""
    from cli import recipe

    return recipe.schema()


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


if __name__ == "__main__":
    main()
