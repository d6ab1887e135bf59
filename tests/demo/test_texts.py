"""The corpus texts: well formed, all different, the same for the same seed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from demo.texts import texts, write

COUNT = 600


@pytest.fixture(scope="module")
def made() -> list[str]:
    return list(texts(COUNT, seed=7))


def test_the_same_seed_writes_the_same(made: list[str]) -> None:
    assert list(texts(COUNT, seed=7)) == made
    assert list(texts(COUNT, seed=8)) != made


def test_no_text_comes_twice(made: list[str]) -> None:
    assert len(set(made)) == COUNT


def test_no_slot_is_left_open_and_spaces_are_single(made: list[str]) -> None:
    wrong = re.compile(r"[{}\[\]|]|  |\.\.| [.,]|^\s|\s$|None")
    assert [text for text in made if wrong.search(text)] == []


def test_texts_are_three_to_nine_sentences_and_ask_nothing(made: list[str]) -> None:
    assert [text for text in made if not 3 <= len(re.findall(r"[.!](?: |$)", text)) <= 9 or "?" in text] == []


def test_written_rows_have_an_id_and_a_text(tmp_path: Path) -> None:
    write(tmp_path / "texts.jsonl", 20, seed=7)
    rows = [json.loads(line) for line in (tmp_path / "texts.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len({row["id"] for row in rows}) == 20
    assert [row["text"] for row in rows] == list(texts(20, seed=7))
