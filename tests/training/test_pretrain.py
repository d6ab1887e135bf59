"""Pretraining: it learns, it resumes in the same data order, it writes weights that load."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM

from training.muon import orthogonalise
from training.pretrain import Pretraining, Shape, Trainer, batches, build_model, export, learning_rate, mean_loss

SHAPE = Shape(hidden=32, intermediate=48, layers=1, head_size=16, max_length=64)
CONFIG = Pretraining(steps=6, documents_per_step=4, rows_per_pass=2, warmup_steps=1, threads=2)


def _document(index: int) -> list[int]:
    return [1, *((index * 7 + k) % 20 + 5 for k in range(6 + index % 3)), 2]


def _model() -> LlamaForCausalLM:
    return build_model(SHAPE, 32, bos=1, eos=2, pad=0, seed=3)


class Recorder:
    """Documents that remember in which order they were asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, index: int) -> list[int]:
        self.asked.append(index)
        return _document(index)


def test_a_resumed_run_sees_the_same_documents_and_ends_alike(tmp_path: Path) -> None:
    whole, first, second = Recorder(), Recorder(), Recorder()
    unbroken = Trainer(_model(), whole, CONFIG, tmp_path / "a")
    unbroken.run()
    Trainer(_model(), first, CONFIG, tmp_path / "b").run(stop_at=3)
    resumed = Trainer(_model(), second, CONFIG, tmp_path / "b")
    assert resumed.step == 3
    resumed.run()
    assert first.asked + second.asked == whole.asked == list(range(24))
    assert resumed.tokens == unbroken.tokens
    for mine, theirs in zip(resumed.model.parameters(), unbroken.model.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_it_learns(tmp_path: Path) -> None:
    documents = [_document(i) for i in range(16)]
    model = _model()
    before = mean_loss(model, documents)
    Trainer(model, _document, CONFIG.model_copy(update={"steps": 40}), tmp_path).run()
    assert mean_loss(model, documents) < 0.7 * before


def test_exported_weights_load_in_bfloat16(tmp_path: Path) -> None:
    model = _model()
    export(model, tmp_path)
    loaded = LlamaForCausalLM.from_pretrained(tmp_path, dtype="auto")
    assert loaded.dtype == torch.bfloat16
    assert model.dtype == torch.float32
    assert loaded.generation_config.eos_token_id == [2]


def test_padding_counts_for_nothing() -> None:
    model = _model()
    alone = mean_loss(model, [[1, 5, 2]])
    beside = mean_loss(model, [[1, 5, 2], [1, 5, 2], [1, 6, 7, 8, 9, 2]])
    longer = mean_loss(model, [[1, 6, 7, 8, 9, 2]])
    assert beside == pytest.approx((2 * 2 * alone + 5 * longer) / 9, rel=1e-4)


def test_batches_hold_every_document_once() -> None:
    made = batches([_document(i) for i in range(5)], rows=2)
    assert [len(ids) for ids, _ in made] == [2, 2, 1]
    assert sum(int((labels != -100).sum()) for _, labels in made) == sum(len(_document(i)) for i in range(5))


def test_the_learning_rate_warms_up_stays_and_falls() -> None:
    config = Pretraining(steps=100, warmup_steps=10, decay=0.4)
    rates = [learning_rate(step, config) for step in range(100)]
    assert rates[0] == 0.1
    assert rates[10] == rates[60] == 1.0
    assert 0 < rates[99] < 0.05


def test_orthogonalised_matrices_have_singular_values_near_one() -> None:
    torch.manual_seed(0)
    for shape in ((24, 12), (12, 24)):
        values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)))
        assert values.min() > 0.6
        assert values.max() < 1.4


def test_a_diverging_run_stops_with_a_reason(tmp_path: Path) -> None:
    model = _model()
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="lower the learning rates"):
        Trainer(model, _document, CONFIG, tmp_path).run()
