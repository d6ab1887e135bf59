"""Detectors: what they know, how they agree, and that the answer never depends on who asks when."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from languages.detection import Detector
from languages.detectors import Arbiter, Both, open_detector
from languages.langdetect_detector import LangdetectDetector
from languages.loader import load_pack
from languages.py3langid_detector import Py3langidDetector
from languages.words import count_words
from schemas.errors import LanguageError
from schemas.filters import DetectorName

PACK = load_pack("eu")
NAMES: tuple[DetectorName, ...] = get_args(DetectorName)
BASQUE = "Zergatik aldatzen dute kolorea hostoek udazkenean?"
SENTENCES = {
    "eu": BASQUE,
    "es": "En otoño los días son más cortos y los árboles pierden sus hojas.",
    "en": "In autumn the days are shorter and the trees lose their leaves.",
    "fr": "En automne les jours sont plus courts et les arbres perdent leurs feuilles.",
}


def detector(name: DetectorName) -> Detector:
    return open_detector(name, "eu", PACK.profile, PACK.words)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", SENTENCES)
def test_plain_sentences_are_told(name: DetectorName, language: str) -> None:
    found = detector(name).detect(SENTENCES[language])
    assert found is not None
    assert found.language == language
    assert 0 < found.probability <= 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["", "   ", "123 456", "?!", "😀😀"])
def test_what_says_nothing_has_no_language(name: DetectorName, text: str) -> None:
    assert detector(name).detect(text) is None


@pytest.mark.parametrize("name", ["langdetect", "py3langid"])
def test_evidence_speaks_for_the_language_of_the_word(name: DetectorName) -> None:
    one = detector(name)
    eu, en = one.languages.index("eu"), one.languages.index("en")
    for ours, theirs in (("etxean", "which"), ("dituzte", "should"), ("zergatik", "something")):
        said, answered = one.evidence(ours), one.evidence(theirs)
        assert said.shape == (len(one.languages),)
        assert said[eu] > said[en]
        assert answered[en] > answered[eu]
    assert not one.evidence("").any()
    with pytest.raises(ValueError, match="read-only"):
        one.evidence("etxean")[0] = 1


class Fixed:
    """Evidence and answer as given, in place of a real detector."""

    taught = False
    languages = ("eu", "es")

    def __init__(self, answer: str, lead: float = 0.0) -> None:
        self.answer, self.lead = answer, lead
        self.evidence = lambda _: np.zeros(2, np.float32)

    def add_up(self, _: str) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        return np.array([self.lead, 0.0], np.float32)

    def detect(self, _: str) -> object:
        from languages.detection import Detection

        return Detection(self.answer, 1.0)


@pytest.mark.parametrize(
    ("lead", "py3langid", "langdetect", "answer"),
    [(9, "eu", "es", "eu"), (-9, "es", "eu", "es"), (1, "eu", "es", "es"), (-1, "es", "eu", "eu")],
)
def test_langdetect_decides_close_calls_only(lead: float, py3langid: str, langdetect: str, answer: str) -> None:
    arbiter = Arbiter("eu", Fixed(py3langid, lead), Fixed(langdetect))  # type: ignore[arg-type]
    found = arbiter.detect("x")
    assert found is not None
    assert found.language == answer


@pytest.mark.parametrize(("one", "other", "ours"), [("eu", "eu", True), ("eu", "es", False), ("es", "eu", False)])
def test_both_must_agree(one: str, other: str, ours: bool) -> None:
    found = Both("eu", Fixed(one), Fixed(other)).detect("x")  # type: ignore[arg-type]
    assert found is not None
    assert (found.language == "eu") is ours


def test_the_answer_is_the_same_in_any_thread_and_order() -> None:
    texts = [*SENTENCES.values(), "Kaixo mundua, hello world and good bye", "Bai, noski"] * 5
    for name in NAMES:
        one = detector(name)
        alone = [one.detect(text) for text in texts]
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(one.detect, texts)) == alone
        assert [one.detect(text) for text in reversed(texts)] == alone[::-1]


@settings(max_examples=50)
@given(st.text(max_size=200), st.sampled_from(NAMES))
def test_any_text_gets_an_answer(text: str, name: DetectorName) -> None:
    found = detector(name).detect(text)
    assert found is None or (found.language and 0 <= found.probability <= 1.000001)


def test_py3langid_learns_a_language_from_words() -> None:
    lines = [f"zorp{a} blim{b} drax{a}ik quu{b}v" for a in "abdegikm" for b in "abdegikm"] * 3
    taught = Py3langidDetector("xx", count_words(lines))
    assert taught.taught
    for text, language in (("blima draxgik zorpa", "xx"), (BASQUE, "eu"), (SENTENCES["es"], "es")):
        found = taught.detect(text)
        assert found is not None
        assert found.language == language
    assert not Py3langidDetector("eu", count_words(lines)).taught


def test_a_broken_profile_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    with pytest.raises(LanguageError, match="'eu'"):
        LangdetectDetector("eu", broken)
    assert PACK.profile is not None
    with pytest.raises(LanguageError, match="not the profile of 'xx'"):
        LangdetectDetector("xx", PACK.profile)


def test_a_pack_may_bring_a_better_profile_for_a_language_that_has_one(tmp_path: Path) -> None:
    assert PACK.profile is not None
    profile = json.loads(PACK.profile.read_text(encoding="utf-8"))
    path = tmp_path / "profile.json"
    path.write_text(json.dumps({**profile, "name": "es"}), encoding="utf-8")
    found = LangdetectDetector("es", path).detect(BASQUE)
    assert found is not None
    assert found.language == "es"
