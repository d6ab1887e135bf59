"""Text made comparable, and text made short enough to show."""

from __future__ import annotations

import unicodedata

import regex

EVIDENCE_LIMIT = 200
# Python's own \w does not know the vowel signs of Devanagari and its kin.
_WORD = regex.compile(r"\w+")


def fold(text: str) -> str:
    """NFKC, case folded, every run of whitespace one space: texts that a reader would call the same become equal."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def words(text: str) -> list[str]:
    """Runs of letters with their marks, digits and underscores."""
    found: list[str] = _WORD.findall(text)
    return found


def excerpt(text: str, limit: int = 80) -> str:
    """The text's start on one line, at most `limit` characters; half a surrogate pair becomes a question mark."""
    line = " ".join(text[: 4 * limit].encode(errors="replace").decode().split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
