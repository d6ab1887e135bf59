"""How a running build is shown: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.progress import TaskID

from cli import consoles, figures
from cli.display import LINE_EVERY_S, Nothing, PlainLines, Shown, TerminalBars
from pipeline.build import Progress as BuildProgress

Cost = Callable[[float], str]
"""From the seconds that a backbone sampled to what they cost, such as `0.120 GPU h`."""


class Display(Shown, Protocol):
    """Shows builds that run one after another."""

    def starting(self, backbone: str) -> None:
        """A backbone is being started."""

    def running(self, name: str, target: int, cost: Cost) -> None:
        """A build has begun."""

    def update(self, progress: BuildProgress) -> None:
        """The running build is here now."""


def open_display(quiet: bool) -> Display:
    """Bars, lines or nothing, as stderr is a terminal or not, and as the user wants."""
    if quiet:
        return Silence()
    console = consoles.err()
    return Bars(console) if console.is_terminal else Lines(console)


def figures_of(progress: BuildProgress, cost: Cost) -> list[str]:
    """Acceptance, speed, cost and time left."""
    funnel = progress.funnel
    return [
        f"{figures.percent(funnel.acceptance)} accepted",
        f"{progress.tokens_per_second:,.0f} tokens/s",
        cost(funnel.engine_seconds),
        f"{figures.duration(progress.seconds_left)} left",
    ]


class Silence(Nothing):
    """Shows nothing."""

    def starting(self, backbone: str) -> None:
        return

    def running(self, name: str, target: int, cost: Cost) -> None:
        return

    def update(self, progress: BuildProgress) -> None:
        return


class Lines(PlainLines):
    """A plain line every ten seconds, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._name = ""
        self._cost: Cost | None = None
        self._said = 0.0

    def starting(self, backbone: str) -> None:
        self.note(f"starting the backbone {backbone}; vLLM takes a minute or two, more on a busy machine")

    def running(self, name: str, target: int, cost: Cost) -> None:
        self._name, self._cost = name, cost
        self._said = time.monotonic()
        self.note(f"{name}: building up to {target:,} conversations")

    def update(self, progress: BuildProgress) -> None:
        now = time.monotonic()
        if self._cost is None or now - self._said < LINE_EVERY_S:
            return
        self._said = now
        funnel = progress.funnel
        self.note(f"{self._name}: {funnel.accepted:,}/{funnel.target:,}, {', '.join(figures_of(progress, self._cost))}")


class Bars(TerminalBars):
    """One bar per build."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._task: TaskID | None = None
        self._cost: Cost | None = None

    def starting(self, backbone: str) -> None:
        self._finish()
        self._task = self._bars.add_task(f"starting {backbone}", total=None, figures="")

    def running(self, name: str, target: int, cost: Cost) -> None:
        self._finish()
        self._cost = cost
        self._task = self._bars.add_task(name, total=target, figures="")

    def update(self, progress: BuildProgress) -> None:
        if self._task is None or self._cost is None:
            return
        funnel = progress.funnel
        text = " · ".join([f"{funnel.accepted:,}/{funnel.target:,}", *figures_of(progress, self._cost)])
        self._bars.update(self._task, completed=funnel.accepted, total=funnel.target, figures=text)

    def _finish(self) -> None:
        """A backbone that has started needs no line any more; a build's bar stays as it ended."""
        if self._task is not None:
            task = self._bars.tasks[self._bars.task_ids.index(self._task)]
            self._bars.stop_task(self._task)
            if task.total is None:
                self._bars.remove_task(self._task)
            self._task = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finish()
        super().__exit__(kind, error, trace)
