"""The measure of copies must find copies, and find none where there are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from demo.corpus import FILES, Corpus
from demo.measure import Seen, copies, read_conversations, training_conversations
from demo.train import BackboneRecipe, Documents, read_recipe

LONG = "bat bi hiru lau bost sei zazpi zortzi"


def _small(documents: int = 40) -> BackboneRecipe:
    return read_recipe().model_copy(update={"documents": documents})


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    for name in FILES:
        (tmp_path / name).write_text("Mendian elurra dago gaur goizean.\n" * 20)
    return Corpus(tmp_path)


def test_copies_of_training_conversations_are_found() -> None:
    trained = list(training_conversations(_small(), None))
    report = copies(trained, Seen(trained))
    assert report["share_of_conversations_copied"] == 1
    assert report["share_of_long_replies_copied"] == 1


def test_the_start_of_a_training_conversation_is_a_copy_too() -> None:
    report = copies([("Kaixo", LONG)], Seen([("Kaixo", LONG, "Eta gero?", "Ez dakit.")]))
    assert report["copied_conversations"] == 1


def test_another_question_before_the_same_reply_is_no_copied_conversation() -> None:
    report = copies([("Aupa", LONG), ("Aupa", "Laburra.")], Seen([("Kaixo", LONG), ("Kaixo", "Laburra.")]))
    assert report["copied_conversations"] == 0
    assert (report["copied_long_replies"], report["long_replies"]) == (1, 1)


def test_new_conversations_are_no_copies() -> None:
    recipe = _small()
    documents = Documents(recipe, None)
    fresh = [turns for i in range(40) if len(turns := documents.turns(i, held_out=True)) > 1]
    report = copies(fresh, Seen(training_conversations(recipe, None)))
    assert report["share_of_conversations_copied"] < 0.1


def test_documents_are_the_same_without_the_corpus(corpus: Corpus) -> None:
    recipe = _small()
    with_corpus, without = Documents(recipe, corpus), Documents(recipe, None)
    made = [(with_corpus.turns(i), without.turns(i)) for i in range(300)]
    assert all(full == bare or not bare for full, bare in made)
    assert 0 < sum(not bare for _, bare in made) < 90


def test_rows_are_read_from_jsonl_and_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    messages = [
        {"role": "system", "content": "Gaia: natura."},
        {"role": "user", "content": "Kaixo"},
        {"role": "assistant", "content": LONG},
    ]
    (tmp_path / "rows.jsonl").write_text(json.dumps({"messages": messages}) + "\n")
    (tmp_path / "data").mkdir()
    pq.write_table(pa.Table.from_pylist([{"messages": messages}]), tmp_path / "data" / "train.parquet")
    expected = [("Kaixo", LONG)]
    assert read_conversations(tmp_path / "rows.jsonl") == expected
    assert read_conversations(tmp_path) == expected


def test_a_file_without_conversations_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("")
    with pytest.raises(SystemExit, match="holds no conversations"):
        read_conversations(tmp_path / "rows.jsonl")


def test_a_folder_without_text_is_an_error(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_text("")
    with pytest.raises(ValueError, match="holds no sentences"):
        Corpus(tmp_path)
