"""Protected pieces come back as they were."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from generators.protection import placeholders, protect
from tests.languages.test_protected_text import TEXTS


@given(TEXTS)
def test_a_round_trip_is_the_identity(text: str) -> None:
    protected = protect(text)
    assert protected.restored(protected.text) == text
    assert protected.intact(protected.text)


@given(TEXTS)
def test_placeholders_are_the_only_marks_left(text: str) -> None:
    protected = protect(text)
    numbers = re.findall(r"⟦(\d+)⟧", protected.text)
    assert numbers == [str(number) for number in range(1, len(protected.pieces) + 1)]
    assert not re.search("[⟦⟧]", re.sub(r"⟦\d+⟧", "", protected.text))


@given(TEXTS)
def test_placeholders_may_change_their_places(text: str) -> None:
    protected = protect(text)
    turned = " ".join(f"⟦{number}⟧" for number in range(len(protected.pieces), 0, -1))
    assert protected.intact(turned)
    assert protected.restored(turned) == " ".join(reversed(protected.pieces))


def test_numbered_in_order() -> None:
    protected = protect("Call `f` with {name} at https://a.eus/b.")
    assert protected.text == "Call ⟦1⟧ with ⟦2⟧ at ⟦3⟧."
    assert protected.pieces == ("`f`", "{name}", "https://a.eus/b")
    assert protected.restored("⟦3⟧ helbidean, deitu ⟦ 1 ⟧-ri ⟦2⟧ emanda") == (
        "https://a.eus/b helbidean, deitu `f`-ri {name} emanda"
    )


@pytest.mark.parametrize(
    "text", ["Deitu ⟦2⟧", "Deitu ⟦1⟧, ⟦1⟧ eta ⟦2⟧", "⟦1⟧ ⟦2⟧ ⟦3⟧", "⟦0⟧ ⟦1⟧ ⟦2⟧", "deitu", "[1] [2]"]
)
def test_what_is_lost_doubled_or_invented_is_seen(text: str) -> None:
    assert not protect("Call `f` with {name}").intact(text)


def test_invented_placeholders_stay_to_be_seen() -> None:
    protected = protect("Call `f`")
    assert protected.restored("⟦1⟧ ⟦2⟧ ⟦0⟧") == "`f` ⟦2⟧ ⟦0⟧"
    assert placeholders("⟦1⟧ ⟦2⟧ ⟦2⟧") == {1: 1, 2: 2}


@pytest.mark.parametrize(
    ("text", "empty"),
    [("```\na = 1\n```", True), ("$x$ = 42?", True), ("https://a.eus/b\n`x`", True), ("`x` da", False), ("", True)],
)
def test_whether_anything_is_left_to_translate(text: str, empty: bool) -> None:
    assert protect(text).empty is empty
