"""What ends a run before its time: a full disk, a loss that is no number, a signal; and how it goes on."""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from schemas.errors import StorageError, TrainingError
from schemas.training import TrainingRecipe
from tests.support.training_models import Looker, conversations, recipe, small_model, trained
from training.model import write_model
from training.run import StoppedError, train
from training.trainer import Progress, Trainer

KB = 1000


class Acting(Looker):
    """Does something once a step is logged, before its checkpoint is written."""

    def __init__(self, step: int, action: Callable[[], object]) -> None:
        super().__init__()
        self._step, self._action = step, action

    def update(self, progress: Progress) -> None:
        super().update(progress)
        if progress.step == self._step:
            self._action()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    small_model(folder / "small")
    conversations(folder / "rows.jsonl", 60)
    trained(folder / "unbroken", made(folder))
    return folder


def made(folder: Path, **fields: Any) -> dict[str, Any]:
    optimisation = {"epochs": 1, "tokens_per_step": 256, "learning_rate": 1e-2, "neftune": 5}
    told = recipe(folder / "small", folder / "rows.jsonl", checkpoints={"every_steps": 2}, optimisation=optimisation)
    return told | fields


def weights(place: Path) -> bytes:
    return (place / "model" / "model.safetensors").read_bytes()


def left(place: Path) -> list[str]:
    return sorted(path.name for path in (place / "checkpoints").iterdir())


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """The kernel refuses to write more than so many bytes of a file, as a full disk refuses."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def run_out(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


# Of the weights, and of the optimiser's state, which is twice as large.
@pytest.mark.parametrize("size", [500 * KB, 1500 * KB])
def test_a_disk_that_is_full_at_a_checkpoint_leaves_the_one_before_and_the_same_command_goes_on(
    folder: Path, tmp_path: Path, size: int
) -> None:
    told = TrainingRecipe.model_validate(made(folder))
    with (
        full_disk(resource.RLIM_INFINITY),
        pytest.raises(StorageError, match=r"the checkpoint of step 4 cannot be written: .*; free some space") as caught,
    ):
        train(told, tmp_path / "run", Acting(4, lambda: run_out(size)))
    assert str(caught.value).endswith("; the checkpoint of step 2 is whole") and "\n" not in str(caught.value)
    assert left(tmp_path / "run") == ["checkpoint-2"]
    _, looker = trained(tmp_path / "run", made(folder))
    assert looker.steps[0].step == 3
    assert weights(tmp_path / "run") == weights(folder / "unbroken")


def test_a_disk_that_is_full_at_the_end_leaves_no_half_model_and_the_same_command_writes_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*given: Any) -> None:
        run_out(500 * KB)
        write_model(*given)

    with monkeypatch.context() as patch, full_disk(resource.RLIM_INFINITY):
        patch.setattr("training.run.write_model", too_large)
        with pytest.raises(StorageError, match=r"model cannot be written: .*; free some space") as caught:
            trained(tmp_path / "run", made(folder))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("run/*model*")) and not (tmp_path / "run" / "report.json").exists()
    _, looker = trained(tmp_path / "run", made(folder))
    assert looker.steps == [], "nothing is trained again"
    assert weights(tmp_path / "run") == weights(folder / "unbroken")


def test_a_loss_that_is_no_number_ends_the_run_and_says_which_checkpoint_is_whole(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = Trainer.compute_loss

    def diverges(self: Trainer, *given: Any, **more: Any) -> torch.Tensor:
        return compute(self, *given, **more) * (float("inf") if self.state.global_step == 4 else 1)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "compute_loss", diverges)
        with pytest.raises(TrainingError) as caught:
            trained(tmp_path / "run", made(folder))
    assert str(caught.value).startswith("the loss is inf at step 5, its gradients ")
    assert str(caught.value).endswith("lower optimisation.learning_rate; the checkpoint of step 4 is whole")
    assert left(tmp_path / "run")[-1] == "checkpoint-4"
    assert not (tmp_path / "run" / "model").exists()


def test_a_signal_ends_the_run_after_its_step_with_a_checkpoint_and_the_handlers_are_given_back(
    folder: Path, tmp_path: Path
) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    told = TrainingRecipe.model_validate(made(folder))
    with pytest.raises(StoppedError, match="stopped at step 4; the same command goes on from there") as caught:
        train(told, tmp_path / "run", Acting(3, lambda: os.kill(os.getpid(), signal.SIGINT)))
    assert caught.value.signal == signal.SIGINT
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert "checkpoint-4" in left(tmp_path / "run")
    trained(tmp_path / "run", made(folder))
    assert weights(tmp_path / "run") == weights(folder / "unbroken")


def test_a_signal_in_the_last_step_lets_the_run_end(folder: Path, tmp_path: Path) -> None:
    steps = json.loads((folder / "unbroken" / "report.json").read_text())["steps"]
    told = TrainingRecipe.model_validate(made(folder))
    last = Acting(steps, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert train(told, tmp_path / "run", last).steps == steps


def test_tokens_and_held_out_losses_go_on_counting_after_a_stop(folder: Path, tmp_path: Path) -> None:
    told = TrainingRecipe.model_validate(made(folder))
    with pytest.raises(StoppedError):
        train(told, tmp_path / "run", Acting(3, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    report, _ = trained(tmp_path / "run", made(folder))
    unbroken = json.loads((folder / "unbroken" / "report.json").read_text())
    assert report.tokens == unbroken["tokens"]
    assert [loss.model_dump() for loss in report.losses] == unbroken["losses"]


def test_no_more_checkpoints_are_kept_than_are_wanted(folder: Path, tmp_path: Path) -> None:
    told = TrainingRecipe.model_validate(made(folder, checkpoints={"every_steps": 1, "keep": 3}))
    seen: list[list[str]] = []
    train(told, tmp_path / "run", Acting(6, lambda: seen.append(left(tmp_path / "run"))))
    assert seen == [["checkpoint-3", "checkpoint-4", "checkpoint-5"]]


def test_libraries_say_nothing_of_their_own(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    trained(tmp_path / "run", made(folder))
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
