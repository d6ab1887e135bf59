"""Rows by 32-bit keys, in arrays: a hash table of a size that never changes."""

from __future__ import annotations

import numpy as np

from filters.duplicates.memory import Memory
from filters.duplicates.shingles import Ints, Keys

# How far from the newest entry of a chain one to be removed is looked for.
_REMOVAL_STEPS = 64
_REMOVED = np.uint32(1 << 31)
_ENTRY = np.dtype(np.uint32)


class Chains:
    """Entries of a key and a row. A slot leads to its newest entry, and each entry to the one before it in the slot.

    An entry leads to the one before it that has another key, too: who looks for that is not held up by a key of many
    rows.
    """

    def __init__(self, capacity: int, memory: Memory) -> None:
        """Room for `capacity` entries. Memory is taken as they come, but for 4 to 8 bytes of heads for each."""
        self.capacity = capacity
        self.entries = 0
        # Entries count from 1: 0 is the end of a chain, and what fresh memory holds.
        self._heads = memory.zeros(1 << (capacity // 2).bit_length(), _ENTRY)
        self._keys, self._rows, self._before, self._other = (memory.zeros(capacity + 1, _ENTRY) for _ in range(4))

    @property
    def nbytes(self) -> int:
        return self._heads.nbytes + 16 * self.entries

    def add(self, keys: Keys, rows: Ints) -> None:
        """One entry for each key, in their order. There must be room."""
        if not len(keys):
            return
        slots = self._slots(keys)
        order = np.argsort(slots << 32 | keys, kind="stable")
        slots, keys = slots[order], keys[order]
        first = self.entries + 1
        self.entries += len(keys)
        new = slice(first, self.entries + 1)
        slot_starts = np.append(True, slots[1:] != slots[:-1])
        key_starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
        before = np.where(slot_starts, self._heads[slots], np.arange(first - 1, self.entries))
        self._keys[new], self._rows[new], self._before[new] = keys, rows[order], before
        # New entries with one key have one other entry in common, and share it with an older one that they follow.
        other = before[key_starts]
        other = np.where(self._keys[other] == keys[key_starts], self._other[other], other)
        self._other[new] = np.repeat(other, np.diff(np.append(key_starts, len(keys))))
        ends = np.append(slot_starts[1:], True)
        self._heads[slots[ends]] = np.flatnonzero(ends) + first

    def find(self, keys: Keys, most: int) -> tuple[Ints, Ints, Ints]:
        """(which key, a row that has it) of every entry found, newest first, and which keys' chains were cut.

        Of each chain, `most` entries are read, those of other keys in its slot included.
        """
        at = self._heads[self._slots(keys)]
        which = np.flatnonzero(at)
        at = at[which]
        keys = keys[which]
        found: list[Ints] = [which[:0]]
        rows = [at[:0]]
        for _ in range(most):
            if not len(which):
                break
            hit = self._keys[at] == keys
            found.append(which[hit])
            rows.append(self._rows[at[hit]])
            at = np.where(hit, self._before[at], self._other[at])
            on = at != 0
            which, at, keys = which[on], at[on], keys[on]
        return np.concatenate(found), np.concatenate(rows).astype(np.int64), which

    def remove(self, keys: Keys, row: int) -> None:
        """Take a row's entries out, as far as they are found near the newest ones; the others stay."""
        for key, slot in zip(keys.tolist(), self._slots(keys).tolist(), strict=True):
            after, at = 0, int(self._heads[slot])
            for _ in range(_REMOVAL_STEPS):
                if not at:
                    break
                before = int(self._before[at])
                if self._keys[at] == key and self._rows[at] == row:
                    if after:
                        self._before[after] = before
                    else:
                        self._heads[slot] = before
                    # Entries of other keys may still lead here: they must get on to all that is before.
                    self._keys[at] ^= _REMOVED
                    self._other[at] = before
                    break
                after, at = at, before

    def _slots(self, keys: Keys) -> Ints:
        return (keys & np.uint32(len(self._heads) - 1)).astype(np.int64)
