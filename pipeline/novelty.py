"""Novelty: how much of a first user turn no accepted row had before."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from filters.duplicates.signature import Signature, sign_first
from schemas.filters import DuplicateFilter

# A million rows of ten new n-grams each fill a seventh of the bits, so that one n-gram in seven would seem known.
BITS = 1 << 26


class Novelty:
    """The n-grams of the accepted rows, as bits of their hashes: 8 MB, however many there are.

    These are the shingles of the duplicate filter; a turn that has too few words for them counts as one piece.
    """

    def __init__(self, settings: DuplicateFilter) -> None:
        self._settings = settings
        self._bits = np.zeros(BITS // 8, np.uint8)

    def restore(self, signatures: Iterable[tuple[str, bytes]]) -> None:
        """The rows of earlier runs: (id, signature) of each. One without a signature is forgotten."""
        for _, signature in signatures:
            if signature:
                self._add(_hashes(Signature.from_bytes(signature)))

    def add(self, first_turn: str) -> float:
        """A row is accepted: the share of its n-grams that are new, from 0 to 1."""
        return self._add(_hashes(sign_first(first_turn, self._settings.ngram, self._settings.min_words)))

    def _add(self, hashes: NDArray[np.uint32]) -> float:
        if not len(hashes):
            return 0.0
        places = hashes & np.uint32(BITS - 1)
        bytes_, bits = places >> np.uint32(3), np.left_shift(1, places & np.uint32(7)).astype(np.uint8)
        new = np.count_nonzero(self._bits[bytes_] & bits == 0)
        np.bitwise_or.at(self._bits, bytes_, bits)
        return float(new / len(hashes))


def _hashes(signature: Signature) -> NDArray[np.uint32]:
    return np.frombuffer(signature.shingles or (signature.first or b"")[:4], "<u4")
