"""Where in a turn the fault is that a drop's evidence tells of."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from filters.text import words
from schemas.funnel import DroppedSample
from schemas.segment import Segment

_CUT = "…"
_IN_QUOTES = regex.compile(r"'([^']+)'|\"([^\"]+)\"")


def offending_segment(drop: DroppedSample) -> Segment | None:
    """Of the message of its turn, what the evidence quotes; None where there is no such message or quotation."""
    if drop.turn is None or drop.turn >= len(drop.messages):
        return None
    return quoted_segment(drop.evidence, drop.messages[drop.turn].content)


def quoted_segment(evidence: str, text: str) -> Segment | None:
    """The characters of the text that the evidence quotes; None where it quotes nothing of it.

    Filters quote on one line and shorten; some fold the case and leave out punctuation. So where the very characters
    are not there, the words are looked for, in their order.
    """
    for quotation in _quotations(evidence):
        whole = quotation.removesuffix(_CUT).strip()
        if whole and (start := text.find(whole)) >= 0:
            return Segment(start=start, end=start + len(whole))
        found = words(quotation)
        pattern = r"[\W_]+".join(map(regex.escape, found))
        if len(found) > 1 and (match := regex.search(pattern, text, regex.IGNORECASE)):
            return Segment(start=match.start(), end=match.end())
    return None


def _quotations(evidence: str) -> Iterator[str]:
    """What may be quoted: all that follows a colon, the longest first, and what stands in quotation marks."""
    rest = evidence
    while ": " in rest:
        rest = rest.partition(": ")[2]
        yield rest.strip("'\"")
    yield from (single or double for single, double in _IN_QUOTES.findall(evidence))
