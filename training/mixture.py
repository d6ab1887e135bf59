"""Which rows of a source an epoch sees, and which are held out: by hash, so that growing a source moves no row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def draws(count: int, weight: float, seed: int, key: str) -> np.ndarray:
    """The rows of an epoch as sorted indices below `count`: each as often as the whole part of `weight`, and a share
    of them, as large as its fraction, once more.

    Which ones follows from seed and key alone. A larger fraction draws the same rows and more.
    """
    times = int(weight)
    more = int((weight - times) * count + 0.5)
    return np.sort(np.concatenate([np.repeat(np.arange(count), times), _first(count, more, seed, key)]))


def limit(count: int, most: int | None, seed: int, key: str) -> np.ndarray:
    """At most so many of `count` rows, as sorted indices. A row that comes later displaces one at most."""
    return np.sort(_first(count, count if most is None else min(most, count), seed, f"limit {key}"))


def content_of(messages: Sequence[Mapping[str, Any]]) -> str:
    """A conversation's content as one text: equal messages give equal texts, in whatever order their fields stand."""
    return json.dumps(messages, sort_keys=True, separators=(",", ":"), default=str)


def held_out(content: str, share: float) -> bool:
    """Whether a row is kept out of training: a function of the share and of its content alone.

    `content` is a conversation's messages (`content_of`), or a document's text; no id. So rows that are equal are on
    the same side, in whichever files and however often they stand.
    """
    # Not the hash that parts a publication's validation split from the rest, which would find none of its rows.
    digest = hashlib.blake2b(content.encode(errors="surrogatepass"), digest_size=8, person=b"held out").digest()
    return int.from_bytes(digest, "big") < share * 2**64


def _first(count: int, most: int, seed: int, key: str) -> np.ndarray:
    """The `most` of `count` indices that come first when each has a number of its own, made from seed, key and it."""
    base = hashlib.blake2b(f"{seed} {key}".encode(), digest_size=8).digest()
    numbers = np.arange(count, dtype=np.uint64) + np.uint64(int.from_bytes(base, "big"))
    # SplitMix64's last steps (Steele, Lea and Flood, OOPSLA 2014): a bijection, so no two are equal.
    with np.errstate(over="ignore"):
        numbers *= np.uint64(0x9E3779B97F4A7C15)
        numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        numbers ^= numbers >> np.uint64(31)
    return np.argsort(numbers, kind="stable")[:most]
