"""Sequences laid side by side in packs, so that few positions are computed for nothing."""

from __future__ import annotations

from bisect import bisect_left, insort
from heapq import heapreplace

import numpy as np

from schemas.training_report import Packing


def pack(lengths: np.ndarray, max_length: int, seed: int) -> list[list[int]]:
    """The indices of the sequences in each pack, in O(n log n).

    Best fit, the longest first, says how many packs do. The sequences are then dealt out among as few as there could
    be, or among so many, all about as long, where that makes none too long. Packs, and the sequences in each, are
    shuffled by the seed: length says nothing about place.
    Raises ValueError where a sequence is empty or longer than `max_length`.

    Positions restart at 0 with each sequence. Transformers keeps sequences apart by that in attention, but only in a
    forward pass without an attention mask and with `use_cache=False`: with a cache they see each other.
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
    packs = _best_fit(ordered, max_length)
    fewest = -(-sum(ordered) // max_length)
    for count in sorted({fewest, len(packs)}):
        dealt = _dealt_out(ordered, count)
        if max(sum(ordered[index] for index in pack) for pack in dealt) <= max_length:
            packs = dealt
            break
    return [order[random.permutation(packs[place])].tolist() for place in random.permutation(len(packs))]


def fill(packs: list[list[int]], lengths: np.ndarray) -> Packing:
    """Computed are, for each pack, the positions of the longest one."""
    totals = [int(lengths[indices].sum()) for indices in packs]
    share = sum(totals) / (len(totals) * max(totals)) if totals else 1.0
    return Packing(sequences=sum(map(len, packs)), packs=len(packs), fill=share)


def _best_fit(lengths: list[int], capacity: int) -> list[list[int]]:
    """Each sequence in the fullest pack that has room. Lengths are given the longest first."""
    spaces: list[int] = []  # that some open pack has, in order; there are at most `capacity` of them
    open_packs: dict[int, list[int]] = {}
    packs: list[list[int]] = []
    for index, length in enumerate(lengths):
        at = bisect_left(spaces, length)
        if at == len(spaces):
            space, place = capacity, len(packs)
            packs.append([])
        else:
            space = spaces[at]
            place = open_packs[space].pop()
            if not open_packs[space]:
                del open_packs[space], spaces[at]
        packs[place].append(index)
        if left := space - length:
            if left not in open_packs:
                insort(spaces, left)
                open_packs[left] = []
            open_packs[left].append(place)
    return packs


def _dealt_out(lengths: list[int], count: int) -> list[list[int]]:
    """Each sequence in the pack with the least in it; then exchanges between the longest pack and the shortest."""
    packs: list[list[int]] = [[] for _ in range(count)]
    totals = [(0, place) for place in range(count)]
    for index, length in enumerate(lengths):
        total, place = totals[0]
        packs[place].append(index)
        heapreplace(totals, (total + length, place))
    totals.sort()
    while len(totals) > 1:
        (short, low), (long, high) = totals[0], totals[-1]
        found = _exchange(packs[high], packs[low], lengths, long - short)
        if found is None:
            break
        given, taken, moved = found
        packs[high].remove(given)
        packs[low].append(given)
        if taken is not None:
            packs[low].remove(taken)
            packs[high].append(taken)
        del totals[0], totals[-1]
        insort(totals, (short + moved, low))
        insort(totals, (long - moved, high))
    return packs


def _exchange(
    longer: list[int], shorter: list[int], lengths: list[int], apart: int
) -> tuple[int, int | None, int] | None:
    """What is given for what, or for nothing, and how much longer it is: as near to half of `apart` as can be."""
    back = sorted([(0, -1), *((lengths[index], index) for index in shorter)])
    best: tuple[int, int, int] | None = None
    for given in longer:
        length = lengths[given]
        near = bisect_left(back, (length - apart / 2,))
        for size, taken in back[max(near - 1, 0) : near + 1]:
            moved = length - size
            if 0 < moved < apart and (best is None or abs(2 * moved - apart) < abs(2 * best[2] - apart)):
                best = given, taken, moved
    return None if best is None else (best[0], None if best[1] < 0 else best[1], best[2])
