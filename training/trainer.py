"""TRL's trainer, on packs that are encoded already, with checkpoints that survive a kill."""

from __future__ import annotations

import logging
import math
import shutil
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PrinterCallback, TrainerCallback
from trl import SFTTrainer

from schemas.errors import RecipeError, StorageError, TrainingError
from schemas.training import TrainingRecipe
from training import checkpoints, held_out
from training.arguments import training_arguments, warnings_of_steps
from training.examples import Examples
from training.model import adapters
from training.muon import muon
from training.processes import OtherProcessError, by_first, largest, together
from training.run_directory import CHECKPOINTS, LOG
from training.run_log import RunLog


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands after a step. `tokens_per_s` is of the step, over all devices."""

    step: int
    steps: int
    loss: float
    tokens: int
    tokens_per_s: float
    held_out: Mapping[str, float]


class Watch(Protocol):
    """Whoever looks on while a run goes on; only the first of several processes tells it."""

    def note(self, line: str) -> None:
        """Something worth a line, such as a warning."""

    def update(self, progress: Progress) -> None:
        """A step is done."""


class Trainer(SFTTrainer):
    """Supervised fine-tuning of one model on packs.

    TRL packs, masks and evaluates in its own way; here that is done before (training/examples.py) and beside it
    (training/held_out.py), and TRL has the step, the adapters, the noise, the kernels and the devices.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        examples: Examples,
        recipe: TrainingRecipe,
        folder: Path,
        watch: Watch,
    ) -> None:
        try:
            with _no_advice():
                super().__init__(
                    model=model,
                    args=training_arguments(recipe, examples.pack_length, folder),
                    train_dataset=examples.train,
                    processing_class=tokenizer,
                    peft_config=adapters(recipe),
                    optimizers=(muon(model, recipe), None),
                )
        except ValueError as error:
            if recipe.method == "full":
                raise
            raise RecipeError(f"lora.targets: {_one_line(error)}") from error
        self.remove_callback(PrinterCallback)
        self._recipe = recipe
        self._sets = examples.held_out
        self.warnings = tuple(warnings_of_steps(self.args, len(examples.train), recipe))
        self._watch = watch
        self._checkpoints = folder / CHECKPOINTS
        self._log = RunLog(folder / LOG)
        self._clock = _Clock()
        self._stop = _Stop()
        self.add_callback(self._clock)
        self.add_callback(self._stop)
        self._tokens = self._step_tokens = 0

    def fit(self, begun: Callable[[], object] = lambda: None) -> int | None:
        """Trains to the end from the newest whole checkpoint; gives the signal that stopped it, with a checkpoint.

        `begun` is called before the first step, when the model lies on its devices.

        Raises TrainingError when the loss is no number, StorageError when a checkpoint cannot be written.
        """
        resumed, self._tokens = by_first(self._where_it_stands)
        self.add_callback(_Begin(begun))
        try:
            with self._stop.listening():
                self.train(resume_from_checkpoint=str(resumed) if resumed else None)
        except torch.OutOfMemoryError as error:
            raise TrainingError(
                "the GPU's memory is too small: lower machine.sequences_per_pass or context.max_length, set "
                f"machine.gradient_checkpointing, or use method lora; {self._last_checkpoint()}"
            ) from error
        return self._stop.asked if self.state.global_step < self.state.max_steps else None

    def _where_it_stands(self) -> tuple[Path | None, int]:
        """The checkpoint to go on from, and the tokens trained on until then."""
        resumed = checkpoints.newest(self._checkpoints)
        self._log.cut(checkpoints.step_of(resumed) if resumed else 0)
        records = self._log.records()
        return resumed, records[-1]["tokens"] if records else 0

    def held_out_losses(self) -> dict[str, held_out.Loss]:
        """As the model is now."""
        return held_out.losses(self.model_wrapped, self._sets, self.data_collator, self.accelerator)

    def compute_loss(
        self,
        model: PreTrainedModel,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The mean over the learnt tokens of the whole step, on all devices.

        TRL's own computes the entropy and the accuracy of every token too, a sixth of the time of a small model. On a
        GPU its fused head keeps the logits, gigabytes at 8,192 tokens, out of memory.
        """
        self._step_tokens += inputs["input_ids"].numel()
        fused = {"fused_lm_head": True} if self.accelerator.device.type == "cuda" else {}
        outputs = model(**inputs, **fused, num_items_in_batch=num_items_in_batch, use_cache=False)
        return outputs.loss * self.accelerator.num_processes

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """One line of the log for each step, with the held-out losses where they are due."""
        super().log(logs, start_time)
        if "loss" not in logs:  # the summary at the end
            return
        step, loss = self.state.global_step, logs["loss"]
        if not (math.isfinite(loss) and math.isfinite(logs.get("grad_norm", 0.0))):
            if not self.is_world_process_zero():  # loss and norm are those of all
                raise OtherProcessError(TrainingError.exit_code)
            raise TrainingError(
                f"the loss is {loss} at step {step}, its gradients {logs.get('grad_norm')}: lower "
                f"optimisation.learning_rate; {self._last_checkpoint()}"
            )
        tokens = self.accelerator.reduce(torch.tensor(self._step_tokens, device=self.accelerator.device), "sum").item()
        self._step_tokens = 0
        self._tokens += tokens
        every = self._recipe.evaluate_every_steps or self._recipe.checkpoints.every_steps
        evaluated = self.held_out_losses() if step % every == 0 and step < self.state.max_steps else {}
        measured = {name: round(one.nats, 6) for name, one in evaluated.items()}
        if not self.is_world_process_zero():
            return
        record = {
            "step": step,
            "epoch": round(logs.get("epoch", 0.0), 4),
            "loss": loss,
            "learning_rate": logs["learning_rate"],
            "grad_norm": logs.get("grad_norm"),
            "tokens": self._tokens,
            "seconds": round(self._clock.seconds, 4),
        }
        self._log.append(record | ({"held_out": measured} if measured else {}))
        self._watch.update(
            Progress(
                step=step,
                steps=self.state.max_steps,
                loss=loss,
                tokens=self._tokens,
                tokens_per_s=tokens / max(self._clock.seconds, 1e-9),
                held_out=measured,
            )
        )

    def _save_checkpoint(self, model: PreTrainedModel, trial: None) -> None:
        """Whole or not at all: what a full disk has cut short is removed, and the checkpoint before stays."""
        target = self._checkpoints / f"checkpoint-{self.state.global_step}"
        write = super(SFTTrainer, self)._save_checkpoint
        try:
            together(lambda: write(model, trial))
            by_first(lambda: checkpoints.seal(target, self._recipe.checkpoints.keep))
        except (OSError, RuntimeError, SafetensorError) as error:
            shutil.rmtree(target, ignore_errors=True)
            raise StorageError(
                f"the checkpoint of step {self.state.global_step} cannot be written: {_one_line(error)}; free some "
                f"space and run the same command again; {self._last_checkpoint()}"
            ) from error

    def _last_checkpoint(self) -> str:
        last = checkpoints.newest(self._checkpoints)
        return f"the checkpoint of step {checkpoints.step_of(last)} is whole" if last else "there is no checkpoint yet"


def _one_line(error: Exception) -> str:
    """torch tells a full disk with a trace of its own code."""
    return str(error).partition("\n")[0]


@contextmanager
def _no_advice() -> Iterator[None]:
    """TRL would rather have the Hub's kernels than Liger's, which it would fetch at run time; and it takes packs that
    were made before for single sequences, of which it wants more at once."""
    log = logging.getLogger("trl.trainer.sft_trainer")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="`use_liger_kernel=True` is deprecated", category=FutureWarning)
            yield
    finally:
        log.setLevel(level)


class _Begin(TrainerCallback):
    """Calls back when a run begins, or goes on."""

    def __init__(self, begun: Callable[[], object]) -> None:
        self._begun = begun

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self._begun()


class _Clock(TrainerCallback):
    """Seconds of the last training step, without those of evaluation and checkpoints."""

    seconds = 0.0

    def __init__(self) -> None:
        self._began = time.monotonic()

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self._began = time.monotonic()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.seconds = time.monotonic() - self._began


class _Stop(TrainerCallback):
    """Ctrl-C and SIGTERM end the run after the step that is going on, with a checkpoint."""

    asked: int | None = None

    def on_step_end(self, _: Any, state: Any, control: Any, **__: Any) -> None:
        # All processes stop after the same step, whenever each of them heard of it.
        self.asked = largest(self.asked or 0) or None
        if self.asked is not None and state.global_step < state.max_steps:
            control.should_save = control.should_training_stop = True

    @contextmanager
    def listening(self) -> Iterator[None]:
        def ask(number: int, _frame: FrameType | None) -> None:
            self.asked = number

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
