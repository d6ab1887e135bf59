"""The frames of a text: words at its two ends, with anything between. Texts made from one template share one."""

from __future__ import annotations

import struct

import xxhash

# In how many ways three words are taken from the two ends.
FRAMES = 4
_GAP = "…"
_WORDS = 3


def frames(words: list[str]) -> tuple[str, ...]:
    """Such as `idatzi … buruzko olerkia`, one for each way to take three words from the two ends; none below four."""
    if len(words) <= _WORDS:
        return ()
    first, second, third = words[:_WORDS]
    before, penultimate, last = words[-_WORDS:]
    return (
        f"{first} {second} {third} {_GAP}",
        f"{first} {second} {_GAP} {last}",
        f"{first} {_GAP} {penultimate} {last}",
        f"{_GAP} {before} {penultimate} {last}",
    )


def frame_hash(frame: str) -> int:
    """32 bits."""
    return xxhash.xxh32_intdigest(frame.encode())


def frame_hashes(words: list[str]) -> bytes:
    """FRAMES hashes, little-endian; none where the text has no frames."""
    return b"".join(struct.pack("<I", frame_hash(frame)) for frame in frames(words))
