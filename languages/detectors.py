"""The detectors that a recipe can choose, one for each pack and process."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from languages.detection import Detection, Detector, Evidence
from languages.langdetect_detector import LangdetectDetector
from languages.py3langid_detector import Py3langidDetector
from languages.words import read_words
from schemas.filters import DetectorName

# A lead of py3langid's below this, in nats, is a close call.
CLOSE_CALL = 2.0


class _Two:
    """Two detectors; what single words say, py3langid says."""

    def __init__(self, code: str, py3langid: Py3langidDetector, langdetect: LangdetectDetector) -> None:
        self._code = code
        self._py3langid = py3langid
        self._langdetect = langdetect
        self.languages = py3langid.languages
        self.evidence = py3langid.evidence


class Arbiter(_Two):
    """py3langid where it is clear about a language, langdetect where it is not."""

    def detect(self, text: str) -> Detection | None:
        total = self._py3langid.add_up(text)
        if total is not None and abs(self._lead(total)) < CLOSE_CALL:
            return self._langdetect.detect(text) or self._py3langid.detect(text)
        return self._py3langid.detect(text)

    def _lead(self, total: Evidence) -> float:
        """How far the language is ahead of the next one, or behind the first."""
        ours = self.languages.index(self._code)
        return float(total[ours] - np.delete(total, ours).max())


class Both(_Two):
    """A text is in the language only where both say so; what it is otherwise, the one that denies it says."""

    def detect(self, text: str) -> Detection | None:
        found = self._py3langid.detect(text)
        if found is not None and found.language == self._code:
            return self._langdetect.detect(text)
        return found


@cache
def open_detector(name: DetectorName, code: str, profile: Path | None, words: Path | None) -> Detector:
    """The detector of that name for a language, loaded once per process (one to two seconds).

    A language that py3langid was taught from a pack's words needs langdetect's word as well: a column made from one
    small corpus is surer of itself than it should be. Raises LanguageError.
    """
    if name == "langdetect":
        return LangdetectDetector(code, profile)
    py3langid = _py3langid(code, words)
    if name == "py3langid":
        return py3langid
    langdetect = LangdetectDetector(code, profile)
    return (Both if name == "both" or py3langid.taught else Arbiter)(code, py3langid, langdetect)


@cache
def _py3langid(code: str, words: Path | None) -> Py3langidDetector:
    return Py3langidDetector(code, read_words(words) if words is not None else None)
