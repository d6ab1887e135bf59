"""`iturri build`: one recipe after another, several on one backbone where they name the same."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shlex
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cli import consoles, figures
from cli.failures import Failure, failure, say, show_trace
from cli.interrupts import Interrupts
from cli.machine import machine_settings, resolved_backbone
from cli.outcomes import RecipeOutcome, RecipeResult, exit_code, outcome_table, publication_lines
from cli.progress import Display, Standing, open_display
from cli.pushes import Pushes, check_token, publish_command
from cli.surroundings import log_to_stderr
from generators.backbone import Backbone
from generators.opening import open_backbone
from pipeline.build import BuildResult, Outcome, Progress, build, check_directory
from pipeline.directory import build_directory
from pipeline.reader import BuildReader
from publishers.licences import recipe_terms
from schemas.backbones import BackboneSpec
from schemas.errors import BackboneError, BuildDirectoryError, BuildError, InputError, IturriError, LedgerError
from schemas.funnel import Funnel
from schemas.reading import read_recipe
from schemas.recipe import Recipe
from schemas.settings import Settings


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """The options of `iturri build`."""

    recipes: tuple[Path, ...]
    backbones: Path | None = None
    out: Path | None = None
    target: int | None = None
    json: bool = False
    quiet: bool = False

    def again(self) -> str:
        """The command that goes on from here."""
        command = ["iturri", "build", *map(str, self.recipes)]
        for name, value in (("--backbones", self.backbones), ("--out", self.out), ("--target", self.target)):
            if value is not None:
                command += [name, str(value)]
        return shlex.join(command)


@dataclass(frozen=True, slots=True)
class Order:
    """A recipe that is ready to be built."""

    number: int
    path: Path
    recipe: Recipe
    directory: Path
    backbone: BackboneSpec

    @property
    def backbone_name(self) -> str:
        """What messages call the backbone: its declared name, or its model's."""
        if isinstance(self.recipe.backbone, str):
            return self.recipe.backbone
        return self.backbone.kind if self.backbone.kind == "scripted" else self.backbone.model


def run(options: BuildOptions) -> int:
    """Build the recipes and say how it went. The exit code: 130 or 143 after a signal, else that of `exit_code`."""
    settings = machine_settings(options.backbones)
    display = open_display(options.quiet)
    # Nothing but the result may get to stdout, whatever a library prints.
    with contextlib.redirect_stdout(sys.stderr), display:
        log_to_stderr(settings, display.log_handler())
        builds = _Builds(options, settings, display)
        results, code = asyncio.run(builds.run())
    if options.json:
        sys.stdout.write(json.dumps({"results": [result.as_json() for result in results]}, ensure_ascii=False) + "\n")
    elif not options.quiet:
        consoles.out().print(outcome_table(results), markup=False)
        for line in publication_lines(results):
            consoles.out().print(line, markup=False, soft_wrap=True)
    if code is not None:
        say(f"stopped; `{options.again()}` goes on from here{builds.to_publish()}")
        return code
    return exit_code(results)


class _Builds:
    """The recipes of one command."""

    def __init__(self, options: BuildOptions, settings: Settings, display: Display) -> None:
        self._options = options
        self._settings = settings
        self._display = display
        self._results = [RecipeResult(path, RecipeOutcome.NOT_STARTED) for path in options.recipes]
        self._unpublished: list[Path] = []

    async def run(self) -> tuple[list[RecipeResult], int | None]:
        """The results in the order of the command line, and the exit code of a signal that cut them short."""
        with Interrupts(partial(self._display.note, "stopping; once more ends it at once")) as interrupts:
            for group in self._groups():
                if interrupts.stop.is_set():
                    break
                await self._build_group(deque(group), interrupts.stop)
        unfinished = any(
            result.outcome in (RecipeOutcome.STOPPED, RecipeOutcome.NOT_STARTED) for result in self._results
        )
        return self._results, interrupts.exit_code if unfinished or self._unpublished else None

    def to_publish(self) -> str:
        """How to publish what a signal kept from being published; empty when there is nothing."""
        commands = " and ".join(map(publish_command, self._unpublished))
        return f", and publishes the rest; so does, for what there is by now, {commands}" if commands else ""

    def _groups(self) -> list[list[Order]]:
        """The recipes that can be built, those with the same backbone together."""
        groups: dict[str, list[Order]] = {}
        for number, path in enumerate(self._options.recipes):
            try:
                order = self._order(number, path)
            except IturriError as error:
                self._failed(number, error)
            else:
                groups.setdefault(order.backbone.model_dump_json(), []).append(order)
        return list(groups.values())

    def _order(self, number: int, path: Path) -> Order:
        recipe = read_recipe(path)
        if self._options.target is not None:
            target = recipe.target.model_copy(update={"conversations": self._options.target})
            recipe = recipe.model_copy(update={"target": target})
        directory = self._options.out or build_directory(recipe, self._settings)
        self._results[number] = replace(self._results[number], name=recipe.name, directory=directory)
        backbone = resolved_backbone(recipe, self._settings)
        recipe_terms(recipe, backbone).check()
        # What is wrong with the input is said before a backbone is started for it.
        check_token(recipe.publish)
        check_directory(recipe, directory, self._settings)
        return Order(number, path, recipe, directory, backbone)

    async def _build_group(self, orders: deque[Order], stop: asyncio.Event) -> None:
        """Build these on one backbone; when that dies, the next recipe gets a new one."""
        while orders and not stop.is_set():
            backbone = await self._started(orders, stop)
            if backbone is None:
                return
            try:
                while orders and not stop.is_set():
                    order = orders.popleft()
                    error = await self._build(order, backbone, stop)
                    if isinstance(error, BackboneError):
                        break
            finally:
                await self._closed(backbone)

    async def _started(self, orders: deque[Order], stop: asyncio.Event) -> Backbone | None:
        """The backbone of these orders, running. None when it does not start, or `stop` was set meanwhile."""
        name, spec = orders[0].backbone_name, orders[0].backbone
        patience = "; vLLM takes a minute or two, more on a busy machine" if orders[0].backbone.kind == "vllm" else ""
        self._display.waiting(f"starting {name}", f"starting the backbone {name}{patience}")
        stopping = asyncio.create_task(stop.wait())
        starting: asyncio.Task[Backbone] | None = None
        try:
            backbone = open_backbone(name, spec)
            starting = asyncio.create_task(backbone.__aenter__())
            await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                starting.cancel()
                await asyncio.wait([starting])
            if starting.cancelled():
                return None
            return await starting
        except Exception as error:  # noqa: BLE001 - every recipe gets its outcome, and the others go on
            for order in orders:
                self._failed(order.number, error)
            return None
        finally:
            stopping.cancel()

    async def _closed(self, backbone: Backbone) -> None:
        """The rows are safe by now, so a backbone that does not end well is said and no more."""
        try:
            await backbone.__aexit__(None, None, None)
        except Exception as error:  # noqa: BLE001 - as above
            show_trace(error)
            say(failure(error).message)

    async def _build(self, order: Order, backbone: Backbone, stop: asyncio.Event) -> Exception | None:
        """Build one recipe, publish it as it says, and keep its result. Returns the error that the build ended with."""
        before = time.monotonic()
        cost: Callable[[float], str] = partial(figures.device_hours, spec=order.backbone, device=backbone.device)
        self._display.running(order.recipe.name, order.recipe.target.conversations)
        async with Pushes(order.recipe.publish, order.directory, stop) as pushes:
            try:
                done = await build(
                    order.recipe,
                    order.directory,
                    backbone,
                    settings=self._settings,
                    stop=stop,
                    on_progress=lambda progress: self._display.update(_standing(progress, cost, pushes.shards)),
                    on_sealed=pushes.sealed,
                )
            except Exception as error:  # noqa: BLE001 - one that fails does not stop the rest
                self._failed(order.number, error, time.monotonic() - before)
                return error
            else:
                self._results[order.number] = replace(
                    self._results[order.number],
                    outcome=RecipeOutcome.COMPLETE if done.outcome is Outcome.COMPLETE else RecipeOutcome.STOPPED,
                    funnel=done.manifest.funnel,
                    seconds=time.monotonic() - before,
                )
                if order.recipe.publish.along:
                    await self._publish(order, pushes, done)
            finally:
                self._results[order.number] = replace(self._results[order.number], published=pushes.last)
        return None

    async def _publish(self, order: Order, pushes: Pushes, done: BuildResult) -> None:
        """Publish all of a build that is complete. One that cannot be published stays complete."""
        if done.outcome is Outcome.STOPPED:
            self._unpublished.append(order.directory)
            return
        self._display.note(f"{order.recipe.name}: complete; publishing to {order.recipe.publish.repo}")
        try:
            result = await pushes.finish(len(done.manifest.shards))
        except Exception as error:  # noqa: BLE001 - as above
            show_trace(error)
            found = failure(error)
            message = (
                f"{order.path}: the build is complete, but not all of it is published: {found.message};"
                f" {publish_command(order.directory)} publishes the rest"
            )
            self._say_failure(order.number, replace(found, message=message))
        else:
            if result is None:
                self._unpublished.append(order.directory)

    def _say_failure(self, number: int, found: Failure) -> None:
        self._display.note(f"iturri: {found.message}") if not self._options.quiet else say(found.message)
        self._results[number] = replace(self._results[number], failure=found)

    def _failed(self, number: int, error: Exception, seconds: float = 0.0) -> None:
        result, found = self._results[number], failure(error)
        show_trace(error)
        path = str(result.recipe)
        prefix = "" if found.message.startswith(path) else f"{path}: "
        # What a failure leaves behind can be gone on with, unless the input itself has to change first.
        again = isinstance(error, InputError | BuildError | LedgerError) or result.directory is None or seconds == 0.0
        cure = "" if again else f"; `{replace(self._options, recipes=(result.recipe,)).again()}` goes on from here"
        found = replace(found, message=f"{prefix}{found.message}{cure}")
        self._say_failure(number, found)
        self._results[number] = replace(
            self._results[number],
            outcome=RecipeOutcome.FAILED,
            seconds=seconds,
            funnel=None if isinstance(error, InputError) else _funnel(result.directory),
        )


def _standing(progress: Progress, cost: Callable[[float], str], published: int | None) -> Standing:
    """What the display shows; `cost` puts the seconds that the backbone sampled into words."""
    funnel = progress.funnel
    return Standing(
        funnel.accepted,
        funnel.target,
        funnel.acceptance,
        progress.tokens_per_second,
        cost(funnel.engine_seconds),
        progress.seconds_left,
        published,
    )


def _funnel(directory: Path | None) -> Funnel | None:
    """What a failed build has to show so far, if anything."""
    if directory is None:
        return None
    try:
        return BuildReader(directory).funnel()
    except BuildDirectoryError:
        return None
