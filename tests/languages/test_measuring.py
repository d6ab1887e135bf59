"""How well detectors tell a pack's language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
import pytest

from languages import measuring
from languages.creation import create_pack
from languages.detection import Detection, Evidence
from languages.loader import load_pack
from languages.measuring import Measured, Tally, detectors_without, measure, open_detectors, own_sentences
from languages.pack import LanguagePack
from schemas.errors import InputError
from schemas.filters import DetectorName
from tests.support.made_up_language import CODE, NAME, sentences

LINES = sentences(1000)
NAMES = sorted(get_args(DetectorName))


@dataclass(frozen=True)
class ByFirstWord:
    """A detector that takes a line's first word for its language; `lead` is what every word says for xx."""

    lead: float = 10.0
    languages: tuple[str, ...] = ("es", "xx", "fr")

    def detect(self, text: str) -> Detection | None:
        first = text.split(maxsplit=1)[0]
        return Detection(first, 1.0) if first in self.languages else None

    def evidence(self, word: str) -> Evidence:
        return np.array([0, self.lead, -5], np.float32)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> LanguagePack:
    packs = tmp_path_factory.mktemp("packs")
    return create_pack(packs, CODE, NAME, None, LINES).pack


def test_lines_are_tallied_by_length_and_by_what_they_were_taken_for() -> None:
    lines = ["xx bat bi", "xx bat bi hiru lau bost", "es bat bi", "es bat", "fr bat bi hiru lau bost", "123"]
    assert measure("xx", ByFirstWord(), lines) == Measured(
        Tally(4, 1), Tally(2, 1), {"es": 2, "fr": 1, "nothing": 1}, 0
    )


@pytest.mark.parametrize(("lead", "close_calls"), [(0.9, 1), (1.1, 0), (-0.9, 1), (-1.1, 0)])
def test_close_calls_are_small_leads_and_small_lags(lead: float, close_calls: int) -> None:
    assert measure("xx", ByFirstWord(lead), ["xx bat"]).close_calls == close_calls


def test_no_lines_are_no_lines() -> None:
    assert measure("xx", ByFirstWord(), []) == Measured(Tally(0, 0), Tally(0, 0), {}, 0)


@pytest.mark.parametrize("count", [9, 10, 11, 19, 20, 21, 1000])
def test_of_many_lines_some_are_asked_throughout(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(measuring, "MOST_LINES", 10)
    assert 5 <= measure("xx", ByFirstWord(), ["xx bat"] * count).short.lines <= 10


def test_detectors_are_made_without_the_lines_that_they_are_asked_about(pack: LanguagePack) -> None:
    with detectors_without(pack, [*LINES, *LINES, "123", "In autumn the leaves fall from the trees."]) as made:
        detectors, held_out = made
        assert sorted(detectors) == NAMES
        assert held_out == [*LINES[::10], "In autumn the leaves fall from the trees."]
        for detector in detectors.values():
            measured = measure(CODE, detector, held_out)
            assert measured.short.taken + measured.long.taken == len(LINES[::10])
            assert measured.others == {"en": 1}


def test_a_corpus_must_leave_something_to_learn_from(pack: LanguagePack) -> None:
    with pytest.raises(InputError, match="--corpus"), detectors_without(pack, LINES[:50]):
        pass


def test_a_pack_keeps_langdetects_own_profile_where_it_has_none() -> None:
    spanish = load_pack("eu").model_copy(update={"code": "es", "profile": None, "words": None})
    detectors = open_detectors(spanish)
    assert sorted(detectors) == NAMES
    for detector in detectors.values():
        assert measure("es", detector, ["En otoño los días son más cortos y las hojas caen."]).long.taken == 1


def test_a_detector_that_cannot_know_the_language_is_left_out(pack: LanguagePack) -> None:
    assert list(open_detectors(pack.model_copy(update={"words": None}))) == ["langdetect"]


def test_the_pack_s_own_sentences_are_those_in_its_language(pack: LanguagePack) -> None:
    assert own_sentences(pack) == list(pack.steering.example_turns)
    basque = load_pack("eu")
    found = own_sentences(basque)
    assert len(found) > len(basque.steering.example_turns)
    assert not any("{topic}" in sentence for sentence in found)
