"""`iturri train`: one model, from a training recipe."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from cli import consoles, figures
from cli.failures import say
from cli.machine import machine_settings
from cli.surroundings import log_to_stderr
from schemas.errors import SettingsError
from schemas.reading import read_training_recipe
from schemas.training import TrainingRecipe

if TYPE_CHECKING:
    from schemas.training_report import TrainingReport

_PACKAGES = ("torch", "trl", "peft", "accelerate")


def plan(path: Path, out: Path | None, *, as_json: bool) -> int:
    """Say what would be trained on, and in how many steps; the data are left encoded for the run."""
    recipe = read_training_recipe(path)
    need_packages()
    log_to_stderr(machine_settings())
    from cli.training_plan import show
    from training.run import plan

    _warn_of_token(recipe, say)
    planned = plan(recipe, _folder(recipe, out))
    if as_json:
        sys.stdout.write(planned.model_dump_json() + "\n")
    else:
        show(planned)
    return 0


def run(path: Path, out: Path | None, *, as_json: bool, quiet: bool) -> int:
    """Train, say what came of it, and upload it where the recipe says."""
    recipe = read_training_recipe(path)
    need_packages()
    from cli.training_progress import open_training_display
    from training.processes import OtherProcessError
    from training.run import StoppedError, train
    from training.upload import upload

    first = os.environ.get("RANK", "0") == "0"
    folder = _folder(recipe, out)
    began = datetime.now(UTC)
    with open_training_display(quiet or not first, recipe.name) as display:
        log_to_stderr(machine_settings(), display.log_handler())
        _warn_of_token(recipe, display.note)
        try:
            report = train(recipe, folder, display)
        except StoppedError as error:
            display.note(f"{recipe.name}: {error}")
            return 128 + error.signal
        except KeyboardInterrupt:
            display.note(f"{recipe.name}: stopped; the same command goes on")
            raise
        except OtherProcessError as error:
            return error.exit_code  # which that one says
    if not first:
        return 0
    if report.ended < began and not quiet:
        say(f"{recipe.name} was trained already, {report.ended:%Y-%m-%d %H:%M} UTC; to train again, remove {folder}")
    if as_json:
        sys.stdout.write(report.model_dump_json() + "\n")
    elif not quiet:
        _show(report, recipe, folder)
    if recipe.publish.repo is not None:
        from huggingface_hub import get_token

        address = upload(folder, recipe.publish.repo, private=recipe.publish.private, token=get_token())
        if not quiet:
            say(f"uploaded to {address}")
    return 0


def _warn_of_token(recipe: TrainingRecipe, note: Callable[[str], None]) -> None:
    """Before hours of training, for the upload comes after them."""
    from huggingface_hub import get_token

    if recipe.publish.repo is not None and get_token() is None:
        note(
            "warning: publish.repo: no token of the Hub is set; set HF_TOKEN, or run `hf auth login`. Without, the "
            "model stays in its folder, and the same command uploads it later"
        )


def _folder(recipe: TrainingRecipe, out: Path | None) -> Path:
    return out or recipe.output or Path("runs") / recipe.name


def need_packages() -> None:
    """Raises SettingsError where the extra `train` is not installed."""
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise SettingsError(f"training needs {', '.join(missing)}: install iturri[train]")


def _show(report: TrainingReport, recipe: TrainingRecipe, folder: Path) -> None:
    console = consoles.out()
    speed = report.tokens / max(report.seconds, 1e-9)
    console.print(
        f"{recipe.name}: {report.model}, {figures.counted(report.steps, 'step')}, {report.tokens:,} tokens in "
        f"{figures.duration(report.seconds)} ({speed:,.0f} tokens/s), packs {figures.percent(report.packing.fill)} "
        "full",
        markup=False,
    )
    table = Table(title="held-out loss, nats per token", title_justify="left")
    table.add_column("set")
    for heading in ("sequences", "tokens", "before", "after", "change"):
        table.add_column(heading, justify="right")
    for loss in report.losses:
        change = loss.after - loss.before
        table.add_row(
            loss.name,
            f"{loss.sequences:,}",
            f"{loss.tokens:,}",
            f"{loss.before:.3f}",
            f"{loss.after:.3f}",
            f"{change:+.3f}",
        )
    if report.losses:
        console.print(table)
    result = next((name for name in ("model", "adapter") if (folder / name).is_dir()), "model")
    console.print(f"model: {folder / result}", markup=False)
