"""Words, their pieces, and how a text is held against those of a corpus."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from languages.words import (
    LONGEST,
    MOST_WORDS,
    PIECE,
    WordStatistics,
    count_words,
    has_words,
    pieces_of,
    read_words,
    words_of,
)
from schemas.errors import LanguageError
from tests.support.made_up_language import gibberish, sentences

LETTERS = st.text(st.characters(categories=["L"]), min_size=1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Zer da HAU?", ["zer", "da", "hau"]),
        ("l'eau, 3 ordu eta 2x", ["l", "eau", "ordu", "eta", "x"]),
        ("snake_case", ["snake", "case"]),
        ("भाषा", ["भाषा"]),
        ("བོད་ཡིག", ["བོད", "ཡིག"]),
        ("... 123 😀", []),
    ],
)
def test_words_are_runs_of_letters_in_any_script(text: str, words: list[str]) -> None:
    assert words_of(text) == words
    assert has_words(text) == bool(words)


def test_a_word_without_end_is_cut() -> None:
    assert words_of("a" * 1000) == ["a" * LONGEST]


@given(LETTERS)
def test_pieces_cover_a_word_and_its_boundaries(word: str) -> None:
    pieces = list(pieces_of(word))
    assert pieces[0].startswith(" ")
    assert pieces[-1].endswith(" ")
    assert all(len(piece) == PIECE for piece in pieces) or len(word) + 2 < PIECE
    assert pieces[0] + "".join(piece[-1] for piece in pieces[1:]) == f" {word} "


def test_counts_are_the_same_in_any_order() -> None:
    lines = sentences(200)
    assert count_words(lines).dump() == count_words(reversed(lines)).dump()


def test_the_most_frequent_words_come_first_and_equal_ones_by_the_alphabet() -> None:
    assert count_words(["b a", "c a"]).counts == {"a": 2, "b": 1, "c": 1}


def test_words_seen_once_are_left_out_once_there_are_many_others() -> None:
    repeated = [f"w{'abcdefghij'[i % 10]}{chr(0x4E00 + i)}" for i in range(MOST_WORDS // 10)]
    lines = [" ".join(repeated)] * 2
    assert "hapax" in count_words([*lines[:1], "hapax"]).counts
    assert "hapax" not in count_words([*lines, "hapax"]).counts


def test_what_the_corpus_has_is_seen_and_what_it_has_not_is_not() -> None:
    statistics = count_words(sentences(2000))
    for line in sentences(50, seed=2):
        assert statistics.unseen(words_of(line)) < 0.1
    for seed in range(20):
        assert statistics.unseen(words_of(gibberish(8, seed))) > 0.6
    assert statistics.unseen([]) == 0


def test_an_inflected_word_is_seen_by_its_pieces() -> None:
    statistics = count_words(["mendiaren mendietan etxearen"])
    assert statistics.unseen(["mendiaren"]) == 0
    assert 0 < statistics.unseen(["etxeetan"]) < 0.8


@given(st.lists(st.text()))
def test_statistics_can_be_read_again(lines: list[str]) -> None:
    statistics = count_words(lines)
    assert all(0 <= statistics.unseen(words_of(line)) <= 1 for line in lines)
    text = statistics.dump()
    assert text.count("\n") == len(statistics.counts)
    assert dict(line.split("\t") for line in text.splitlines()) == {w: str(n) for w, n in statistics.counts.items()}


def test_reading_gives_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "words.tsv"
    statistics = count_words(sentences(100))
    path.write_text(statistics.dump(), encoding="utf-8")
    assert read_words(path) == statistics


@pytest.mark.parametrize(
    ("content", "where"),
    [(b"eta\t2\nda", "line 2"), (b"eta\tmany\n", "line 1"), (b"\xff\t1\n", "cannot be read"), (b"", "no word")],
)
def test_what_is_no_statistics_is_named_with_the_cure(tmp_path: Path, content: bytes, where: str) -> None:
    path = tmp_path / "words.tsv"
    path.write_bytes(content)
    with pytest.raises(LanguageError, match="iturri language new") as caught:
        read_words(path)
    assert str(path) in str(caught.value)
    assert where in str(caught.value)
    path.unlink()
    with pytest.raises(LanguageError, match="cannot be read"):
        read_words(path)


def test_statistics_do_not_flood_a_message() -> None:
    assert repr(WordStatistics({"eta": 1})) == "WordStatistics()"
