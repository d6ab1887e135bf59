"""What a recipe is trained and evaluated on: mixed, counted, held out, and prepared once."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from schemas.errors import DatasetError, InputError, StorageError
from schemas.training import TrainingRecipe
from schemas.training_report import SourceCount
from tests.support.dataset_rows import exchange, write_parquet
from tests.support.training_models import BACKBONE, documents, rows
from training.examples import Examples, prepare
from training.loss_mask import IGNORED, Encoder
from training.mixture import held_out

Row = dict[str, Any]


@cache
def tokenizer() -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(BACKBONE)


def row(number: int, language: str = "eu", mode: str = "magpie", **more: Any) -> Row:
    turns = exchange(f"{mode}-{language} galdera {number}", f"{mode}-{language} erantzuna {number}")
    return {"id": f"{mode}-{language}-{number}", "language": language, "mode": mode, "messages": turns, **more}


def prepared(folder: Path, data: dict[str, Any], **fields: Any) -> Examples:
    told = {"name": "proba", "model": str(BACKBONE), "languages": ["eu"], "context": {"max_length": 64}, **fields}
    return prepare(TrainingRecipe.model_validate({**told, "data": data}), tokenizer(), folder / "data")


def texts(examples: Examples, name: str | None = None) -> Counter[str]:
    """What is trained on, or held out under a name: each sequence's text without special tokens, how often."""
    packs = examples.train if name is None else examples.held_out[name]
    found: Counter[str] = Counter()
    for pack in packs:
        start = 0
        for length in pack["seq_lengths"]:
            found[tokenizer().decode(pack["input_ids"][start : start + length], skip_special_tokens=True)] += 1
            start += length
    return found


def text(made: Row) -> str:
    return "".join(message["content"] for message in made["messages"])


def only(examples: Examples) -> SourceCount:
    (count,) = examples.sources
    return count


# What is mixed.


def test_conversations_are_counted_by_mode_and_language_beside_a_corpus(tmp_path: Path) -> None:
    made = [row(i, language, mode) for language in ("eu", "en") for mode in ("magpie", "grounded") for i in range(5)]
    source = rows(tmp_path / "rows.jsonl", made)
    corpus = documents(tmp_path / "corpus.txt", ["Lehenengo testua.", "Bigarren testua."])
    data = {
        "conversations": [{"source": str(source)}],
        "corpus": [{"source": str(corpus), "language": "eu"}],
        "held_out_share": 0,
    }
    examples = prepared(tmp_path, data, languages=["eu", "en"])
    assert [(one.kind, one.mode, one.language, one.read, one.trained) for one in examples.sources] == [
        ("conversations", "magpie", "eu", 5, 5),
        ("conversations", "grounded", "eu", 5, 5),
        ("conversations", "magpie", "en", 5, 5),
        ("conversations", "grounded", "en", 5, 5),
        ("corpus", None, "eu", 2, 2),
    ]
    wanted = Counter([text(one) for one in made] + ["Lehenengo testua.", "Bigarren testua."])
    assert texts(examples) == wanted
    assert examples.held_out == {} and [one.language for one in examples.languages] == ["en", "eu"]


def test_tokens_and_learnt_tokens_are_what_the_packs_hold(tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(i) for i in range(30)])
    corpus = documents(tmp_path / "corpus.txt", [f"Testu luze bat, {'eta beste hitz bat ' * 20} {i}" for i in range(5)])
    data = {
        "conversations": [{"source": str(source), "weight": 1.5}],
        "corpus": [{"source": str(corpus), "language": "eu", "weight": 2}],
    }
    examples = prepared(tmp_path, data)
    packs = list(examples.train)
    assert sum(one.tokens for one in examples.sources) == sum(len(pack["input_ids"]) for pack in packs)
    learnt = sum(label != IGNORED for pack in packs for label in pack["labels"])
    assert sum(one.loss_tokens for one in examples.sources) == learnt
    assert sum(one.trained for one in examples.sources) == sum(len(pack["seq_lengths"]) for pack in packs)
    assert examples.packing.packs == len(packs) and examples.packing.sequences == sum(texts(examples).values())
    assert max(len(pack["input_ids"]) for pack in packs) <= 64


def test_a_document_longer_than_the_context_is_learnt_in_pieces(tmp_path: Path) -> None:
    corpus = documents(tmp_path / "corpus.txt", ["hitz " * 200])
    data = {"corpus": [{"source": str(corpus), "language": "eu"}], "held_out_share": 0}
    count = only(prepared(tmp_path, data))
    assert count.read == 1 and count.trained == -(-count.tokens // 64) > 2


def test_a_weight_is_how_often_a_row_is_seen(tmp_path: Path) -> None:
    made = [row(i) for i in range(40)]
    source = rows(tmp_path / "rows.jsonl", made)

    def seen(weight: float) -> Counter[str]:
        data = {"conversations": [{"source": str(source), "weight": weight}], "held_out_share": 0}
        return texts(prepared(tmp_path / str(weight), data))

    assert sorted(seen(0.5).values()) == [1] * 20
    assert Counter(seen(2.25).values()) == {2: 30, 3: 10}
    assert seen(2.25).keys() == {text(one) for one in made}


def test_at_most_so_many_rows_are_drawn_and_then_weighed(tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(i) for i in range(40)])
    data = {"conversations": [{"source": str(source), "rows": 6, "weight": 3}], "held_out_share": 0}
    assert sorted(texts(prepared(tmp_path, data)).values()) == [3] * 6


def test_without_packing_each_sequence_stands_alone(tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(i) for i in range(20)])
    data = {"conversations": [{"source": str(source)}], "held_out_share": 0}
    examples = prepared(tmp_path, data, context={"max_length": 64, "packing": False})
    assert [len(pack["seq_lengths"]) for pack in examples.train] == [1] * 20
    order = list(texts(examples))
    assert order != sorted(order, key=lambda one: int(one.rpartition(" ")[2])), "they are shuffled"


# What is held out.


def test_a_validation_split_is_held_out_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    train, validation = [row(i) for i in range(40)], [row(i) for i in range(40, 45)]
    (folder / "data").mkdir(parents=True)
    for split, made in (("train", train), ("validation", validation)):
        write_parquet(folder / "data" / f"{split}-00000.parquet", made)
    data = {"conversations": [{"source": str(folder), "weight": 2}], "held_out_share": 0.5}
    examples = prepared(tmp_path, data)
    assert texts(examples) == Counter({text(one): 2 for one in train})
    assert texts(examples, "conversations-eu") == Counter(map(text, validation))
    assert only(examples).held_out == 5


def test_elsewhere_a_share_is_held_out_by_hash_and_never_trained_on(tmp_path: Path) -> None:
    made = [row(i) for i in range(60)]
    source = rows(tmp_path / "rows.jsonl", made)
    corpus = documents(tmp_path / "corpus.txt", [f"{i}. testua" for i in range(60)])
    data = {
        "conversations": [{"source": str(source), "weight": 2.5}],
        "corpus": [{"source": str(corpus), "language": "eu", "weight": 3}],
        "held_out_share": 0.3,
    }
    examples = prepared(tmp_path, data)
    expected = {text(one) for one in made if held_out(one["id"], 0.3)}
    talks, papers = texts(examples, "conversations-eu"), texts(examples, "corpus-eu")
    assert talks.keys() == expected and 5 < len(expected) < 40 and set(talks.values()) == {1}
    assert 5 < len(papers) < 40 and set(papers.values()) == {1}
    assert not texts(examples).keys() & (talks.keys() | papers.keys())
    assert len(texts(examples)) == 120 - len(talks) - len(papers)


def test_what_is_only_evaluated_on_is_not_trained_on(tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(i) for i in range(60)])
    english = [row(i, "en") for i in range(60)]
    other = rows(tmp_path / "english.jsonl", english)
    data = {
        "conversations": [{"source": str(source)}],
        "held_out": [{"source": str(other), "languages": ["en"]}],
        "held_out_share": 0.3,
    }
    examples = prepared(tmp_path, data)
    assert sorted(examples.held_out) == ["conversations-en", "conversations-eu"]
    # As much of it as would be held out of training on it, so that all variants of a grid are measured on the same.
    assert texts(examples, "conversations-en").keys() == {text(one) for one in english if held_out(one["id"], 0.3)}
    assert not any("-en " in one for one in texts(examples))
    assert examples.sources[1].trained == examples.sources[1].tokens == 0 and examples.sources[1].read == 60


def test_without_a_share_all_of_what_is_only_evaluated_on_is(tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(i) for i in range(5)])
    other = rows(tmp_path / "english.jsonl", [row(i, "en") for i in range(7)])
    data = {
        "conversations": [{"source": str(source)}],
        "held_out": [{"source": str(other), "languages": ["en"]}],
        "held_out_share": 0,
    }
    assert texts(prepared(tmp_path, data), "conversations-en").total() == 7


# What is left out.


def test_what_is_left_out_is_counted_by_reason(tmp_path: Path) -> None:
    long = [turn for i in range(6) for turn in exchange(f"galdera luzea {i}", f"erantzun luze bat, {i}")]
    made = [
        row(0),
        row(1, messages=exchange("galdera", "  ")),
        row(2, messages=exchange("galdera", "bai")[:1]),
        row(3, messages=long),
        row(4, messages=exchange("hitz " * 80, "bai")),
        row(5, "en"),
        row(6, messages=[{"role": "tool", "content": "42"}]),
    ]
    source = rows(tmp_path / "rows.jsonl", made)
    data = {"conversations": [{"source": str(source)}], "held_out_share": 0}
    examples = prepared(tmp_path / "truncated", data)
    read, unread = examples.sources
    assert read.dropped == {"empty_turn": 1, "roles": 2, "too_long": 1}
    assert (read.read, read.trained, read.truncated) == (6, 2, 1)
    assert (unread.language, unread.read, unread.dropped) == ("und", 1, {"language": 1})
    assert "data.conversations.0: rows.jsonl: 4 of 6 are left out: roles 2, empty_turn 1, too_long 1" in (
        examples.warnings
    )
    dropped = prepared(tmp_path / "dropped", data, context={"max_length": 64, "too_long": "drop"}).sources[0]
    assert dropped.dropped["too_long"] == 2 and dropped.truncated == 0 and dropped.trained == 1


def test_nothing_left_to_train_on_is_one_line_that_says_why(tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(i, messages=exchange("galdera", "")) for i in range(3)])
    with pytest.raises(DatasetError) as caught:
        prepared(tmp_path, {"conversations": [{"source": str(source)}], "held_out_share": 0})
    assert str(caught.value) == (
        "data: nothing is left to train on; data.conversations.0: rows.jsonl: 3 of 3 are left out: empty_turn 3"
    )


def test_everything_held_out_is_told(tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(0)])
    share = 1 - 2**-30
    with pytest.raises(DatasetError, match="nothing is left to train on; all is held out"):
        prepared(tmp_path, {"conversations": [{"source": str(source)}], "held_out_share": share})


# Prepared once.


def test_a_second_sitting_takes_what_was_prepared_without_the_sources(tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(i) for i in range(40)])
    data = {"conversations": [{"source": str(source)}], "held_out_share": 0.3}
    first = prepared(tmp_path, data)
    source.unlink()
    second = prepared(tmp_path, data)
    assert list(second.train) == list(first.train)
    assert texts(second, "conversations-eu") == texts(first, "conversations-eu")
    assert (second.sources, second.warnings, second.packing) == (first.sources, first.warnings, first.packing)


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
