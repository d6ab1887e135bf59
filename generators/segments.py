"""Encoding text that special tokens cut into segments, each segment once."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Any

_SEGMENTS = 16_384
_SPACES = ("", " ", "\n", "\n\n")


class SegmentEncoder:
    """Encodes as the tokenizer does without adding special tokens.

    A prompt grows by one turn from call to call, and a tokenizer splits at special tokens before anything else, so the
    ids of a turn do not depend on its neighbours and are kept. A segment is a special token and what follows it, for
    some tokenizers write a space before the first word of a text. Where one turns out to encode otherwise, whole texts
    are encoded.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        plain = [
            token.content
            for token in tokenizer.added_tokens_decoder.values()
            if token.special and not (token.lstrip or token.rstrip or token.single_word or token.normalized)
        ]
        self._split = re.compile("|".join(re.escape(text) for text in sorted(plain, key=len, reverse=True)) or r"(?!)")
        self._segment = lru_cache(maxsize=_SEGMENTS)(self._whole)
        self._independent = all(
            self._by_segments(text) == list(self._whole(text))
            for mark in plain[:8]
            for left in _SPACES
            for right in _SPACES
            for text in (
                f"{mark}Kaixo{left}{mark}{right}zer moduz?{left}{mark}{mark}{right}",
                f"Kaixo{left}{mark}{right}zer",
            )
        )

    def encode(self, text: str) -> list[int]:
        return self._by_segments(text) if self._independent else list(self._whole(text))

    def _by_segments(self, text: str) -> list[int]:
        bounds = (0, *(mark.start() for mark in self._split.finditer(text)), len(text))
        return [id_ for start, end in pairwise(bounds) if start < end for id_ in self._segment(text[start:end])]

    def _whole(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(text, add_special_tokens=False))
