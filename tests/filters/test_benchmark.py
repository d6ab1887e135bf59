"""What a benchmark is known by: which n-grams of which items, and which of them are a template's."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.benchmark import (
    LONGEST,
    MOST_SHARING,
    MOST_TEXTS,
    SHORTEST,
    Benchmark,
    BenchmarkReader,
    folded_words,
    gram_hashes,
    word_hashes,
)

TEMPLATE = (
    "Irakurri testua arretaz, aukeratu gero erantzun zuzena, eta idatzi hemen behean dagokion letra hori bakarrik"
)


def benchmark(items: Iterable[Iterable[str]]) -> Benchmark:
    reader = BenchmarkReader("proba")
    for texts in items:
        reader.add(texts)
    return reader.read()


def numbered(start: int, count: int) -> str:
    """Words that no other text has."""
    return " ".join(f"hitz{number}" for number in range(start, start + count))


def held(made: Benchmark, text: str) -> list[int]:
    """The items that have an n-gram of the text."""
    hashes = word_hashes(folded_words(text))
    found = {
        text for length, grams in made.grams.items() for text in grams.find(gram_hashes(hashes, length))[1].tolist()
    }
    return sorted({item for text in found for item in made.items.of(text)})


@pytest.mark.parametrize(("words", "ngram"), [(5, SHORTEST), (10, 10), (40, LONGEST)])
def test_n_is_the_length_of_short_items_within_limits(words: int, ngram: int) -> None:
    """GPT-3's rule: the 5th percentile of the items' lengths, at least 8, at most 13."""
    items = [[numbered(200 * number, words if number < 6 else 150)] for number in range(100)]
    assert benchmark(items).items.ngram == ngram


def test_the_longest_text_of_an_item_is_its_length() -> None:
    items = [[numbered(100 * number, 12), "bai noski baietz", "ez"] for number in range(30)]
    assert benchmark(items).items.ngram == 12


def test_grams_are_those_of_one_text_and_lead_to_all_items_that_have_it() -> None:
    passage = numbered(0, 20)
    made = benchmark([[passage, numbered(100, 9)], [passage, numbered(200, 9)]])
    assert held(made, numbered(7, 8 + made.items.ngram)) == [0, 1]
    across = f"{numbered(20 - 4, 4)} {numbered(100, 4)}"
    assert held(made, across) == []
    assert made.items.ngram == LONGEST
    assert held(made, numbered(200, 9)) == [1], "a shorter text is sought as a whole"
    assert held(made, numbered(200, 8)) == []


def test_words_of_a_template_are_no_sign() -> None:
    few = benchmark([f"{TEMPLATE}: {numbered(100 * number, 12)}"] for number in range(MOST_TEXTS))
    assert held(few, TEMPLATE) == list(range(MOST_TEXTS))
    many = benchmark([f"{TEMPLATE}: {numbered(100 * number, 12)}"] for number in range(MOST_TEXTS + 1))
    assert held(many, TEMPLATE) == []
    assert held(many, f"letra hori bakarrik {numbered(300, 12)}") == [3]
    assert held(many, f"{TEMPLATE} {numbered(300, SHORTEST)}") == [3]
    assert held(many, f"{TEMPLATE} {numbered(300, SHORTEST - 1)}") == [], "most of it is the template's"
    assert held(benchmark([[numbered(0, 9)]] * MOST_TEXTS), numbered(0, 9)) == list(range(MOST_TEXTS))
    assert held(benchmark([[numbered(0, 9)]] * (MOST_TEXTS + 1)), numbered(0, 9)) == []


def test_a_passage_with_many_questions_is_one_and_an_instruction_of_all_items_is_none() -> None:
    passage = benchmark([numbered(0, 20), numbered(100 * item + 100, 12)] for item in range(MOST_SHARING))
    assert held(passage, numbered(0, 20)) == list(range(MOST_SHARING))
    instruction = benchmark([numbered(0, 20), numbered(100 * item + 100, 12)] for item in range(MOST_SHARING + 1))
    assert held(instruction, numbered(0, 20)) == []


def test_ids_and_addresses_are_no_texts() -> None:
    address = "https://eu.wikipedia.org/wiki/Euskal_Herria?lehen=bat&bigarren=bi&hirugarren=hiru"
    made = benchmark([["eus-000-111-222-333-444-555-666-777", address, "Zer da hau, baina?"]] * 2)
    assert held(made, address) == []
    assert made.items.texts == 1
    assert len(made.whole.hashes) == 1


@given(st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=30).map(" ".join), min_size=1, max_size=8))
def test_equal_runs_of_words_have_equal_hashes_and_others_have_not(texts: list[str]) -> None:
    runs: dict[int, tuple[str, ...]] = {}
    for text in texts:
        found = folded_words(text)
        for place, gram in enumerate(gram_hashes(word_hashes(found), 3).tolist()):
            assert runs.setdefault(gram, tuple(found[place : place + 3])) == tuple(found[place : place + 3])
    assert len(set(runs.values())) == len(runs)
