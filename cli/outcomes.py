"""What became of the recipes of one `iturri build`: the table, and the JSON, at its end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from rich.table import Table

from cli import figures
from cli.failures import Failure
from cli.published import sentence
from publishers.result import PublicationResult
from schemas.funnel import Funnel


class RecipeOutcome(StrEnum):
    """How it went with one recipe; one that a server builds may go on running there, or have been cancelled."""

    COMPLETE = "complete"
    STOPPED = "stopped"
    FAILED = "failed"
    NOT_STARTED = "not started"
    RUNNING = "running"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class RecipeResult:
    """One recipe's end. `funnel` counts all runs of the build so far; `seconds` are this run's; `published` is what
    the run's last push has put there. A build that is complete may have a failure: it was not published.

    What is built here lies in a directory, what a server builds is a job of it.
    """

    recipe: Path
    outcome: RecipeOutcome
    name: str | None = None
    directory: Path | None = None
    job: str | None = None
    funnel: Funnel | None = None
    seconds: float = 0.0
    failure: Failure | None = None
    published: PublicationResult | None = None

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "recipe": str(self.recipe),
            "name": self.name,
            "outcome": self.outcome.value,
            "directory": None if self.directory is None else str(self.directory),
            "job": self.job,
            "seconds": round(self.seconds, 3),
            "error": None
            if self.failure is None
            else {
                "kind": self.failure.kind,
                "message": self.failure.message,
                "exit_code": self.failure.exit_code,
            },
            "published": None if self.published is None else self.published.model_dump(mode="json"),
            "funnel": None if self.funnel is None else self.funnel.model_dump(mode="json"),
        }


def publication_lines(results: list[RecipeResult]) -> list[str]:
    """What was published of them, a line each."""
    return [f"{one.name}: published to {sentence(one.published)}" for one in results if one.published is not None]


def exit_code(results: list[RecipeResult]) -> int:
    """0 when nothing failed, 2 when only bad input did, else 1."""
    codes = {result.failure.exit_code for result in results if result.failure}
    if not codes:
        return 0
    return 2 if codes == {2} else 1


def outcome_table(results: list[RecipeResult]) -> Table:
    """One row per recipe."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("recipe", overflow="fold")
    for heading in ("accepted", "acceptance", "tokens per accepted", "time"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("build", overflow="fold")
    for result in results:
        funnel = result.funnel
        table.add_row(
            str(result.recipe),
            "-" if funnel is None else f"{funnel.accepted:,}/{funnel.target:,}",
            "-" if funnel is None else figures.percent(funnel.acceptance),
            "-" if funnel is None else figures.per_accepted(funnel.tokens_per_accepted),
            figures.duration(result.seconds),
            result.outcome.value,
            result.job or ("-" if result.directory is None else str(result.directory)),
        )
    return table
