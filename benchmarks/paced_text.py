"""Text of an exact number of tokens, made of real words: what the paced server says."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
WORDS = ROOT / "languages" / "eu" / "words.tsv"
TOKENIZER = ROOT / "demo" / "iturri-demo-eu"
_WORDS = 4000
_SENTENCE = 9


class Piece(NamedTuple):
    """A word or a mark with its token ids; a word has the space before it."""

    text: str
    ids: tuple[int, ...]


class Writer:
    """Writes sentences of words that are drawn by the root of their frequency, so that few turns are alike."""

    def __init__(self, words: Sequence[tuple[str, int]]) -> None:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(TOKENIZER / "tokenizer.json"))

        def pieces(texts: list[str]) -> list[Piece]:
            return [Piece(text, tuple(tokenizer.encode(text).ids)) for text in texts]

        listed = [word for word, _ in words]
        self._inside = pieces([f" {word}" for word in listed])
        self._capital = pieces([f" {word.capitalize()}" for word in listed])
        self._first = pieces([word.capitalize() for word in listed])
        self._marks = {mark: pieces([mark])[0] for mark in ".?"}
        self._weights = tuple(itertools.accumulate(math.sqrt(count) for _, count in words))
        self._of_length: dict[int, list[Piece]] = {}
        for piece in self._inside:
            self._of_length.setdefault(len(piece.ids), []).append(piece)

    @classmethod
    def basque(cls) -> Writer:
        rows = (line.split("\t") for line in WORDS.read_text(encoding="utf-8").splitlines()[:_WORDS])
        return cls([(word, int(count)) for word, count in rows])

    def write(self, tokens: int, seed: int, mark: str) -> list[Piece]:
        """Sentences of so many tokens, the last one ending in `mark`; the same for the same arguments."""
        rng = random.Random(seed)
        left = tokens - 1
        written: list[Piece] = []
        drawn = rng.choices(range(len(self._inside)), cum_weights=self._weights, k=max(1, left))
        since = 0
        for number in drawn:
            if left <= 0:
                break
            if since == _SENTENCE and left > 4:
                written.append(self._marks["."])
                left -= 1
                since = 0
            words = self._inside if since else self._capital if written else self._first
            piece = words[number]
            if len(piece.ids) > left:
                piece = rng.choice(self._of_length[left])
            written.append(piece)
            left -= len(piece.ids)
            since += 1
        written.append(self._marks[mark])
        return written
