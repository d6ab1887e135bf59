"""`iturri build --server`: recipes become jobs of a server, which are watched one after another."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from cli import consoles
from cli.failures import failure, say, show_trace
from cli.outcomes import RecipeOutcome, RecipeResult, exit_code, outcome_table
from cli.progress import Display, open_display
from cli.remote import INTERRUPTED, asking, left_running, seconds_of, unsuccessful, watch
from schemas.errors import IturriError
from schemas.job import Job, JobState
from schemas.reading import read_recipe
from schemas.recipe import Recipe
from service.client.client import Client

_OUTCOMES = {
    JobState.SUCCEEDED: RecipeOutcome.COMPLETE,
    JobState.CANCELLED: RecipeOutcome.CANCELLED,
    JobState.FAILED: RecipeOutcome.FAILED,
}


@dataclass(frozen=True, slots=True)
class RemoteBuildOptions:
    """The options of `iturri build --server`."""

    server: str
    recipes: tuple[Path, ...]
    target: int | None = None
    priority: int = 0
    json: bool = False
    quiet: bool = False


def run(options: RemoteBuildOptions) -> int:
    """Submit the recipes, watch their jobs to the end, and say how it went. The exit code.

    It is 130 or 143 after a signal that left jobs running, else that of `exit_code`.
    """
    display = open_display(options.quiet)
    with display, asking(options.server, display.log_handler()) as client:
        builds = _Builds(options, client, display)
        code = builds.run()
        goodbye = left_running(client, builds.running) if builds.running else "stopped"
    if options.json:
        document = {"results": [result.as_json() for result in builds.results]}
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    elif not options.quiet:
        consoles.out().print(outcome_table(builds.results), markup=False)
    if code is not None:
        say(goodbye)
        return code
    return exit_code(builds.results)


class _Builds:
    """The recipes of one command."""

    def __init__(self, options: RemoteBuildOptions, client: Client, display: Display) -> None:
        self._options = options
        self._client = client
        self._display = display
        self.results = [RecipeResult(path, RecipeOutcome.NOT_STARTED) for path in options.recipes]

    @property
    def running(self) -> list[str]:
        """Ids of the jobs that have not ended as far as we know."""
        return [str(result.job) for result in self.results if result.outcome is RecipeOutcome.RUNNING]

    def run(self) -> int | None:
        """Submit all, then watch each; the exit code of a signal that cut this short."""
        try:
            # All of them first: a server may run several at once, and whoever leaves has left them in its queue.
            jobs = [(number, self._submitted(number, path)) for number, path in enumerate(self._options.recipes)]
            for number, job in jobs:
                if job is not None:
                    self._watch(number, job)
        except KeyboardInterrupt:
            return INTERRUPTED
        except SystemExit as signal:
            return int(signal.code or 0)
        return None

    def _submitted(self, number: int, path: Path) -> Job | None:
        try:
            job = self._client.submit(self._recipe(path), priority=self._options.priority)
        except IturriError as error:
            self._failed(number, error)
            return None
        self.results[number] = replace(
            self.results[number], outcome=RecipeOutcome.RUNNING, name=(job.recipe or {}).get("name"), job=job.id
        )
        return job

    def _recipe(self, path: Path) -> Recipe:
        recipe = read_recipe(path)
        if self._options.target is None:
            return recipe
        target = recipe.target.model_copy(update={"conversations": self._options.target})
        return recipe.model_copy(update={"target": target})

    def _watch(self, number: int, job: Job) -> None:
        try:
            job = watch(self._client, job, self._display)
        except IturriError as error:
            self._failed(number, error)
            return
        self.results[number] = replace(
            self.results[number], outcome=_OUTCOMES[job.state], funnel=job.funnel, seconds=seconds_of(job)
        )
        if (problem := unsuccessful(self._client, job)) is not None:
            self._failed(number, problem, _OUTCOMES[job.state])

    def _failed(self, number: int, error: IturriError, outcome: RecipeOutcome = RecipeOutcome.FAILED) -> None:
        found, path = failure(error), str(self.results[number].recipe)
        show_trace(error)
        found = replace(found, message=found.message if found.message.startswith(path) else f"{path}: {found.message}")
        say(found.message) if self._options.quiet else self._display.note(f"iturri: {found.message}")
        self.results[number] = replace(self.results[number], outcome=outcome, failure=found)
