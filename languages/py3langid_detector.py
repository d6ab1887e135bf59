"""py3langid's model, asked word by word; it learns a language that it does not know from a pack's words."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from py3langid.langid import MODEL_FILE, LanguageIdentifier, visit_counts

from languages.detection import KEPT_WORDS, Detection, Evidence
from languages.words import WordStatistics, words_of

# Not a language: what py3langid calls text without linguistic content.
NO_LANGUAGE = "zxx"


class Py3langidDetector:
    """Naive Bayes over the byte n-grams of each word by itself.

    py3langid counts n-grams over a whole text and damps the counts. Taken word by word its table adds up, so that any
    stretch of a text can be judged at no further cost, and is as right on the development sets (docs/languages.md).
    """

    def __init__(self, code: str, words: WordStatistics | None) -> None:
        """`words` teach it the language `code` where py3langid does not know it."""
        model = _model()
        self._table = model.nb_ptc
        known = {language: column for column, language in enumerate(model.nb_classes) if language != NO_LANGUAGE}
        self._columns = np.fromiter(known.values(), np.intp)
        self._moves = (model.tk_nextmove, [row << 8 for row in model.tk_row], model.tk_output)
        self._taught = None if code in known or words is None else self._teach(words)
        self.languages = (*known, code) if self._taught is not None else tuple(known)
        self.taught = self._taught is not None
        self.evidence = lru_cache(KEPT_WORDS)(self._evidence)

    def detect(self, text: str) -> Detection | None:
        total = self.add_up(text)
        if total is None:
            return None
        best = int(total.argmax())
        # py3langid's own temperature: the root of the text's length in bytes.
        shares = np.exp((total - total[best]) / math.sqrt(len(text.encode(errors="replace"))))
        return Detection(self.languages[best], float(1 / shares.sum()))

    def add_up(self, text: str) -> Evidence | None:
        """The evidence of all words of a text together; None when it says nothing."""
        words = words_of(text)
        if not words:
            return None
        total: Evidence = np.sum([self.evidence(word) for word in words], axis=0)
        return total if total.any() else None

    def _evidence(self, word: str) -> Evidence:
        visits = self._visits(word)
        features, counts = np.fromiter(visits.keys(), np.intp), np.fromiter(visits.values(), np.float32)
        evidence: Evidence = (counts @ self._table[features].astype(np.float32))[self._columns]
        if self._taught is not None:
            evidence = np.append(evidence, counts @ self._taught[features])
        evidence.flags.writeable = False
        return evidence

    def _visits(self, word: str) -> Mapping[int, int]:
        """How often each n-gram of the model is in a word between spaces."""
        data = f" {unicodedata.normalize('NFC', word)} ".encode(errors="replace")
        return visit_counts(*self._moves, data) or {}

    def _teach(self, words: WordStatistics) -> NDArray[np.float32]:
        """A column of the table: shares of the n-grams in the words, and for those never seen the other columns' floor.

        One occurrence is taken off each count, since what a corpus holds once is overrated by its share.
        """
        counts = np.zeros(len(self._table))
        for word, count in words.counts.items():
            for feature, times in self._visits(word).items():
                counts[feature] += times * count
        floor = float(self._table.min(axis=0).astype(np.float32).mean())
        shares = np.maximum(counts - 1, 0) / max(1.0, counts.sum())
        column: NDArray[np.float32] = np.log(np.maximum(shares, math.exp(floor))).astype(np.float32)
        return column


@cache
def _model() -> LanguageIdentifier:
    """py3langid's own model, loaded once per process: about a second, and 100 MB."""
    return LanguageIdentifier.from_model_file(MODEL_FILE)
