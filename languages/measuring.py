"""How well the detectors tell a pack's language, measured on lines of it and of its neighbours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import numpy as np

from languages.completeness import PLACEHOLDER
from languages.detection import Detector
from languages.detectors import CLOSE_CALL, open_detector
from languages.learning import hold_out, learn
from languages.loader import PROFILE_FILE, WORDS_FILE
from languages.pack import LanguagePack
from languages.words import has_words, words_of
from schemas.filters import DetectorName

# Lines of up to so many words are told apart with less certainty than others.
SHORT = 5
# More lines than this change the figures no more, and only cost time.
MOST_LINES = 2_000
NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Tally:
    """Lines, and how many of them were taken for the language."""

    lines: int
    taken: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What one detector took the lines of one text for.

    `others` counts what else they were taken for, the most frequent first. Close calls are lines in which the language
    leads by fewer than CLOSE_CALL nats, or lags by as little.
    """

    short: Tally
    long: Tally
    others: dict[str, int]
    close_calls: int


def own_sentences(pack: LanguagePack) -> list[str]:
    """What a pack holds of its language itself: no measure, but better than nothing."""
    texts = pack.steering
    sentences = (*texts.example_turns, *texts.system_prompts, *texts.topic_prompts, *texts.reply_prompts)
    return [sentence.replace("{topic}", "") for sentence in sentences if not sentence.startswith(PLACEHOLDER)]


def measure(code: str, detector: Detector, lines: Sequence[str]) -> Measured:
    """Ask a detector about lines; of very many, about some throughout."""
    lines = lines[:: -(-len(lines) // MOST_LINES) or 1]
    others: Counter[str] = Counter()
    lengths: Counter[bool] = Counter()
    taken: Counter[bool] = Counter()
    close_calls = 0
    for line in lines:
        words = words_of(line)
        short = len(words) <= SHORT
        found = detector.detect(line)
        lengths[short] += 1
        if found is not None and found.language == code:
            taken[short] += 1
        else:
            others[found.language if found is not None else NOTHING] += 1
        close_calls += abs(_lead(code, detector, words)) < CLOSE_CALL
    tallies = {short: Tally(lengths[short], taken[short]) for short in (True, False)}
    return Measured(tallies[True], tallies[False], dict(others.most_common()), close_calls)


@contextmanager
def detectors_without(pack: LanguagePack, lines: Sequence[str]) -> Iterator[tuple[dict[str, Detector], list[str]]]:
    """The pack's detectors as a corpus makes them without some of its lines, and those lines to measure them by.

    The lines are held out before any detector has had a say in what is foreign. Raises InputError when the corpus is
    too small.
    """
    held_out, others = hold_out([line for line in dict.fromkeys(lines) if has_words(line)])
    learnt = learn(pack.code, others)
    with TemporaryDirectory() as folder:
        profile, words = Path(folder) / PROFILE_FILE, Path(folder) / WORDS_FILE
        profile.write_text(learnt.profile, encoding="utf-8")
        words.write_text(learnt.words.dump(), encoding="utf-8")
        made = {"profile": pack.profile and profile, "words": pack.words and words}
        yield open_detectors(pack.model_copy(update=made)), held_out


def open_detectors(pack: LanguagePack) -> dict[str, Detector]:
    """All detectors that know the pack's language, by name."""
    opened: Mapping[str, Detector] = {
        name: open_detector(name, pack.code, pack.profile, pack.words) for name in get_args(DetectorName)
    }
    return {name: detector for name, detector in opened.items() if pack.code in detector.languages}


def _lead(code: str, detector: Detector, words: Sequence[str]) -> float:
    """How far the language is ahead of the next one, or behind the first, in nats; infinite without words."""
    if not words:
        return float("inf")
    total = np.sum([detector.evidence(word) for word in words], axis=0)
    ours = detector.languages.index(code)
    return float(total[ours] - np.delete(total, ours).max())
