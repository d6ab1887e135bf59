"""Text cut into segments that can be told by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A segment has at least so many letters, so that it can be told by itself, and at most so many characters, so that
# nothing lies beyond what langdetect reads.
SEGMENT_LETTERS = 40
SEGMENT_CHARACTERS = 2_000

_BREAK = re.compile(r"(?<=[.!?…:;])\s+|\n+")


def letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def segments(text: str) -> Iterator[str]:
    """Sentences and lines, joined until they can be told by themselves. What is left over goes with the last one."""
    ready: str | None = None
    waiting: list[str] = []
    count = 0
    for piece in _pieces(text):
        waiting.append(piece)
        count += letters(piece)
        if count >= SEGMENT_LETTERS:
            if ready is not None:
                yield ready
            ready, waiting, count = " ".join(waiting), [], 0
    last = " ".join(waiting if ready is None else (ready, *waiting))
    if last:
        yield last


def _pieces(text: str) -> Iterator[str]:
    for sentence in _BREAK.split(text):
        for start in range(0, len(sentence), SEGMENT_CHARACTERS):
            piece = sentence[start : start + SEGMENT_CHARACTERS].strip()
            if piece:
                yield piece
