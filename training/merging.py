"""Baselines without training: the weights of models merged by mergekit, tensor by tensor.

With the models m_1 ... m_n and their weights w_1 ... w_n:

task_arithmetic  base + sum_i w_i (m_i - base)                  Ilharco et al. (ICLR 2023), arXiv 2212.04089
                 With a corpus-trained base and the instructed model, both of weight 1, this is
                 corpus_trained + (instructed - base): the chat vector of Huang et al. (ACL 2024), arXiv 2310.04799.
linear           sum_i w_i m_i / sum_i w_i                      Wortsman et al. (ICML 2022), arXiv 2203.05482
slerp            (sin((1 - t) a) m_1 + sin(t a) m_2) / sin(a)   Shoemake (SIGGRAPH 1985)
                 with t = w_2 / (w_1 + w_2) and a the angle between the two tensors, each taken as one vector. Where
                 |cos(a)| > 0.9995, nearly parallel or opposed, it is (1 - t) m_1 + t m_2; a tensor of zeros counts as
                 at a right angle to any.

The arithmetic is in float32, whatever the models' own precision; the result has the widest of theirs.
"""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError

from schemas.errors import StorageError, TrainingError
from schemas.training import StartingModel
from schemas.training_grid import ArmBase, ArmModel, MergeArm
from schemas.training_grid_report import MergedFrom, MergeReport
from training.chat_template import end_of_turn
from training.mergeable import check_fit, check_vocabulary, tensors_of, tokenizer_of, widest
from training.model import load_tokenizer
from training.model_folder import why_no_model
from training.shown_name import shown_name
from training.whole_file import open_to_readers

MERGE_FILE = "merge.json"
FORMULAS = {
    "task_arithmetic": "base + sum of weight x (model - base)",
    "linear": "sum of weight x model / sum of weights",
    "slerp": "along the arc from the first model to the second, by the second's share of the weights",
}
_SNAPSHOTS = "snapshots"  # where the Hub's cache has a folder for each commit
_FILES = ("*.json", "*.jinja", "*.safetensors", "*.model", "*.txt")


def merge(
    arm: MergeArm, models: Sequence[StartingModel], folder: Path, speaks_like: StartingModel | None = None
) -> MergeReport:
    """Write the merged model into `folder`: weights, configuration, tokenizer, chat template and `merge.json`.

    `models` are where those of `arm.inputs()` lie, in its order. `speaks_like` gives tokenizer, chat template and end
    of turn; when left out, the first of the models that has a chat template. A folder that is finished is only read;
    one is never half there. Raises TrainingError for models that do not fit together or cannot be read, StorageError
    for a disk that is full.
    """
    if (folder / MERGE_FILE).is_file():
        return _finished(folder, arm)
    where = f"arms, {arm.name}"
    names = [one.model for one in arm.inputs()]
    folders = [_local(one, where) for one in models]
    speaker = _local(speaks_like, where) if speaks_like else _first_that_speaks(folders, where)
    spoken = names[folders.index(speaker)] if speaker in folders else str(speaks_like and speaks_like.name)
    shapes = [tensors_of(one, where) for one in folders]
    check_fit(names, folders, shapes, where)
    check_vocabulary([*names, spoken], [*folders, speaker], where)
    dtype = widest(shapes, where)
    tokenizer = load_tokenizer(
        StartingModel(name=str(speaker), chat_template=speaks_like.chat_template if speaks_like else None)
    )
    part = folder.with_name(f".{folder.name}.part")
    started = time.monotonic()
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        _merged(arm, folders, part, dtype, where)
        tokenizer.save_pretrained(part)
        _configure(speaker, part, dtype, end_of_turn(tokenizer))
        report = MergeReport(
            name=arm.name,
            method=arm.method,
            formula=FORMULAS[arm.method],
            models=tuple(
                _from(one, place.name if place.parent.name == _SNAPSHOTS else None)
                for one, place in zip(arm.inputs(), folders, strict=True)
            ),
            speaks_like=_from(ArmBase(model=spoken), speaker.name if speaker.parent.name == _SNAPSHOTS else None),
            precision=_name_of(dtype),
            parameters=sum(math.prod(shape) for shape, _ in tensors_of(part, where).values()),
            seconds=round(time.monotonic() - started, 3),
            versions={name: version(name) for name in ("iturri", "mergekit", "torch", "transformers")},
        )
        (part / MERGE_FILE).write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
        open_to_readers(part)
        _sync(part)
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    except (OSError, SafetensorError) as error:  # safetensors tells a full disk by an error of its own
        raise StorageError(f"{folder}: the merged model cannot be written: {error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return report


def _finished(folder: Path, arm: MergeArm) -> MergeReport:
    try:
        report = MergeReport.model_validate_json((folder / MERGE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise TrainingError(f"{folder / MERGE_FILE}: cannot be read; remove the folder to merge again") from error
    refuse_another_arm(report, arm, folder)
    return report


def refuse_another_arm(report: MergeReport, arm: MergeArm, folder: Path) -> None:
    """Raises TrainingError where what lies in the folder was not merged as the arm says."""
    known = [one.model_copy(update={"revision": None}) for one in report.models]
    if report.method != arm.method or known != [_from(one, None) for one in arm.inputs()]:
        raise TrainingError(
            f"arms, {arm.name}: {folder} holds a merge by another method, of other models or other weights; "
            "remove it, or rename the arm"
        )


def _from(one: ArmBase, commit: str | None) -> MergedFrom:
    """What a reader elsewhere can follow."""
    return MergedFrom(
        model=shown_name(one.model), revision=commit, weight=one.weight if isinstance(one, ArmModel) else None
    )


def _merged(arm: MergeArm, folders: Sequence[Path], part: Path, dtype: torch.dtype, where: str) -> None:
    """mergekit writes the weights into `part`."""
    with _quiet():
        from mergekit.config import MergeConfiguration
        from mergekit.io.tasks import LoaderCache
        from mergekit.merge import MergeOptions, run_merge

        config = MergeConfiguration.model_validate(
            {
                "merge_method": arm.method,
                "dtype": "float32",
                "out_dtype": _name_of(dtype),
                **_settings(arm, folders),
            }
        )
        try:
            run_merge(config, str(part), MergeOptions(quiet=True, write_model_card=False, copy_tokenizer=False))
        except (OSError, SafetensorError):
            raise
        except Exception as error:  # mergekit raises what it likes
            raise TrainingError(f"{where}: the models cannot be merged: {' '.join(str(error).split())}") from error
        finally:
            # It would keep every model open, and take a changed folder for the one it knows.
            LoaderCache().loaders.clear()


def _settings(arm: MergeArm, folders: Sequence[Path]) -> dict[str, Any]:
    """The arm in mergekit's words."""
    references = [{"model": {"path": str(one)}} for one in folders]
    if arm.method == "slerp":
        first, second = arm.models
        return {
            "base_model": references[0],
            "models": [{"model": one} for one in references],
            "parameters": {"t": second.weight / (first.weight + second.weight)},
        }
    shares = [
        {"model": reference, "parameters": {"weight": one.weight}}
        for reference, one in zip(references[-len(arm.models) :], arm.models, strict=True)
    ]
    if arm.method == "task_arithmetic":
        return {"base_model": references[0], "models": shares, "parameters": {"normalize": False}}
    return {"models": shares, "parameters": {"normalize": True}}


@contextmanager
def _quiet() -> Iterator[None]:
    """What mergekit warns of has been checked, or does not concern these models."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _local(model: StartingModel, where: str) -> Path:
    """The folder of a model, fetched from the Hub where it is none."""
    folder = Path(model.name)
    if folder.is_dir():
        if why := why_no_model(folder):
            raise TrainingError(f"{where}: {why}")
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model.name, revision=model.revision, allow_patterns=list(_FILES)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        line = " ".join(str(error).split())
        raise TrainingError(
            f"{where}: there is no folder {model.name} here, and the Hub does not give it: {line}"
        ) from error


def _first_that_speaks(folders: Sequence[Path], where: str) -> Path:
    for folder in folders:
        if tokenizer_of(folder, where).chat_template:
            return folder
    raise TrainingError(f"{where}: none of its models has a chat template; name an instructed one in `backbones`")


def _name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _configure(speaker: Path, part: Path, dtype: torch.dtype, end: int) -> None:
    """Ids of special tokens and sampling are the speaker's, and what ends a turn ends generation."""
    config = json.loads((speaker / "config.json").read_text(encoding="utf-8"))
    config.pop("torch_dtype", None)
    config["dtype"] = _name_of(dtype)
    _write(part / "config.json", config)
    sampling = speaker / "generation_config.json"
    generation = json.loads(sampling.read_text(encoding="utf-8")) if sampling.is_file() else {}
    known = generation.get("eos_token_id") or []
    known = known if isinstance(known, list) else [known]
    _write(
        part / "generation_config.json", {**generation, "eos_token_id": [end, *(one for one in known if one != end)]}
    )


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _sync(folder: Path) -> None:
    """What is renamed has reached the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
