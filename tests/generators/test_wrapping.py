"""What models put around a translation is taken off where there is no doubt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.wrapping import unwrapped


@pytest.mark.parametrize(
    ("text", "source", "left"),
    [
        ("Hona hemen itzulpena:\n\nKaixo, mundua!", "Hello, world!", "Kaixo, mundua!"),
        ("**Itzulpena:**\n\nKaixo!", "Hello!", "Kaixo!"),
        ('"Kaixo, mundua!"', "Hello, world!", "Kaixo, mundua!"),
        ('Itzulpena:\n\n"Kaixo!"\n', "Hello!", "Kaixo!"),
        ("«Kaixo!»", "Hello!", "Kaixo!"),
    ],
)
def test_labels_and_quotes_go(text: str, source: str, left: str) -> None:
    assert unwrapped(text, source) == left


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("Osagaiak:\n\n- ura", "Ingredients:\n\n- water"),
        ("Adibidez: ura", "For example, water"),
        ("Lehenik:\nura berotu", "First heat water"),
        ('"Kaixo!"', '"Hello!"'),
        ('"Bai" eta "ez"', 'Both "yes" and "no"'),
        ('"Bai" eta "ez"', "Yes and no"),
        ("Itzulpena:", "Translation"),
        ('""', "Hello"),
        ('"', "Hello"),
        ("", "Hello"),
    ],
)
def test_what_the_source_may_have_said_stays(text: str, source: str) -> None:
    assert unwrapped(text, source) == text


@given(st.text(alphabet='ab:"«»\n *', max_size=30), st.text(alphabet='ab:"«»\n *', max_size=30))
def test_only_the_ends_are_touched_and_something_stays(text: str, source: str) -> None:
    left = unwrapped(text, source)
    assert left in text
    assert bool(left) == bool(text.strip())
