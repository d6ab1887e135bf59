"""langdetect, with its own profiles and a pack's."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from langdetect.detector_factory import DetectorFactory
from langdetect.lang_detect_exception import LangDetectException
from langdetect.utils.ngram import NGram

from languages.detection import KEPT_WORDS, Detection, Evidence
from languages.profile import shipped_profiles
from schemas.errors import LanguageError

# One of langdetect's seven trials: measured on held-out Basque sentences, the same precision and recall as with all
# seven, at four times the speed. Its seed is fixed, so the same text always gets the same answer.
TRIALS = 1
SEED = 0
# langdetect gives an n-gram that a language lacks this probability: its alpha over its base frequency.
UNSEEN = 0.5 / 10_000
# A character counts in n-grams of one, two and three characters, so the sum says everything about three times.
OVERLAP = 3


class LangdetectDetector:
    """A factory of its own: langdetect's global one is loaded at first use, in a race between threads."""

    def __init__(self, code: str, profile: Path | None) -> None:
        """Load langdetect's profiles, and `profile` for the language `code` in place of its own.

        Raises LanguageError when a profile cannot be read.
        """
        paths = dict(shipped_profiles())
        if profile is not None:
            paths[code] = profile
        self._factory = DetectorFactory()
        self._factory.set_seed(SEED)
        try:
            # All in one call: the arrays of probabilities get their size from the number of profiles in it.
            self._factory.load_json_profile([path.read_text(encoding="utf-8") for path in paths.values()])
        except (OSError, UnicodeDecodeError, LangDetectException) as error:
            raise LanguageError(
                f"the langdetect profile of {code!r} cannot be used ({error}); make it again with `iturri language new`"
            ) from error
        self.languages = tuple(self._factory.get_lang_list())
        if set(self.languages) != set(paths):
            raise LanguageError(f"{profile}: this is not the profile of {code!r}; make it again")
        self.evidence = lru_cache(KEPT_WORDS)(self._evidence)

    def detect(self, text: str) -> Detection | None:
        """The language of a text, of which langdetect reads the first 10,000 characters; None when it holds none."""
        detector = self._factory.create()
        detector.n_trial = TRIALS
        detector.append(text)
        try:
            found = detector.get_probabilities()
        except LangDetectException:  # "No features in text": digits, emoji, punctuation
            return None
        return Detection(found[0].lang, found[0].prob) if found else None

    def _evidence(self, word: str) -> Evidence:
        """The log-probabilities of the word's n-grams, as langdetect's own sum has them."""
        total = np.zeros(len(self.languages))
        ngram = NGram()
        for character in f"{word} ":
            ngram.add_char(character)
            for size in range(1, NGram.N_GRAM + 1):
                known = self._factory.word_lang_prob_map.get(ngram.get(size))
                if known is not None:
                    total += np.log(np.asarray(known) + UNSEEN)
        evidence = (total / OVERLAP).astype(np.float32)
        evidence.flags.writeable = False
        return evidence
