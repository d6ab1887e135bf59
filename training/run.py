"""One recipe, one run: data, model, training, held-out losses, and what is written of it."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch
from accelerate import Accelerator
from transformers import PreTrainedTokenizerBase
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from schemas.errors import BuildDirectoryError, StorageError, TrainingError
from schemas.training import TrainingRecipe
from schemas.training_report import LAST_STEPS, HeldOutLoss, TrainingPlan, TrainingReport
from training import card, curve, findings, held_out
from training.arguments import training_arguments, warnings_of_steps
from training.chat_template import template_hash
from training.examples import Examples, prepare
from training.held_out import Loss
from training.isolation import refuse_unfit
from training.model import (
    base_licence,
    check_context,
    check_upload,
    commit_of,
    load_model,
    load_tokenizer,
    merge_adapter,
    original_type,
    parameters,
    precision,
    write_model,
)
from training.processes import by_first, processes, together
from training.run_directory import ADAPTER, BEFORE, CHECKPOINTS, DATA, LOG, MODEL, REPORT, begun, opened, trained
from training.run_log import RunLog
from training.shown_name import shown_name
from training.trainer import Trainer, Watch
from training.whole_file import write_whole

_LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")


class StoppedError(TrainingError):
    """A signal has ended the run; the same command goes on."""

    def __init__(self, step: int, signal: int) -> None:
        super().__init__(f"stopped at step {step:,}; the same command goes on from there")
        self.signal = signal


def train(recipe: TrainingRecipe, folder: Path, watch: Watch) -> TrainingReport:
    """Trains, from the beginning or from where an earlier sitting stopped, and gives the report; of a finished run too.

    The folder then holds `model/` (or, for adapters, `adapter/`, and `model/` where the recipe merges), `report.json`,
    `log.jsonl` and `curve.png`. With `accelerate launch` each process calls this, and the first one writes.
    Raises RecipeError and TemplateError of the recipe, InputError and DatasetError of the data, BuildDirectoryError for
    a folder of another recipe or in use, StorageError, TrainingError when the loss is no number or the GPU's memory is
    full, StoppedError; OtherProcessError where another process raises one of these.
    """
    state = processes()
    with opened(recipe, folder):
        finished = by_first(lambda: _finished(recipe, folder))
        if finished is not None:
            return finished
        started = by_first(lambda: _started(folder))
        together(lambda: check_upload(recipe))
        tokenizer = together(lambda: load_tokenizer(recipe.model))
        together(lambda: check_context(recipe))
        examples = prepare(recipe, tokenizer, folder / DATA, begun=by_first(lambda: begun(folder)))
        model = together(lambda: load_model(recipe, tokenizer))
        trainer = together(lambda: Trainer(model, tokenizer, examples, recipe, folder, watch))
        warnings = (*findings.warnings_of(recipe), *examples.warnings, *trainer.warnings)
        if state.is_main_process:
            for line in warnings:
                watch.note(f"warning: {line}")

        def begin() -> None:
            together(lambda: refuse_unfit(trainer.model_wrapped, trainer.data_collator, recipe))
            _before(trainer, folder)

        stopped = trainer.fit(begin)
        if stopped is not None:
            raise StoppedError(trainer.state.global_step, stopped)
        losses = _compared(_before(trainer, folder), trainer.held_out_losses())
        weights = trainer.accelerator.get_state_dict(trainer.model_wrapped)  # gathered from all devices

        def finish() -> TrainingReport:
            _write(recipe, tokenizer, trainer, folder, weights)
            report = _report(recipe, examples, trainer, tokenizer, folder, started, losses, warnings)
            _describe(report, recipe, folder)
            _clear(folder)
            return report

        return by_first(finish)


def plan(recipe: TrainingRecipe, folder: Path) -> TrainingPlan:
    """What `train` would do in this folder, and there the data, encoded; no model is loaded. Raises as `train` does."""
    with opened(recipe, folder):
        check_upload(recipe)
        tokenizer = load_tokenizer(recipe.model)
        check_context(recipe)
        examples = prepare(recipe, tokenizer, folder / DATA, begun=begun(folder))
    arguments = training_arguments(recipe, examples, folder)
    passes = arguments.max_steps * arguments.gradient_accumulation_steps * arguments.train_batch_size
    epochs = min(recipe.optimisation.epochs, passes * arguments.world_size / examples.packing.packs)
    return TrainingPlan(
        name=recipe.name,
        model=shown_name(recipe.model.name),
        sources=examples.sources,
        languages=examples.languages,
        packing=examples.packing,
        held_out={name: sum(len(row["seq_lengths"]) for row in packs) for name, packs in examples.held_out.items()},
        steps=arguments.max_steps,
        tokens=round(epochs * sum(count.tokens for count in examples.sources)),
        warnings=(*findings.warnings_of(recipe), *examples.warnings, *warnings_of_steps(arguments, recipe)),
    )


def measure(recipe: TrainingRecipe, folder: Path) -> tuple[HeldOutLoss, ...]:
    """The held-out losses of the recipe's model as it is; before and after are the same. The data are kept in `folder`.

    Raises as `train` does.
    """
    tokenizer = load_tokenizer(recipe.model)
    check_context(recipe)
    examples = prepare(recipe, tokenizer, folder)
    _, arithmetic = precision(recipe)
    mixed = "bf16" if arithmetic == torch.bfloat16 else "no"
    accelerator = Accelerator(cpu=not torch.cuda.is_available(), mixed_precision=mixed)
    model = load_model(recipe, tokenizer).to(accelerator.device)
    collator = DataCollatorForLanguageModeling(pad_token_id=tokenizer.pad_token_id, padding_free=True)
    measured = held_out.losses(model, examples.held_out, collator, accelerator)
    return _compared(measured, measured)


def _finished(recipe: TrainingRecipe, folder: Path) -> TrainingReport | None:
    """The report of a run that has ended; its card is written anew where the licence or the repository has changed."""
    report = trained(folder)
    if report is None:
        return None
    if not any((folder / result).is_dir() for result in (MODEL, ADAPTER)):
        raise BuildDirectoryError(f"{folder} has the report of a run and no model; remove it to train again")
    publish = recipe.model_dump(mode="json")["publish"]
    if report.recipe["publish"] != publish:
        report = report.model_copy(update={"recipe": {**report.recipe, "publish": publish}})
        _describe(report, recipe, folder)
    _clear(folder)
    return report


def _started(folder: Path) -> datetime:
    """When the first sitting began."""
    path = folder / "started"
    if not path.exists():
        write_whole(path, datetime.now(UTC).isoformat().encode())
    return datetime.fromisoformat(path.read_text(encoding="utf-8"))


def _before(trainer: Trainer, folder: Path) -> dict[str, Loss]:
    """The held-out losses of the starting model, measured once."""
    path = folder / BEFORE
    told = by_first(lambda: json.loads(path.read_text(encoding="utf-8")) if path.exists() else None)
    if told is not None:
        return {name: Loss.model_validate(loss) for name, loss in told.items()}
    measured = trainer.held_out_losses()
    content = json.dumps({name: loss.model_dump() for name, loss in measured.items()}).encode()
    by_first(lambda: write_whole(path, content))
    return measured


def _compared(before: dict[str, Loss], after: dict[str, Loss]) -> tuple[HeldOutLoss, ...]:
    return tuple(
        HeldOutLoss(name=name, sequences=loss.sequences, tokens=loss.tokens, before=before[name].nats, after=loss.nats)
        for name, loss in after.items()
    )


def _write(
    recipe: TrainingRecipe,
    tokenizer: PreTrainedTokenizerBase,
    trainer: Trainer,
    folder: Path,
    weights: dict[str, torch.Tensor],
) -> None:
    model = trainer.accelerator.unwrap_model(trainer.model)
    if recipe.method == "full":
        kind = original_type(recipe)
        # A weight that is another's under a second name is written once.
        state = {name: value.to(kind) for name, value in weights.items() if name not in model.all_tied_weights_keys}
        write_model(model, tokenizer, folder / MODEL, state)
        return
    write_model(model, tokenizer, folder / ADAPTER, weights)
    if recipe.lora.merge:
        merge_adapter(recipe, tokenizer, folder / ADAPTER, folder / MODEL)


def _report(
    recipe: TrainingRecipe,
    examples: Examples,
    trainer: Trainer,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    started: datetime,
    losses: tuple[HeldOutLoss, ...],
    warnings: tuple[str, ...],
) -> TrainingReport:
    records = RunLog(folder / LOG).records()
    last = [record["loss"] for record in records[-LAST_STEPS:]]
    every, learning = parameters(trainer.model)
    return TrainingReport(
        iturri_version=version("iturri"),
        recipe=recipe.model_dump(mode="json"),
        model=shown_name(recipe.model.name),
        model_revision=commit_of(trainer.accelerator.unwrap_model(trainer.model)),
        template_hash=template_hash(tokenizer),
        started=started,
        ended=datetime.now(UTC),
        sources=examples.sources,
        languages=examples.languages,
        packing=examples.packing,
        steps=trainer.state.global_step,
        tokens=records[-1]["tokens"] if records else 0,
        seconds=round(sum(record["seconds"] for record in records), 2),
        trainable_parameters=learning,
        parameters=every,
        final_loss=sum(last) / len(last) if last else None,
        losses=losses,
        warnings=warnings,
        versions={name: version(name) for name in _LIBRARIES},
    )


def _describe(report: TrainingReport, recipe: TrainingRecipe, folder: Path) -> None:
    """Picture and card beside the weights; the report last, for it says that the run is finished."""
    try:
        curve.draw(folder / LOG, folder / "curve.png", recipe.name, report.losses)
        for result in (MODEL, ADAPTER):
            if (folder / result).is_dir():
                shutil.copyfile(folder / "curve.png", folder / result / "curve.png")
                card.write(report, folder / result, base_licence(recipe.model))
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written: {error.strerror or error}; free some space and run the same command again"
        ) from error
    write_whole(folder / REPORT, (report.model_dump_json(indent=2) + "\n").encode())


def _clear(folder: Path) -> None:
    """What only a run that goes on needs."""
    for name in (DATA, CHECKPOINTS):
        shutil.rmtree(folder / name, ignore_errors=True)
