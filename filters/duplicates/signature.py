"""What a draft claims among duplicates, in memory and as bytes in the ledger."""

from __future__ import annotations

from array import array
from sys import byteorder
from typing import NamedTuple

import xxhash

from filters.duplicates.frames import FRAMES, frame_hashes
from filters.text import fold, words
from schemas.conversation import Turn
from schemas.errors import LedgerError

_VERSION = 1
_FIRST = 1
_WHOLE = 2
_FRAMED = 4
_DIGEST = 16
_HASH = 4


class Signature(NamedTuple):
    """16-byte hashes of the first user turn and of the whole conversation; the shingles and the frames of the former.

    `shingles` is a sorted run of distinct 32-bit hashes, little-endian; empty for a turn that is compared exactly only.
    `frames` are as many hashes as frames.FRAMES, or none.
    """

    first: bytes | None = None
    shingles: bytes = b""
    whole: bytes | None = None
    frames: bytes = b""

    @property
    def mark(self) -> bytes:
        """The hash by which an equal row is known. Equal conversations have equal first turns, so one is enough."""
        return self.first or self.whole or b""

    def to_bytes(self) -> bytes:
        """A version byte, one that says what follows, the hashes, frames, shingles. Empty for nothing claimed."""
        if self.first is None and self.whole is None:
            return b""
        flags = (_FIRST if self.first else 0) | (_WHOLE if self.whole else 0) | (_FRAMED if self.frames else 0)
        return bytes((_VERSION, flags)) + (self.first or b"") + (self.whole or b"") + self.frames + self.shingles

    @classmethod
    def from_bytes(cls, data: bytes) -> Signature:
        """The reverse of to_bytes. Raises LedgerError for bytes that are no signature."""
        if not data:
            return cls()
        known = _FIRST | _WHOLE | _FRAMED
        if len(data) < 2 or data[0] != _VERSION or data[1] > known or not data[1] & (_FIRST | _WHOLE):
            raise LedgerError(f"a duplicate signature of {len(data)} bytes cannot be read: written by another version?")
        first_end = 2 + (_DIGEST if data[1] & _FIRST else 0)
        whole_end = first_end + (_DIGEST if data[1] & _WHOLE else 0)
        frames_end = whole_end + (_HASH * FRAMES if data[1] & _FRAMED else 0)
        if len(data) < frames_end or (len(data) - frames_end) % _HASH:
            raise LedgerError(f"a duplicate signature of {len(data)} bytes is broken: restore the ledger from a copy")
        return cls(
            first=data[2:first_end] or None,
            shingles=data[frames_end:],
            whole=data[first_end:whole_end] or None,
            frames=data[whole_end:frames_end],
        )


def sign(turns: tuple[Turn, ...], ngram: int, min_words: int) -> Signature:
    """What a whole conversation claims. One that does not begin with a user turn has no first one."""
    whole = conversation_hash(turns)
    if turns[0].role != "user":
        return Signature(whole=whole)
    return sign_first(turns[0].content, ngram, min_words)._replace(whole=whole)


def sign_first(text: str, ngram: int, min_words: int) -> Signature:
    """What a first user turn claims."""
    folded = fold(text)
    found = words(folded)
    return Signature(
        first=xxhash.xxh3_128_digest(folded.encode()),
        shingles=shingle(found, ngram) if len(found) >= max(min_words, ngram) else b"",
        frames=frame_hashes(found),
    )


def text_hash(text: str) -> bytes:
    """xxh3-128 of the folded text: equal for texts that differ in case, width or spacing only."""
    return xxhash.xxh3_128_digest(fold(text).encode())


def conversation_hash(turns: tuple[Turn, ...]) -> bytes:
    """xxh3-128 of all turns with their roles."""
    return xxhash.xxh3_128_digest("\x1e".join(f"{turn.role}\x1f{fold(turn.content)}" for turn in turns).encode())


def shingle(found: list[str], ngram: int) -> bytes:
    """Hashes of the n-grams of words, as Signature has them."""
    grams = (" ".join(found[start : start + ngram]) for start in range(len(found) - ngram + 1))
    hashes = array("I", sorted({xxhash.xxh32_intdigest(gram.encode()) for gram in grams}))
    if byteorder == "big":
        hashes.byteswap()
    return hashes.tobytes()
