"""Exports: the rows of a build as trainers read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from datasets import load_dataset

from publishers.export import Exported, export
from publishers.manifest import write_manifest
from publishers.training_formats import LAYOUTS
from schemas.conversation import Conversation, Message
from schemas.errors import PublishError, StorageError
from schemas.training_format import TrainingFormat
from tests.support.publishers_builds import conversation, manifest, seal

MODEL = "group/model-8b"
QUESTION, ANSWER = "Kaixo! Nola egiten da 0. ogia?", "Irina, ura, gatza eta legamia nahastu 🍞,\ngero labean erre."


def exported(build: Path, target: Path, layout: TrainingFormat) -> Exported:
    return export(build, target, layout, model=MODEL if LAYOUTS[layout].configs is not None else None)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


def test_every_format_has_a_layout() -> None:
    assert set(LAYOUTS) == set(get_args(TrainingFormat))


@pytest.mark.parametrize("layout", get_args(TrainingFormat))
def test_all_rows_are_there_in_order_and_a_repeat_is_the_same(
    build: Path, tmp_path: Path, layout: TrainingFormat
) -> None:
    done = exported(build, tmp_path / "out", layout)
    assert done.files[:2] == ("magpie-eu-train.jsonl", "magpie-eu-validation.jsonl")
    assert sorted(done.files) == sorted(path.name for path in (tmp_path / "out").iterdir())
    assert done.bytes == sum(path.stat().st_size for path in (tmp_path / "out").iterdir())
    train = lines(tmp_path / "out" / "magpie-eu-train.jsonl")
    assert (done.rows, len(train)) == (8, 6)
    assert [str(number) in json.dumps(row) for number, row in enumerate(train)] == [True] * 6
    assert "🍞" in (tmp_path / "out" / "magpie-eu-train.jsonl").read_text(encoding="utf-8")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert exported(build, tmp_path / "out", layout) == done
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_trl_reads_messages(build: Path, tmp_path: Path) -> None:
    exported(build, tmp_path / "out", "trl")
    rows = load_dataset(
        "json", data_files=str(tmp_path / "out" / "magpie-eu-train.jsonl"), cache_dir=str(tmp_path / "cache")
    )["train"]
    assert rows.column_names == ["messages"]
    assert rows[0]["messages"] == [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": ANSWER}]


def test_what_axolotl_is_told(build: Path, tmp_path: Path) -> None:
    exported(build, tmp_path / "out", "axolotl")
    told = yaml.safe_load((tmp_path / "out" / "axolotl.yaml").read_text())
    (train,), (validation,) = told["datasets"], told["test_datasets"]
    assert (train["path"], train["type"], train["field_messages"]) == (
        "magpie-eu-train.jsonl",
        "chat_template",
        "messages",
    )
    assert (validation["path"], validation["split"]) == ("magpie-eu-validation.jsonl", "train")


def test_what_llamafactory_is_told(build: Path, tmp_path: Path) -> None:
    exported(build, tmp_path / "out", "llamafactory")
    told = json.loads((tmp_path / "out" / "dataset_info.json").read_text())
    assert set(told) == {"magpie_eu_train", "magpie_eu_validation"}
    about = told["magpie_eu_train"]
    assert about["formatting"] == "sharegpt"
    (row, *_) = lines(tmp_path / "out" / about["file_name"])
    (first, *_) = row[about["columns"]["messages"]]
    tags = about["tags"]
    assert first == {tags["role_tag"]: tags["user_tag"], tags["content_tag"]: QUESTION}


def of_many_turns(**changes: Any) -> Conversation:
    messages = [("system", "Testua: ogia."), ("user", "Zer?"), ("assistant", "Hau."), ("user", "Eta?")]
    turns = tuple(Message(role=role, content=content) for role, content in [*messages, ("assistant", "Hori.")])
    return conversation(0, **{"messages": turns, "exchanges": 2, **changes})


def built(folder: Path, row: Conversation) -> Path:
    write_manifest(manifest((seal(folder, "grounded", "train", 0, [row]),)), folder)
    return folder


def test_sharegpt_and_alpaca_have_the_whole_conversation(tmp_path: Path) -> None:
    build = built(tmp_path / "build", of_many_turns())
    exported(build, tmp_path / "sharegpt", "sharegpt")
    (row,) = lines(tmp_path / "sharegpt" / "grounded-eu-train.jsonl")
    assert [turn["from"] for turn in row["conversations"]] == ["system", "human", "gpt", "human", "gpt"]
    assert row["conversations"][-1]["value"] == "Hori."
    exported(build, tmp_path / "alpaca", "alpaca")
    (row,) = lines(tmp_path / "alpaca" / "grounded-eu-train.jsonl")
    assert row == {
        "instruction": "Eta?",
        "input": "",
        "output": "Hori.",
        "system": "Testua: ogia.",
        "history": [["Zer?", "Hau."]],
    }


def test_a_row_that_alpaca_cannot_hold_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    odd = of_many_turns(messages=(Message(role="user", content="Zer?"),))
    with pytest.raises(PublishError, match=f"row {odd.id} is no sequence of questions and answers"):
        exported(built(tmp_path / "build", odd), tmp_path / "out", "alpaca")
    assert list((tmp_path / "out").iterdir()) == []


def test_jsonl_has_every_column(build: Path, tmp_path: Path) -> None:
    exported(build, tmp_path / "out", "jsonl")
    (row, *_) = lines(tmp_path / "out" / "magpie-eu-train.jsonl")
    assert Conversation.model_validate(row) == conversation(0)


def test_other_files_are_not_mixed_with(build: Path, tmp_path: Path) -> None:
    exported(build, tmp_path / "out", "llamafactory")
    with pytest.raises(StorageError, match=r"holds dataset_info.json, which is not of this export"):
        exported(build, tmp_path / "out", "trl")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="is no folder to write to"):
        exported(build, tmp_path / "file", "trl")


def test_a_damaged_build_is_not_exported(build: Path, tmp_path: Path) -> None:
    (shard, *_) = sorted((build / "data").rglob("*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    with pytest.raises(PublishError, match="is damaged"):
        exported(build, tmp_path / "out", "trl")
    assert not (tmp_path / "out").exists()
