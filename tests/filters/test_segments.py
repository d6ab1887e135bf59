from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from filters.segments import SEGMENT_CHARACTERS, SEGMENT_LETTERS, letters, segments


@given(st.text(st.sampled_from("ab. \n!1é"), max_size=4_000))
def test_segments_lose_nothing_and_can_be_told_by_themselves(text: str) -> None:
    made = list(segments(text))
    assert "".join("".join(made).split()) == "".join(text.split())
    assert len(made) <= 1 or all(letters(segment) >= SEGMENT_LETTERS for segment in made)


def test_segments_are_bounded() -> None:
    made = list(segments(f"Bai. {'luzea ' * 1000}. Ez."))
    assert all(len(segment) <= 2 * SEGMENT_CHARACTERS for segment in made)
    assert list(segments("")) == []


def test_sentences_are_segments_of_their_own() -> None:
    one, two = "a" * SEGMENT_LETTERS + ".", "b" * SEGMENT_LETTERS + "!"
    assert list(segments(f"{one} {two}\nBai.")) == [one, f"{two} Bai."]
