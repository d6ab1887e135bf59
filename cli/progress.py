"""How a running build is shown: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.progress import TaskID

from cli import consoles, figures
from cli.display import LINE_EVERY_S, Nothing, PlainLines, Shown, TerminalBars


@dataclass(frozen=True, slots=True)
class Standing:
    """How a build stands. `cost` is in words, such as `0.120 GPU h`; time is in seconds; `published` are shards."""

    accepted: int
    target: int
    acceptance: float
    tokens_per_second: float
    cost: str
    seconds_left: float | None
    published: int | None = None

    def figures(self) -> list[str]:
        """Acceptance, speed, cost, time left, and what is published by now."""
        return [
            f"{figures.percent(self.acceptance)} accepted",
            f"{self.tokens_per_second:,.0f} tokens/s",
            self.cost,
            f"{figures.duration(self.seconds_left)} left",
            *([] if self.published is None else [f"{self.published:,} shards published"]),
        ]


class Display(Shown, Protocol):
    """Shows builds that run one after another."""

    def waiting(self, what: str, more: str) -> None:
        """Something has to come first, such as a backbone's start; `more` is for those who see no bar."""

    def running(self, name: str, target: int) -> None:
        """A build has begun."""

    def update(self, standing: Standing) -> None:
        """The running build is here now."""


def open_display(quiet: bool) -> Display:
    """Bars, lines or nothing, as stderr is a terminal or not, and as the user wants."""
    if quiet:
        return Silence()
    console = consoles.err()
    return Bars(console) if console.is_terminal else Lines(console)


class Silence(Nothing):
    """Shows nothing."""

    def waiting(self, what: str, more: str) -> None:
        return

    def running(self, name: str, target: int) -> None:
        return

    def update(self, standing: Standing) -> None:
        return


class Lines(PlainLines):
    """A plain line every ten seconds, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._name = ""
        self._said = 0.0

    def waiting(self, what: str, more: str) -> None:
        self.note(more)

    def running(self, name: str, target: int) -> None:
        self._name = name
        self._said = time.monotonic()
        self.note(f"{name}: building up to {target:,} conversations")

    def update(self, standing: Standing) -> None:
        now = time.monotonic()
        if now - self._said < LINE_EVERY_S:
            return
        self._said = now
        self.note(f"{self._name}: {standing.accepted:,}/{standing.target:,}, {', '.join(standing.figures())}")


class Bars(TerminalBars):
    """One bar per build."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._task: TaskID | None = None

    def waiting(self, what: str, more: str) -> None:
        self._finish()
        self._task = self._bars.add_task(what, total=None, figures="")

    def running(self, name: str, target: int) -> None:
        self._finish()
        self._task = self._bars.add_task(name, total=target, figures="")

    def update(self, standing: Standing) -> None:
        if self._task is None:
            return
        text = " · ".join([f"{standing.accepted:,}/{standing.target:,}", *standing.figures()])
        self._bars.update(self._task, completed=standing.accepted, total=standing.target, figures=text)

    def _finish(self) -> None:
        """What was waited for needs no line any more; a build's bar stays as it ended."""
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
