"""How a training run is shown: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from cli import consoles, figures
from cli.display import Nothing, OneBar, PacedLines, Shown

if TYPE_CHECKING:
    from training.trainer import Progress


class TrainingDisplay(Shown, Protocol):
    """Shows one run."""

    def update(self, progress: Progress) -> None:
        """The run is here now."""


def open_training_display(quiet: bool, name: str) -> TrainingDisplay:
    """A bar, lines or nothing, as stderr is a terminal or not, and as the user wants."""
    if quiet:
        return Silence()
    console = consoles.err()
    return Bar(console, name, "reading the data") if console.is_terminal else Lines(console, name)


def figures_of(progress: Progress) -> list[str]:
    """Step, loss, speed and time left."""
    left = (progress.steps - progress.step) * progress.tokens / max(1, progress.step)
    return [
        f"step {progress.step:,}/{progress.steps:,}",
        f"loss {progress.loss:.3f}",
        f"{progress.tokens_per_s:,.0f} tokens/s",
        f"{figures.duration(left / max(progress.tokens_per_s, 1e-9))} left",
    ]


def held_out_line(progress: Progress) -> str:
    """The held-out losses, by name."""
    return "held out: " + ", ".join(f"{name} {loss:.3f}" for name, loss in progress.held_out.items())


class Silence(Nothing):
    """Shows nothing."""

    def update(self, progress: Progress) -> None:
        return


class Lines(PacedLines):
    """A plain line at the start, every ten seconds and at the end, and one for each evaluation."""

    def update(self, progress: Progress) -> None:
        if self.due() or progress.step == progress.steps:
            self.say(", ".join(figures_of(progress)))
        if progress.held_out:
            self.note(f"{self._name}: step {progress.step:,}, {held_out_line(progress)}")


class Bar(OneBar):
    """One bar, and a line for each evaluation."""

    def update(self, progress: Progress) -> None:
        self.show(progress.step, progress.steps, figures_of(progress))
        if progress.held_out:
            self.note(f"step {progress.step:,}: {held_out_line(progress)}")
