"""Template families: rows that begin or end alike, counted as they come."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from heapq import nlargest
from typing import NamedTuple

from filters.duplicates.frames import FRAMES, frame_hash, frames
from filters.text import fold, words

# Frames that are counted at the same time, at least: families too small to be among them are not told apart.
COUNTED = 10_000
# So few rows that begin or end alike are no template.
FEWEST = 3
# A share below this many rows says nothing: a cap counts them as if they were so many.
LEAST_ROWS = 100

Hashes = tuple[int, ...]


class Family(NamedTuple):
    """A frame and the rows that are held under it; a frame whose text is not known any more has its hash for a name."""

    frame: str
    rows: int


class Families:
    """A row belongs to the family of that of its frames which most rows have; what is told are all rows of a frame.

    Memory does not grow with the rows: now and then the frames of the fewest rows are forgotten. A frame of at least
    one in a thousand rows never is, after the first ten thousand.
    """

    def __init__(self) -> None:
        # By a frame's hash: the rows that have it, those whose family it is, and its text.
        self._rows: dict[int, int] = {}
        self._members: dict[int, int] = {}
        self._texts: dict[int, str] = {}

    def would_join(self, hashes: Hashes, text: str) -> Family | None:
        """The family that a row with these frames would be in, and the rows that are in it already."""
        if not hashes:
            return None
        # The first of several, as in `add`, so that rows of one template agree.
        family = max(hashes, key=lambda one: self._rows.get(one, 0))
        return Family(frames(words(fold(text)))[hashes.index(family)], self._rows.get(family, 0))

    def add(self, hashes: Hashes, text: str = "") -> int | None:
        """Count a row, with its text where that is known; its family's hash, None for a row without frames."""
        if not hashes:
            return None
        most = family = 0
        nameless = False
        for one in hashes:
            rows = self._rows[one] = self._rows.get(one, 0) + 1
            nameless |= rows == FEWEST
            if rows > most:
                most, family = rows, one
        self._members[family] = self._members.get(family, 0) + 1
        if text and (nameless or (most >= FEWEST and family not in self._texts)):
            for one, frame in zip(hashes, frames(words(fold(text))), strict=True):
                if self._rows[one] >= FEWEST:
                    self._texts.setdefault(one, frame)
        if len(self._rows) >= 2 * COUNTED:
            self._forget()
        return family

    def remove(self, hashes: Hashes, family: int | None) -> None:
        """Take a row back that was counted in this family."""
        for one in hashes:
            if one in self._rows:
                self._rows[one] -= 1
        if family in self._members:
            self._members[family] -= 1

    def name(self, known: Iterable[str]) -> None:
        """Frames whose hashes alone were kept."""
        self._texts.update((frame_hash(frame), frame) for frame in known)

    def largest(self, number: int) -> tuple[Family, ...]:
        """Frames that are the family of any row, with all rows that have them: FEWEST and more, the largest first."""
        counted = ((self._rows[one], -one) for one, members in self._members.items() if members)
        counted = (item for item in counted if item[0] >= FEWEST)
        return tuple(Family(self._texts.get(-one, f"{-one:08x}"), rows) for rows, one in nlargest(number, counted))

    def _forget(self) -> None:
        least = sorted(self._rows.values())[-COUNTED]
        kept = {one: rows for one, rows in self._rows.items() if rows > least}
        # Of those with just as many, the newest stay: a family that has only begun may be growing.
        tied = [one for one, rows in self._rows.items() if rows == least]
        self._rows = kept | dict.fromkeys(tied[len(kept) - COUNTED :], least)
        self._members = {one: self._members[one] for one in self._rows if one in self._members}
        self._texts = {one: text for one, text in self._texts.items() if one in self._rows}


def unpack(frames: bytes) -> Hashes:
    """The hashes of a signature's frames."""
    return struct.unpack(f"<{FRAMES}I", frames) if frames else ()
