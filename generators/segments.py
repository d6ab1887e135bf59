"""Encoding text that special tokens cut into segments, each segment once."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_SEGMENTS = 16_384
_SPACES = ("", " ", "\n", "\n\n")


class SegmentEncoder:
    """Encodes as the tokenizer does without adding special tokens.

    A prompt grows by one turn from call to call, and a tokenizer splits at special tokens before anything else, so the
    ids of a turn do not depend on its neighbours and are kept. Where a tokenizer turns out to encode otherwise (some
    write a space before the first segment only), it encodes whole texts.
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
        ids: list[int] = []
        at = 0
        for mark in self._split.finditer(text):
            if mark.start() > at:
                ids += self._segment(text[at : mark.start()])
            ids += self._segment(mark.group())
            at = mark.end()
        if at < len(text):
            ids += self._segment(text[at:])
        return ids

    def _whole(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(text, add_special_tokens=False))
