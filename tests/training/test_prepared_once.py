"""What is encoded is kept for the next sitting, and made anew where something that decides it has changed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from schemas.errors import InputError, StorageError
from schemas.training import TrainingRecipe
from tests.support.training_examples import only, prepared, row, text, texts, tokenizer
from tests.support.training_models import BACKBONE, documents, rows
from training.examples import prepare
from training.loss_mask import Encoder


def test_a_run_that_has_begun_takes_what_was_prepared_without_the_sources(tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(i) for i in range(40)])
    data = {"conversations": [{"source": str(source)}], "held_out_share": 0.3}
    first = prepared(tmp_path, data)
    source.unlink()
    second = prepared(tmp_path, data, begun=True)
    assert list(second.train) == list(first.train)
    assert texts(second, "conversations-eu") == texts(first, "conversations-eu")
    assert (second.sources, second.warnings, second.packing) == (first.sources, first.warnings, first.packing)


def test_a_second_sitting_reads_no_source_that_has_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(i) for i in range(5)])
    data = {"conversations": [{"source": str(source)}], "held_out_share": 0}
    first = prepared(tmp_path, data)
    monkeypatch.setattr(Encoder, "conversation", None)
    assert list(prepared(tmp_path, data).train) == list(first.train)


def test_a_source_that_has_changed_is_prepared_anew_unless_the_run_has_begun(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    told = {
        "a file": str(folder / "train.jsonl"),
        "a folder": str(folder),
        "a glob": str(folder / "*.jsonl"),
    }
    for name, source in told.items():
        old, new = row(1), row(2)
        path = rows(folder / "train.jsonl", [old])
        data = {"conversations": [{"source": source}], "held_out_share": 0}
        assert texts(prepared(tmp_path / name, data)).keys() == {text(old)}
        before = path.stat()
        rows(path, [new])
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
        assert path.stat().st_size == before.st_size
        assert texts(prepared(tmp_path / name, data, begun=True)).keys() == {text(old)}
        assert texts(prepared(tmp_path / name, data)).keys() == {text(new)}


def test_a_file_that_joins_a_corpus_prepares_it_anew(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    documents(folder / "a.txt", ["Lehenengo testua."])
    data = {"corpus": [{"source": str(folder), "language": "eu"}], "held_out_share": 0}
    assert only(prepared(tmp_path, data)).read == 1
    documents(folder / "b.txt", ["Bigarren testua."])
    assert only(prepared(tmp_path, data)).read == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"data": {"held_out_share": 0.1}},
        {"context": {"max_length": 32}},
        {"context": {"max_length": 64, "loss_on": "all"}},
        {"optimisation": {"seed": 7}},
        {"languages": ["eu", "en"]},
    ],
)
def test_what_decides_the_data_prepares_them_anew(tmp_path: Path, changed: dict[str, Any]) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(i) for i in range(5)])
    data = {"conversations": [{"source": str(source)}], "held_out_share": 0}
    prepared(tmp_path, data)
    source.unlink()
    with pytest.raises(InputError, match="rows"):
        prepared(tmp_path, {**data, **changed.pop("data", {})}, **changed)


def test_another_chat_template_prepares_them_anew(tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(i) for i in range(5)])
    told = {"name": "proba", "model": str(BACKBONE), "languages": ["eu"]}
    recipe = TrainingRecipe.model_validate({**told, "data": {"conversations": [{"source": str(source)}]}})
    first = prepare(recipe, tokenizer(), tmp_path / "data")
    other = AutoTokenizer.from_pretrained(BACKBONE)
    other.chat_template = other.chat_template.replace("'<|user|>'", "'<|user|>:'")
    second = prepare(recipe, other, tmp_path / "data")
    assert only(second).tokens == only(first).tokens + 5


def test_a_kill_while_preparing_leaves_nothing_that_is_taken_for_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(i) for i in range(20)])
    data = {"conversations": [{"source": str(source)}], "held_out_share": 0}
    read = 0

    def killed(self: Encoder, messages: Any) -> Any:
        nonlocal read
        read += 1
        if read == 10:
            raise KeyboardInterrupt
        return encode(self, messages)

    encode = Encoder.conversation
    with monkeypatch.context() as patch:
        patch.setattr(Encoder, "conversation", killed)
        with pytest.raises(KeyboardInterrupt):
            prepared(tmp_path, data)
    assert (tmp_path / "data").is_dir()
    assert only(prepared(tmp_path, data)).trained == 20


def test_a_plan_that_cannot_be_read_is_made_anew(tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(i) for i in range(5)])
    data = {"conversations": [{"source": str(source)}], "held_out_share": 0}
    first = prepared(tmp_path, data)
    plan = tmp_path / "data" / "plan.json"
    plan.write_text(json.dumps({"fingerprint": json.loads(plan.read_text())["fingerprint"]}))
    assert prepared(tmp_path, data).sources == first.sources


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(0)])
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"data cannot be written: .*; free some space, or"):
        prepared(tmp_path / "file", {"conversations": [{"source": str(source)}], "held_out_share": 0})
