"""Reasoning is taken off the beginning of a reply, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.reasoning import BLOCKS, left_open, strip_reasoning

blocks = pytest.mark.parametrize(("opening", "closing"), BLOCKS)
plain = st.text(alphabet="ab \n.`<>|/[]1ñ", max_size=40)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>\nUra zer den.\n</think>\n\nEdaria.", "Edaria."),
        ("\n<think>bat</think><think>bi</think>\nEdaria.", "Edaria."),
        ("<think></think>Edaria.", "Edaria."),
        ("<think>\nUra zer den, eta zergatik", ""),
        ("<think>\n\n</think>\n\n", ""),
        ("[THINK]Ura zer den.[/THINK]Edaria.", "Edaria."),
        ("<|inner_prefix|>Ura.<|inner_suffix|>Edaria.", "Edaria."),
        ("</think>\n\nEdaria.", "Edaria."),
        ("</think>Edaria.", "Edaria."),
        ("Ura zer den galdetu du.\n</think>\n\nEdaria.", "Edaria."),
        ("<|channel|>analysis<|message|>Ura.<|end|><|start|>assistant<|channel|>final<|message|>Edaria.", "Edaria."),
        ("<|channel|>final<|message|>Edaria.<|return|>", "Edaria."),
        ("<|channel|>analysis<|message|>Ura zer den", ""),
        ("<|start|>assistant<|channel|>commentary<|message|>Ura.<|end|>", ""),
        ("analysisThe user asks.assistantfinalEdaria.", "Edaria."),
    ],
)
def test_reasoning_goes(text: str, left: str) -> None:
    assert strip_reasoning(text) == (left, True)


@pytest.mark.parametrize(
    "text",
    [
        "Edaria.",
        "",
        " Edaria da.\n",
        "`<think>` etiketak pentsamendua irekitzen du, eta `</think>` etiketak ixten.",
        "Idatzi hau:\n```xml\n<think>\nbat\n</think>\n```\nEta kito.",
        "Hona:\n<think>\nbat\n</think>\nHori da eredua.",
        "Amaieran honela ixten da: </think>. Besterik ez.",
        "Hona:\n```\n</think>\n```",
        "analysis hitza ingelesa da.",
        "Kanalak <|channel|>analysis eta <|channel|>final dira.",
        "<thinker> ez da etiketa.",
    ],
)
def test_what_is_no_reasoning_stays(text: str) -> None:
    assert strip_reasoning(text) == (text, False)


@blocks
@given(reasoning=plain, reply=plain)
def test_what_follows_a_block_is_the_reply(opening: str, closing: str, reasoning: str, reply: str) -> None:
    left, stripped = strip_reasoning(f"{opening}{reasoning}{closing}a{reply}")
    assert stripped
    assert left == f"a{reply}"


@blocks
@given(reasoning=plain)
def test_nothing_is_left_of_unfinished_reasoning(opening: str, closing: str, reasoning: str) -> None:
    assert strip_reasoning(opening + reasoning.replace(closing, "")) == ("", True)


pieces = st.sampled_from([mark for block in BLOCKS for mark in block] + ["<|channel|>", "final", "<|message|>", "```"])


@given(st.lists(pieces | plain, max_size=8).map("".join))
def test_stripping_takes_off_the_front_and_leaves_nothing_to_strip(text: str) -> None:
    left, stripped = strip_reasoning(text)
    assert left in text
    assert stripped or left == text
    assert strip_reasoning(left) == (left, False)


@pytest.mark.timeout(30)
def test_half_a_million_blocks_get_an_answer() -> None:
    assert strip_reasoning("<think></think>" * 500_000 + "Edaria.") == ("Edaria.", True)


def test_an_open_block_is_told_from_a_closed_one() -> None:
    assert left_open("<think>\n") == "</think>"
    assert left_open("<think>bat</think>\n[THINK]") == "[/THINK]"
    assert left_open("<think>\n\n</think>\n\n") is None
    assert left_open("Kaixo") is None
