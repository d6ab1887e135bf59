"""What a recipe is trained and evaluated on: mixed, counted and held out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.errors import DatasetError
from schemas.problems import first_problem
from schemas.training import TrainingData, TrainingRecipe
from tests.support.dataset_rows import exchange, write_parquet
from tests.support.training_examples import only, prepared, row, text, texts
from tests.support.training_models import documents, rows
from training.examples import Examples
from training.loss_mask import IGNORED
from training.mixture import content_of, held_out


def taken_out(examples: Examples) -> list[str]:
    """What is said of sequences that were taken out since they equal held-out ones."""
    return [line for line in examples.warnings if "equal held-out ones" in line]


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
    expected = {text(one) for one in made if held_out(content_of(one["messages"]), 0.3)}
    talks, papers = texts(examples, "conversations-eu"), texts(examples, "corpus-eu")
    assert talks.keys() == expected and 5 < len(expected) < 40 and set(talks.values()) == {1}
    assert 5 < len(papers) < 40 and set(papers.values()) == {1}
    assert not texts(examples).keys() & (talks.keys() | papers.keys())
    assert len(texts(examples)) == 120 - len(talks) - len(papers)


def test_equal_rows_are_on_one_side_in_whichever_files_and_under_whichever_ids(tmp_path: Path) -> None:
    made = [row(i) for i in range(60)]
    first = rows(tmp_path / "first.jsonl", made * 3)
    second = rows(tmp_path / "second.jsonl", [{**one, "id": f"other {one['id']}"} for one in reversed(made)])
    corpus = ["Lehenengo testua.", "Bigarren testua.", *(f"{i}. testua" for i in range(30))]
    papers = [documents(tmp_path / f"{name}.txt", texts) for name, texts in (("a", corpus), ("b", corpus[::-1]))]
    data = {
        "conversations": [{"source": str(first)}, {"source": str(second)}],
        "corpus": [{"source": str(path), "language": "eu"} for path in papers],
        "held_out_share": 0.3,
    }
    examples = prepared(tmp_path, data)
    talks, read = texts(examples, "conversations-eu"), texts(examples, "corpus-eu")
    assert set(talks.values()) == {4} and set(read.values()) == {2}
    assert texts(examples).keys() == {*map(text, made), *corpus} - talks.keys() - read.keys()
    assert taken_out(examples) == []


def test_a_config_is_parted_alike_whichever_others_a_source_reads(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    made = {"magpie": [row(i) for i in range(40)], "grounded": [row(i, mode="grounded") for i in range(40)]}
    checked = [row(i) for i in range(40, 45)]
    card = "---\nconfigs:\n"
    for mode, train in made.items():
        (folder / mode).mkdir(parents=True)
        write_parquet(folder / mode / "train.parquet", train)
        card += f"- config_name: {mode}-eu\n  data_files:\n  - {{split: train, path: {mode}/train.parquet}}\n"
        if mode == "magpie":
            write_parquet(folder / mode / "validation.parquet", checked)
            card += "  - {split: validation, path: magpie/validation.parquet}\n"
    (folder / "README.md").write_text(f"{card}---\n")

    def held(*sources: dict[str, Any]) -> set[str]:
        told = [{"source": str(folder), **source} for source in sources]
        examples = prepared(tmp_path / "run", {"conversations": told, "held_out_share": 0.3})
        assert taken_out(examples) == []
        return set(texts(examples, "conversations-eu"))

    grounded = {text(one) for one in made["grounded"] if held_out(content_of(one["messages"]), 0.3)}
    assert held({"modes": ["grounded"]}) == grounded
    assert held({}) == held({"modes": ["magpie"]}, {"modes": ["grounded"]}) == grounded | set(map(text, checked))


def test_what_is_held_out_by_one_source_is_taken_out_of_the_others_and_counted(tmp_path: Path) -> None:
    made = [row(i) for i in range(20)]
    source = rows(tmp_path / "rows.jsonl", made)
    other = rows(tmp_path / "other.jsonl", made[:6])
    data = {
        "conversations": [{"source": str(source), "weight": 2}],
        "held_out": [{"source": str(other)}],
        "held_out_share": 0,
    }
    examples = prepared(tmp_path, data)
    assert texts(examples) == Counter({text(one): 2 for one in made[6:]})
    assert texts(examples, "conversations-eu") == Counter(map(text, made[:6]))
    count = examples.sources[0]
    assert (count.read, count.trained) == (20, 28)
    assert count.tokens == sum(len(pack["input_ids"]) for pack in examples.train)
    assert count.loss_tokens == sum(label != IGNORED for pack in examples.train for label in pack["labels"])
    assert taken_out(examples) == [
        "data.conversations.0: rows.jsonl: 6 sequences equal held-out ones, and are not trained on"
    ]


def test_what_is_only_evaluated_on_is_not_trained_on_and_measured_on_whole(tmp_path: Path) -> None:
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
    assert texts(examples, "conversations-en") == Counter(map(text, english))
    assert not any("-en " in one for one in texts(examples))
    assert examples.sources[1].trained == examples.sources[1].tokens == 0 and examples.sources[1].read == 60


def test_a_share_of_what_is_only_evaluated_on_is_what_training_on_it_would_hold_out(tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(i) for i in range(5)])
    other = rows(tmp_path / "english.jsonl", [row(i, "en") for i in range(60)])
    english = {"source": str(other), "languages": ["en"]}
    conversations = [{"source": str(source)}]
    untaught = {"conversations": conversations, "held_out": [{**english, "share": 0.3}]}
    taught = {"conversations": [*conversations, english], "held_out_share": 0.3}
    measured = texts(prepared(tmp_path / "untaught", untaught), "conversations-en")
    assert measured == texts(prepared(tmp_path / "taught", taught, languages=["eu", "en"]), "conversations-en")
    assert 5 < measured.total() < 40


def test_of_what_is_only_evaluated_on_the_validation_split_is_where_it_has_one(tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(i) for i in range(5)])
    folder = tmp_path / "own"
    (folder / "data").mkdir(parents=True)
    validation = [row(i, "en") for i in range(40, 45)]
    for split, made in (("train", [row(i, "en") for i in range(40)]), ("validation", validation)):
        write_parquet(folder / "data" / f"{split}-00000.parquet", made)
    for share in ({}, {"share": 0.01}):
        told = {"source": str(folder), "languages": ["en"], **share}
        examples = prepared(tmp_path, {"conversations": [{"source": str(source)}], "held_out": [told]})
        assert texts(examples, "conversations-en") == Counter(map(text, validation))


def test_a_share_of_what_is_trained_on_is_refused_with_what_is_meant() -> None:
    with pytest.raises(ValidationError) as caught:
        TrainingData.model_validate({"conversations": [{"source": "a/b", "share": 0.5}]})
    assert first_problem(caught.value)[1] == (
        "conversations.0.share: only sources of data.held_out have one; to train on fewer rows, set rows or weight"
    )


def test_a_language_that_is_named_twice_is_refused() -> None:
    told = {"name": "proba", "model": "a/b", "data": {"conversations": [{"source": "a/b"}]}, "languages": ["eu", "eu"]}
    with pytest.raises(ValidationError) as caught:
        TrainingRecipe.model_validate(told)
    assert first_problem(caught.value) == ("languages", "eu is named twice")


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


def test_what_was_asked_for_and_is_not_there_is_told(tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(i) for i in range(4)])
    data = {"conversations": [{"source": str(source)}], "held_out_share": 1e-9}
    told = prepared(tmp_path / "some", data, languages=["eu", "gl"]).warnings
    assert told[-2:] == (
        "languages.1: nothing in gl is trained on",
        "data.held_out_share: nothing of conversations-eu is held out, so its loss will not be known; raise it",
    )
    assert prepared(tmp_path / "none", {**data, "held_out_share": 0}).warnings == (), "as it was asked for"


def test_a_weight_that_draws_nothing_is_told(tmp_path: Path) -> None:
    source = rows(tmp_path / "rows.jsonl", [row(i) for i in range(5)])
    data = {"conversations": [{"source": str(source), "weight": 0.01}], "held_out_share": 0}
    with pytest.raises(DatasetError) as caught:
        prepared(tmp_path, data)
    told = "data.conversations.0: rows.jsonl: weight 0.01 draws none of 5 sequences"
    assert str(caught.value) == f"data: nothing is left to train on; {told}"
    corpus = documents(tmp_path / "corpus.txt", ["Lehenengo testua."])
    both = {**data, "corpus": [{"source": str(corpus), "language": "eu"}]}
    assert told in prepared(tmp_path, both).warnings
