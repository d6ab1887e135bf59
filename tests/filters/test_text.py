from __future__ import annotations

import pytest

from filters.text import excerpt, fold, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Zer da hau?", ["Zer", "da", "hau"]),
        ("x_1 = 2,5", ["x_1", "2", "5"]),
        ("हिन्दी में कविता", ["हिन्दी", "में", "कविता"]),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_texts_that_a_reader_would_call_the_same_fold_to_one() -> None:
    assert fold("  ZER\tda ﬁn\n") == fold("zer da fin")


def test_an_excerpt_is_one_short_line() -> None:
    assert excerpt("bat\nbi  hiru") == "bat bi hiru"
    assert excerpt("bat bi hiru", 8) == "bat bi…"
    assert excerpt("half \ud800") == "half ?"
