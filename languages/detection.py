"""What a detector is: it tells the language of a text, and what each of its words says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Evidence = NDArray[np.float32]
"""What a word or a text says: its log-likelihood in each language, in nats, up to a constant."""

# So many of a language's words make up nearly all of its running text.
KEPT_WORDS = 20_000


@dataclass(frozen=True, slots=True)
class Detection:
    """The likeliest language of a text; `probability` is the detector's own, from 0 to 1."""

    language: str
    probability: float


class Detector(Protocol):
    """Tells languages apart. Safe between threads; the same text gets the same answer anywhere."""

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes of the languages it knows, in the order of its evidence."""

    def detect(self, text: str) -> Detection | None:
        """The language of a text; None when it holds nothing that tells."""

    def evidence(self, word: str) -> Evidence:
        """What a lower-case word says, of shape (len(languages),); read-only. All equal when it says nothing."""
