"""`iturri filter` and `iturri decontaminate`: filters over a dataset that is there already."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from cli import consoles, figures
from cli.diversity import print_diversity
from cli.failures import say
from cli.filter_progress import FilterDisplay, open_filter_display
from cli.interrupts import Interrupts
from cli.machine import machine_settings
from cli.surroundings import log_to_stderr
from pipeline.filtering.files import DatasetInput
from pipeline.filtering.run import CONTAMINATION_ONLY, FilterOutcome, FilterResult, filter_dataset
from pipeline.references import FIELD
from schemas.errors import DatasetError, InputError, LanguageError, RecipeError
from schemas.filter_report import FilterReport
from schemas.filters import Filters, Reference
from schemas.problems import first_problem
from schemas.reading import read_filters
from schemas.settings import Settings
from schemas.yaml_text import parse_yaml


@dataclass(frozen=True, slots=True)
class FilterOptions:
    """The options of `iturri filter`, and without a language those of `iturri decontaminate`."""

    input: DatasetInput
    language: str | None
    out: Path | None = None
    filters: Path | None = None
    duplicates: bool = False
    against: tuple[str, ...] = ()
    json: bool = False
    quiet: bool = False

    def again(self) -> str:
        """The command that goes on from here."""
        command = ["iturri", "filter" if self.language is not None else "decontaminate", self.input.given]
        given = {
            "--language": self.language,
            "--out": self.out,
            "--filters": self.filters,
            "--config": self.input.config,
            "--split": self.input.split,
            "--revision": self.input.revision,
            "--column": self.input.column,
            "--limit": self.input.limit,
        }
        for name, value in given.items():
            if value is not None:
                command += [name, str(value)]
        for one in self.against:
            command += ["--against", one]
        return shlex.join([*command, "--duplicates"] if self.duplicates else command)


def run(options: FilterOptions) -> int:
    """Filter, and say what was dropped. The exit code: 130 or 143 after a signal that left something to do, else 0."""
    settings = machine_settings()
    filters = _filters(options)
    display = open_filter_display(options.quiet, options.input.given)
    # Nothing but the result may get to stdout, whatever a library prints.
    with contextlib.redirect_stdout(sys.stderr), display:
        log_to_stderr(settings, display.log_handler())
        result, code = asyncio.run(_filtered(options, filters, settings, display))
    if options.json:
        sys.stdout.write(result.report.model_dump_json() + "\n")
    elif not (options.quiet and options.out is not None):
        _print_report(options, result)
    if result.outcome is FilterOutcome.NOTHING_TO_DO and not options.quiet:
        say(f"{options.out} is complete already; nothing was done")
    if result.outcome is not FilterOutcome.STOPPED or code is None:
        return 0
    end = "goes on from here" if options.out is not None else "starts anew; with --out DIR it would go on from here"
    say(f"stopped; `{options.again()}` {end}")
    return code


def _filters(options: FilterOptions) -> Filters:
    """The recipe's own defaults, or those of the file; duplicates only where the command line asks for them.

    Without a language nothing but benchmarks is asked after.
    """
    if options.language is None:
        benchmarks = [one.model_copy(update={"kind": "benchmark"}) for one in _references(options)]
        return _with_duplicates(CONTAMINATION_ONLY, against=tuple(benchmarks))
    try:
        filters = read_filters(options.filters) if options.filters is not None else Filters()
    except RecipeError as error:
        raise InputError(f"--filters: {error}") from error
    if filters.dry:
        raise InputError(f"--filters: {options.filters}: dry: nothing would be dropped; leave it out")
    against = (*filters.duplicates.against, *_references(options))
    return _with_duplicates(filters, enabled=options.duplicates, against=against)


def _with_duplicates(filters: Filters, **changes: Any) -> Filters:
    return filters.model_copy(update={"duplicates": filters.duplicates.model_copy(update=changes)})


def _references(options: FilterOptions) -> list[Reference]:
    """What --against names: a dataset, or a mapping as in a recipe. Raises InputError."""
    references: list[Reference] = []
    for text in options.against:
        try:
            given = parse_yaml(text, "--against") if text.lstrip().startswith("{") else {"dataset": text}
            references.append(Reference.model_validate(given))
        except yaml.YAMLError as error:
            raise InputError(f"--against: {text} is no mapping: {' '.join(str(error).split())}") from error
        except ValidationError as error:
            raise InputError(f"--against: {': '.join(filter(None, first_problem(error)))}") from error
    return references


async def _filtered(
    options: FilterOptions, filters: Filters, settings: Settings, display: FilterDisplay
) -> tuple[FilterResult, int | None]:
    """The result, and the exit code of a signal. The run has a thread of its own, so that signals get through."""
    with Interrupts(partial(display.note, "stopping; once more ends it at once")) as interrupts:
        try:
            result = await asyncio.to_thread(
                filter_dataset,
                options.input,
                language=options.language,
                filters=filters,
                settings=settings,
                out=options.out,
                stop=interrupts.stop.is_set,
                on_progress=display.update,
            )
        except LanguageError as error:
            raise InputError(f"--language: {error}") from error
        except (InputError, DatasetError) as error:
            raise type(error)(_of_option(str(error), len(filters.duplicates.against) - len(options.against))) from error
        return result, interrupts.exit_code


def _of_option(text: str, of_file: int) -> str:
    """A message that names a dataset by its field names it by the option that gave it; the first few the file gave."""
    field = re.match(rf"{re.escape(FIELD)}\.(\d+)(?:: |\.)", text)
    return f"--against: {text[field.end() :]}" if field and int(field[1]) >= of_file else text


def _print_report(options: FilterOptions, result: FilterResult) -> None:
    report, console = result.report, consoles.out()
    console.print(_headline(options, report), markup=False, soft_wrap=True)
    console.print(_reasons_table(report))
    if report.diversity is not None:
        print_diversity(console, report.diversity)
    if report.benchmarks:
        console.print(_benchmarks_table(report))


def _headline(options: FilterOptions, report: FilterReport) -> str:
    where = "" if options.out is None else f" in {options.out}"
    return (
        f"{options.input.given}, {'complete' if report.complete else 'not complete'}: "
        f"{report.kept:,} of {report.rows:,} rows kept{where} ({figures.percent(report.kept_share)}); "
        f"{figures.duration(report.seconds)}, {report.rows_per_second:,.0f} rows/s"
    )


def _benchmarks_table(report: FilterReport) -> Table:
    """How many items of each benchmark were found in the rows that were dropped for it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("benchmark", overflow="fold")
    for heading in ("items", "found", "of all", "words"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in report.benchmarks:
        table.add_row(Text(one.name), f"{one.items:,}", f"{one.found:,}", figures.percent(one.share), f"{one.ngram}")
    return table


def _reasons_table(report: FilterReport) -> Table:
    """Rows by reason, with the first one's evidence."""
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    table.add_column("reason", no_wrap=True)
    for heading in ("rows", "of all"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("for example", no_wrap=True, overflow="ellipsis", ratio=1)
    for one in report.reasons:
        example = one.samples[0]
        shown = f"row {example.row:,}: {' '.join(example.evidence.split())}"
        table.add_row(Text(one.reason), f"{one.rows:,}", figures.percent(one.share), Text(shown))
    table.add_row("kept", f"{report.kept:,}", figures.percent(report.kept_share), "")
    return table
