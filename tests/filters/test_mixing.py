"""Code-mixing: grammar makes another language, names and terms do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.mixing import Mixture, MixtureReader
from languages.detectors import open_detector
from languages.loader import load_pack

PACK = load_pack("eu")
DETECTOR = open_detector("py3langid", "eu", PACK.profile, PACK.words)
READER = MixtureReader("eu", frozenset(PACK.function_words), DETECTOR)


def mixture(text: str) -> Mixture:
    return READER.read(text)


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("Atzo etxera iritsi nintzenean creo que esta noche no vendrá nadie.", "creo que esta noche no vendrá nadie"),
        ("Hori da hobekien dakidana but I think we should go home now.", "but I think we should go home now"),
        ("Gaur goizean mendira joan gara avec les enfants de la voisine.", "avec les enfants de la voisine"),
    ],
)
def test_half_a_sentence_of_another_language_is_found(text: str, foreign: str) -> None:
    found = mixture(text)
    assert str(found.longest) == foreign
    assert found.foreign == len(foreign.split())
    assert found.in_foreign_sentences == 0


@pytest.mark.parametrize(
    "text",
    [
        "Udazkenean egunak laburragoak dira eta zuhaitzek hostoak galtzen dituzte.",
        "Gaur egun machine learning eta deep learning asko erabiltzen dira enpresetan.",
        "Aukeratu Formatua - Irudia - Propietateak, eta egin klik Irudia fitxan.",
        "Nork idatzi zuen Don Quijote de la Mancha eta noiz argitaratu zen lehen aldiz?",
        "Robb izena Roberts-en forma laburtua da, eta Potter's Cay uharte bat.",
        "Momento zehatzatan jendien erantzune da konpromisue argi ikusten da.",
        "",
        "7 8 9 :) — …",
    ],
)
def test_terms_names_and_dialects_are_not(text: str) -> None:
    assert mixture(text).stretches == ()


def test_a_sentence_of_its_own_is_told_from_words_inside_one() -> None:
    text = "Oso pozik nago. I have never seen anything like this before. Bihar berriro joango naiz hara."
    assert mixture(text).in_foreign_sentences == 8


def test_long_texts_are_searched_in_parts() -> None:
    basque = "Udazkenean egunak laburragoak dira eta zuhaitzek hostoak galtzen dituzte. "
    spanish = "Los días son más cortos y los árboles pierden sus hojas en otoño. "
    found = mixture(basque * 60 + spanish + basque * 60)
    assert "pierden sus hojas en otoño" in " ".join(str(stretch) for stretch in found.stretches)
    assert found.foreign <= len(spanish.split())


@given(st.text(max_size=300))
def test_any_text_has_a_mixture(text: str) -> None:
    found = mixture(text)
    assert 0 <= found.in_foreign_sentences <= found.foreign <= len(found.words)
