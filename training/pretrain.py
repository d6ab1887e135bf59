"""Trains a small causal language model from scratch, on documents of token ids.

A document is asked for by its index, so step s always sees the same documents: a run that was killed goes on where its
last checkpoint stands, and anybody can make the training documents again from their number.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from pydantic import Field
from transformers import LlamaConfig, LlamaForCausalLM

from schemas.base import Frozen
from training.muon import Muon

Document = Callable[[int], list[int]]
_IGNORED = -100


class Shape(Frozen):
    """A Llama, by its sizes."""

    hidden: int = 256
    intermediate: int = 704
    layers: int = 4
    head_size: int = 64
    max_length: int = 1024


class Pretraining(Frozen):
    """How long and how fast. The rate warms up, stays, and falls to nothing over the last `decay` of the steps."""

    seed: int = 0
    steps: int = Field(ge=1)
    documents_per_step: int = Field(default=32, ge=1)
    rows_per_pass: int = Field(default=4, ge=1, description="documents in one forward pass; fewer need less memory")
    matrix_lr: float = 0.02
    embedding_lr: float = 0.003
    warmup_steps: int = 20
    decay: float = Field(default=0.3, ge=0, le=1)
    threads: int = Field(default=2, ge=1, description="forward and backward passes at once, each on one core")
    checkpoint_minutes: float = 3.0


def learning_rate(step: int, config: Pretraining) -> float:
    """The share of the full learning rate at this step."""
    falling = max(1.0, config.decay * config.steps)
    return min(1.0, (step + 1) / max(1, config.warmup_steps), (config.steps - step) / falling)


def build_model(shape: Shape, vocab_size: int, *, bos: int, eos: int, pad: int, seed: int) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    heads = shape.hidden // shape.head_size
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocab_size,
            hidden_size=shape.hidden,
            intermediate_size=shape.intermediate,
            num_hidden_layers=shape.layers,
            num_attention_heads=heads,
            num_key_value_heads=heads,
            head_dim=shape.head_size,
            max_position_embeddings=shape.max_length,
            tie_word_embeddings=True,
            bos_token_id=bos,
            eos_token_id=eos,
            pad_token_id=pad,
        )
    )
    model.generation_config.update(bos_token_id=bos, eos_token_id=[eos], pad_token_id=pad, do_sample=True)
    return model


def batches(documents: Sequence[list[int]], rows: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Ids and labels, documents of like length together; padded on the right, where causal attention never looks."""
    ordered = sorted(documents, key=len)
    result = []
    for start in range(0, len(ordered), rows):
        part = ordered[start : start + rows]
        ids = torch.zeros(len(part), len(part[-1]), dtype=torch.long)
        labels = torch.full_like(ids, _IGNORED)
        for row, document in enumerate(part):
            ids[row, : len(document)] = labels[row, : len(document)] = torch.tensor(document)
        result.append((ids, labels))
    return result


def summed_loss(model: LlamaForCausalLM, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy in nats, summed over every token that is predicted."""
    logits = model(input_ids=ids[:, :-1], use_cache=False).logits.float()
    return F.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=_IGNORED, reduction="sum")


@torch.no_grad()
def mean_loss(model: LlamaForCausalLM, documents: Sequence[list[int]], rows: int = 16) -> float:
    """Nats per token on documents the model is not trained on."""
    model.eval()
    total = sum(summed_loss(model, ids, labels).item() for ids, labels in batches(documents, rows))
    return total / sum(len(document) - 1 for document in documents)


def export(model: LlamaForCausalLM, folder: Path) -> None:
    """Writes the weights in bfloat16, ready for `from_pretrained` and vLLM; the model goes on in its own type."""
    copy = LlamaForCausalLM(model.config)
    copy.load_state_dict(model.state_dict())
    copy.generation_config = model.generation_config
    copy.to(torch.bfloat16).save_pretrained(folder)


class Trainer:
    """A model, its two optimisers and the step they stand at."""

    def __init__(self, model: LlamaForCausalLM, document: Document, config: Pretraining, folder: Path) -> None:
        self.model, self.document, self.config = model, document, config
        self.checkpoint = folder / "checkpoint.pt"
        self.log = folder / "log.jsonl"
        self.step = self.tokens = 0
        self.parameters = list(model.parameters())
        self.pool = ThreadPoolExecutor(config.threads)
        folder.mkdir(parents=True, exist_ok=True)
        matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
        others = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed" in name]
        self.optimisers: tuple[tuple[torch.optim.Optimizer, float], ...] = (
            (Muon(matrices, lr=config.matrix_lr, workers=self.pool), config.matrix_lr),
            (
                torch.optim.AdamW(others, lr=config.embedding_lr, betas=(0.9, 0.95), weight_decay=0.0),
                config.embedding_lr,
            ),
        )
        if self.checkpoint.exists():
            self._load()

    def run(self, stop_at: int | None = None, each_checkpoint: Callable[[], None] = lambda: None) -> None:
        """Trains until the last step, or until `stop_at`; calls back whenever a checkpoint was written."""
        # A pass on one core beside another waits for nobody; one pass spread over cores waits at every operation, which
        # on a machine that is busy with other work costs up to ten times the speed.
        torch.set_num_threads(1)
        self.model.train()
        saved = time.monotonic()
        last = min(stop_at or self.config.steps, self.config.steps)
        while self.step < last:
            self._one_step()
            if time.monotonic() - saved > 60 * self.config.checkpoint_minutes or self.step == last:
                self._save()
                each_checkpoint()
                saved = time.monotonic()

    def _one_step(self) -> None:
        began = time.monotonic()
        share = learning_rate(self.step, self.config)
        for optimiser, lr in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = lr * share
        first = self.step * self.config.documents_per_step
        documents = [self.document(first + offset) for offset in range(self.config.documents_per_step)]
        predicted = sum(len(document) - 1 for document in documents)
        # The longest first: then the cores end together.
        passes = list(self.pool.map(self._one_pass, reversed(batches(documents, self.config.rows_per_pass))))
        total = sum(loss for loss, _ in passes)
        for position, parameter in enumerate(self.parameters):
            parameter.grad = torch.stack([gradients[position] for _, gradients in passes]).sum(0) / predicted
        if not math.isfinite(total):
            raise FloatingPointError(f"the loss is {total} at step {self.step}: lower the learning rates")
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimiser, _ in self.optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self.tokens += predicted
        record = {
            "step": self.step,
            "loss": round(total / predicted, 4),
            "lr": round(share, 4),
            "tokens": self.tokens,
            "tokens_per_s": round(predicted / (time.monotonic() - began)),
        }
        with self.log.open("a") as log:
            log.write(json.dumps(record) + "\n")

    def _one_pass(self, batch: tuple[torch.Tensor, torch.Tensor]) -> tuple[float, tuple[torch.Tensor, ...]]:
        torch.set_num_threads(1)
        loss = summed_loss(self.model, *batch)
        return loss.item(), torch.autograd.grad(loss, self.parameters)

    def _save(self) -> None:
        state = {
            "step": self.step,
            "tokens": self.tokens,
            "model": self.model.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser, _ in self.optimisers],
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def _load(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True)
        self.model.load_state_dict(state["model"])
        for (optimiser, _), saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.step, self.tokens = state["step"], state["tokens"]
