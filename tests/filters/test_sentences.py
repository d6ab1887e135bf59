from __future__ import annotations

import pytest

from filters.sentences import sentences

OURS = "Hona hemen gehien gustatzen zaizkidan filmak."


@pytest.mark.parametrize(
    "other",
    [
        "- The Lord of the Rings\n- Gone with the Wind",
        "1. The Lord of the Rings\n   Gone with the Wind\n2) The Silence of",
        "| Izena | Urtea |\n|---|---|\n| Gone with the Wind | 1939 |\n| The Silence of",
        "Gone with the Wind | Fleming | 1939",
        "> Shall I compare thee\n> to a summer's",
        "    with open(path) as the file",
        "\tfor line in the file",
        "```python\nfor line in the file",
        "### The Lord of the Rings",
        "**The Lord of the Rings** *Gone with the Wind* __The Silence__ _To Kill_",
        "*The Lord of the",
        "\"Gone with the Wind\" “The Silence” «To Kill» „The Good“ 'The Bad' ‘The Ugly’",
        '"Gone with\n\nthe Wind',
        "“Gone with the",
        "«Gone with\nthe",
        "„Gone with",
    ],
)
def test_what_may_be_a_list_or_a_quotation_is_left_out(other: str) -> None:
    assert sentences(f"{OURS}\n\n{other}") == OURS
    assert sentences(f"{OURS}\r\n\r\n{other}") == OURS


@pytest.mark.parametrize(
    "text",
    [
        OURS,
        'Pantaila 24" da, eta bestea 27" da.',
        "Rock'n'roll entzuten dut, d'Artagnan irakurri.",
        "Bost * bi = hamar.",
    ],
)
def test_sentences_stay(text: str) -> None:
    assert sentences(text).split() == [word for word in text.split() if word != "*"]


@pytest.mark.parametrize("unit", ["*a", "_a ", '"a ', "“", "'a ", "| ", "- ", "\n", "  "])
def test_a_megabyte_gets_an_answer(unit: str) -> None:
    sentences(unit * (1_000_000 // len(unit)))
