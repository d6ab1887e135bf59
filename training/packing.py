"""Sequences laid side by side in packs, so that few positions are computed for nothing."""

from __future__ import annotations

from bisect import bisect_left, insort

import numpy as np

from schemas.training_report import Packing


def pack(lengths: np.ndarray, max_length: int, seed: int) -> list[list[int]]:
    """The indices of the sequences in each pack: best fit, the longest first, in O(n log n).

    Packs are as full as each other: their capacity is the smallest with which no more of them are needed than with
    `max_length`. Packs, and the sequences in each, are shuffled by the seed, so that length says nothing about place.
    Raises ValueError where a sequence is longer than `max_length`, or empty.
    """
    if len(lengths) == 0:
        return []
    if lengths.min() < 1 or lengths.max() > max_length:
        raise ValueError(f"lengths must lie between 1 and {max_length}; there are {lengths.min()} to {lengths.max()}")
    random = np.random.default_rng(seed)
    # Which of the sequences of one length go where is drawn too: neighbours in a source are not neighbours in a pack.
    shuffled = random.permutation(len(lengths))
    order = shuffled[np.argsort(-lengths[shuffled], kind="stable")]
    ordered = lengths[order].tolist()
    places = _best_fit(ordered, _capacity(ordered, max_length))
    packs: list[list[int]] = [[] for _ in range(max(places) + 1)]
    for index, place in zip(order.tolist(), places, strict=True):
        packs[place].append(index)
    return [random.permutation(packs[place]).tolist() for place in random.permutation(len(packs))]


def fill(packs: list[list[int]], lengths: np.ndarray) -> Packing:
    """Positions that are computed are those of the longest pack, for each pack."""
    totals = [int(lengths[indices].sum()) for indices in packs]
    share = sum(totals) / (len(totals) * max(totals)) if totals else 1.0
    return Packing(sequences=sum(map(len, packs)), packs=len(packs), fill=share)


def _capacity(lengths: list[int], max_length: int) -> int:
    """The smallest that needs no more packs than `max_length` does, found by halves."""
    packs = max(_best_fit(lengths, max_length)) + 1
    low, high = max(lengths[0], -(-sum(lengths) // packs)), max_length
    while low < high:
        middle = (low + high) // 2
        if max(_best_fit(lengths, middle)) + 1 <= packs:
            high = middle
        else:
            low = middle + 1
    return high


def _best_fit(lengths: list[int], capacity: int) -> list[int]:
    """The pack of each sequence: the fullest one that has room. Lengths are given the longest first."""
    spaces: list[int] = []  # that some open pack has, in order; there are at most `capacity` of them
    open_packs: dict[int, list[int]] = {}
    places: list[int] = []
    packs = 0
    for length in lengths:
        at = bisect_left(spaces, length)
        if at == len(spaces):
            space, place, packs = capacity, packs, packs + 1
        else:
            space = spaces[at]
            place = open_packs[space].pop()
            if not open_packs[space]:
                del open_packs[space], spaces[at]
        places.append(place)
        if left := space - length:
            if left not in open_packs:
                insort(spaces, left)
                open_packs[left] = []
            open_packs[left].append(place)
    return places
