"""Whether the weights of models can be added: one architecture, one shape, one vocabulary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from schemas.errors import TrainingError

_DTYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16, "F64": torch.float64}
Tensors = dict[str, tuple[tuple[int, ...], str]]


def tensors_of(folder: Path, where: str) -> Tensors:
    """Shape and type of every tensor of a model, from the heads of its files."""
    found: Tensors = {}
    try:
        for path in sorted(folder.glob("*.safetensors")):
            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118  it is no mapping
                    tensor = file.get_slice(name)
                    found[name] = tuple(tensor.get_shape()), tensor.get_dtype()
    except (SafetensorError, OSError) as error:
        raise TrainingError(f"{where}: {folder}: its weights cannot be read: {error}") from error
    if not found:
        raise TrainingError(f"{where}: {folder} has no weights in safetensors files")
    return found


def check_fit(names: Sequence[str], folders: Sequence[Path], tensors: Sequence[Tensors], where: str) -> None:
    """Only models of one architecture and one shape have weights that can be added."""
    kinds = [_config(one, where).get("architectures") for one in folders]
    for name, kind, other in zip(names, kinds, tensors, strict=True):
        if kind != kinds[0]:
            raise TrainingError(
                f"{where}: {name} is a {_listed(kind)} and {names[0]} a {_listed(kinds[0])}; "
                "only models of one architecture can be merged"
            )
        for tensor in sorted(tensors[0].keys() | other.keys()):
            here, there = tensors[0].get(tensor), other.get(tensor)
            if (here is None or there is None) and tensor.endswith("lm_head.weight"):
                continue  # tied to the embeddings, and written by some
            if here is None or there is None:
                raise TrainingError(f"{where}: only one of {names[0]} and {name} has the weights {tensor}")
            if here[0] != there[0]:
                raise TrainingError(
                    f"{where}: {tensor} has the shape {list(there[0])} in {name} and {list(here[0])} in {names[0]}; "
                    "only models of one size and vocabulary can be merged"
                )


def _listed(kind: Any) -> str:
    return ", ".join(kind) if kind else "model of unknown kind"


def _config(folder: Path, where: str) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{where}: {folder / 'config.json'} cannot be read: {error}") from error
    return config


def check_vocabulary(names: Sequence[str], folders: Sequence[Path], where: str) -> None:
    """A row of the embeddings must stand for the same token in all."""
    vocabularies = [tokenizer_of(one, where).get_vocab() for one in folders]
    first = vocabularies[0]
    for name, vocabulary in zip(names, vocabularies, strict=True):
        differing = sorted(
            token for token in first.keys() | vocabulary.keys() if first.get(token) != vocabulary.get(token)
        )
        if differing:
            token = differing[0]
            raise TrainingError(
                f"{where}: {name} has another vocabulary than {names[0]}: token {token!r} has the id "
                f"{vocabulary.get(token)}, and {first.get(token)} there; merged, their embeddings would mean nothing"
            )


def tokenizer_of(folder: Path, where: str) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"{where}: {folder}: no tokenizer can be read: {' '.join(str(error).split())}") from error


def widest(tensors: Sequence[Tensors], where: str) -> torch.dtype:
    kinds = {kind for one in tensors for _, kind in one.values()}
    if strange := sorted(kinds - _DTYPES.keys()):
        raise TrainingError(
            f"{where}: weights of the type {strange[0]} cannot be merged; take models that are not quantised"
        )
    widest = torch.bfloat16 if kinds == {"BF16"} else _DTYPES[kinds.pop()]
    for kind in kinds:
        widest = torch.promote_types(widest, _DTYPES[kind])
    return widest
