"""Sanitising by the markers of the pack: a turn is what stands before the model plays on."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.sanitising import Sanitiser
from languages.loader import load_pack
from languages.pack import Markers

SANITISER = Sanitiser.open(load_pack("eu").markers)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Nola egiten da marmitakoa?", "Nola egiten da marmitakoa?"),
        ("Galdera: Nola egiten da marmitakoa?", "Nola egiten da marmitakoa?"),
        ("**Galdera:** Nola egiten da?", "Nola egiten da?"),
        ("### Galdera:\nNola egiten da?", "Nola egiten da?"),
        ("Erabiltzailea: Nola egiten da?", "Nola egiten da?"),
        ("User: Nola egiten da?", "Nola egiten da?"),
        ("Nola egiten da?\nErantzuna: Atuna eta patatak behar dira.", "Nola egiten da?"),
        ("Nola egiten da?\n\n**Erantzuna:**\nAtuna behar da.", "Nola egiten da?"),
        ("Nola egiten da?\n\n1. urratsa: zuritu patatak", "Nola egiten da?"),
        ("Nola egiten da?\n## Step 1: peel", "Nola egiten da?"),
        ("Nola egiten da?\n**Urratsa 1**\nZuritu patatak", "Nola egiten da?"),
        ("Nola egiten da?\nLaguntzailea: Erraza da.", "Nola egiten da?"),
        ("Nola egiten da?\nassistant\n\nErraza da.", "Nola egiten da?"),
        ("Zer inprimatzen du honek?\nSarrera: 3\nIrteera: 9", "Zer inprimatzen du honek?\nSarrera: 3\nIrteera: 9"),
        ("Zein da erantzuna: 4 ala 5?", "Zein da erantzuna: 4 ala 5?"),
        ("Azaldu 1. urratsa eta 2. urratsa.", "Azaldu 1. urratsa eta 2. urratsa."),
        ("Zuzendu hau:\n```\nuser: root\nErantzuna: 4\n```", "Zuzendu hau:\n```\nuser: root\nErantzuna: 4\n```"),
        ("Laguntzailea: Kaixo.", "Laguntzailea: Kaixo."),
        ("Galdera:", ""),
        ("", ""),
    ],
)
def test_user_turns(text: str, left: str) -> None:
    assert SANITISER.clean(text, "user").text == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Erantzuna: Atuna eta patatak.", "Atuna eta patatak."),
        ("Laguntzailea: Atuna eta patatak.", "Atuna eta patatak."),
        ("Atuna eta patatak.\nErabiltzailea: Eskerrik asko!", "Atuna eta patatak."),
        ("Atuna eta patatak.\n\n### Galdera:\nEta gero?", "Atuna eta patatak."),
        (
            "Hona hemen:\n\n1. urratsa: zuritu patatak\n2. urratsa: egosi",
            "Hona hemen:\n\n1. urratsa: zuritu patatak\n2. urratsa: egosi",
        ),
        ("Batuketa egin dugu.\nErantzuna: 4", "Batuketa egin dugu.\nErantzuna: 4"),
        ("- Erabiltzailea: izena\n- Sistema: Linux", "- Erabiltzailea: izena\n- Sistema: Linux"),
    ],
)
def test_replies(text: str, left: str) -> None:
    assert SANITISER.clean(text, "assistant").text == left


def test_it_says_what_it_took_off() -> None:
    both = SANITISER.clean("Galdera: Zer da ura?\nErantzuna: Edaria.", "user")
    assert (both.labelled, both.played_on) == (True, True)
    nothing = SANITISER.clean("Zer da ura?", "user")
    assert (nothing.labelled, nothing.played_on) == (False, False)


def test_reasoning_is_taken_off_replies_only() -> None:
    text = "<think>\nUra zer den galdetu du.\n</think>\n\nErantzuna: Edaria."
    reply = SANITISER.clean(text, "assistant")
    assert (reply.text, reply.labelled, reply.played_on) == ("Edaria.", True, False)
    asked = SANITISER.clean("<think> etiketa zertarako da?", "user")
    assert (asked.text, asked.labelled) == ("<think> etiketa zertarako da?", False)
    assert SANITISER.clean("<think>\nUra zer den", "assistant").text == ""


def test_another_languages_markers_are_another_packs() -> None:
    galician = Sanitiser.open(
        Markers(user=("Usuaria",), assistant=("Asistente",), answer=("Resposta",), step=("paso",))
    )
    text = "Como se fai?\nResposta: con patacas."
    assert galician.clean(text, "user").text == "Como se fai?"
    assert SANITISER.clean(text, "user").text == text
    for step in ("1. paso", "1º paso", "1.º paso", "Paso 1:"):
        assert galician.clean(f"Como se fai?\n{step} pelar as patacas", "user").text == "Como se fai?"


@given(
    st.text(st.sampled_from("#*: \nGaldera:Erantzuna:1. urratsauser`"), max_size=300),
    st.sampled_from(["user", "assistant"]),
)
def test_cleaning_only_takes_off(text: str, role: Literal["user", "assistant"]) -> None:
    cleaned = SANITISER.clean(text, role)
    assert cleaned.text in text
    assert cleaned.text == cleaned.text.strip()
    assert cleaned.labelled or cleaned.played_on or cleaned.text == text.strip()
