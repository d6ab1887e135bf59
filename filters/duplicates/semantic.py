"""First user turns that say the same in other words: their embeddings point the same way. The first is kept."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filters.duplicates.memory import Memory
from filters.duplicates.row_names import RowNames
from filters.duplicates.vectors import VectorRows, Vectors, similar
from filters.text import excerpt
from schemas.errors import EmbedderError
from schemas.verdict import Drop, Keep, Verdict

_STORED = np.dtype("<f2")
_RESTORED_TOGETHER = 1024


class Nearest(NamedTuple):
    """A vector as it is stored, and the most similar one (or -1) of the first `seen` lasting rows."""

    stored: bytes
    unit: Vectors
    seen: int
    row: int
    cosine: float


class _Claim(NamedTuple):
    place: int
    stored: bytes


class SemanticJudge:
    """Claims vectors as DuplicateJudge claims signatures, in two steps.

    `nearest` compares with all that lasts and may run in another thread. `claim` compares with what has come since, and
    with what drafts in flight hold; it is one step, so that of two similar drafts in flight only one passes. All but
    `nearest` belong to one thread.

    Vectors are compared as they are stored, in float16, so that a restored judge gives the same verdicts. In memory a
    number takes four bytes: 1.5 kB a row for 384 dimensions.
    """

    def __init__(self, threshold: float, dimensions: int, memory: Memory) -> None:
        self._threshold = threshold
        self._dimensions = dimensions
        self._lasting = VectorRows(dimensions, memory)
        self._names = RowNames(memory)
        self._claims: dict[str, _Claim] = {}
        # What is in flight, by place; zeros, which are similar to nothing, where a place is free.
        self._held: Vectors = np.zeros((0, dimensions), np.float32)
        self._holders: list[str] = []
        self._free: list[int] = []

    @property
    def nbytes(self) -> int:
        """Memory of what lasts."""
        return self._lasting.nbytes + self._names.nbytes

    def nearest(self, vectors: NDArray[np.float32]) -> list[Nearest]:
        """For each vector, of any length but zero, what `claim` needs to know."""
        seen = len(self._lasting)
        stored = _stored(vectors)
        units = _units(stored)
        found = self._lasting.best(units, self._threshold, 0, seen)
        return [Nearest(one.tobytes(), unit, seen, *best) for one, unit, best in zip(stored, units, found, strict=True)]

    def claim(self, draft_id: str, text: str, nearest: Nearest) -> Verdict:
        """A Drop claims nothing. A draft never repeats itself: judged again, it gets the same verdict."""
        self.release(draft_id)
        unit = nearest.unit[np.newaxis]
        row, cosine = nearest.row, nearest.cosine
        ((later, closer),) = self._lasting.best(unit, self._threshold, nearest.seen, len(self._lasting))
        if closer > cosine:
            row, cosine = later, closer
        holder = None
        for _, place, closer in similar(unit, self._held, self._threshold):
            if closer > cosine:
                holder, cosine = self._holders[place], closer
        if holder is not None:
            return _drop("duplicates.in_flight", holder, cosine, ", which is still being made", text)
        if row >= 0:
            return _drop("duplicates.semantic", self._names.get(row), cosine, "", text)
        self._hold(draft_id, nearest)
        return Keep()

    def release(self, draft_id: str) -> None:
        """Forget what a draft in flight holds; nothing happens when it holds nothing."""
        claim = self._claims.pop(draft_id, None)
        if claim is not None:
            self._give_back(claim.place)

    def confirm(self, draft_id: str) -> bytes:
        """What the draft holds lasts. Its vector for the ledger, in float16, little-endian; empty when it has none."""
        claim = self._claims.pop(draft_id, None)
        if claim is None:
            return b""
        self._add([draft_id], self._held[claim.place][np.newaxis])
        self._give_back(claim.place)
        return claim.stored

    def restore(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Have vectors last: (row id, what confirm gave) of each. Raises EmbedderError for another model's."""
        rows = iter(rows)
        while batch := list(islice(rows, _RESTORED_TOGETHER)):
            ids, vectors = [id for id, _ in batch], [vector for _, vector in batch]
            wanted = self._dimensions * _STORED.itemsize
            if wrong := next((vector for vector in vectors if len(vector) != wanted), None):
                raise EmbedderError(
                    "filters.duplicates.semantic.embedder: the rows that are there were embedded with"
                    f" {len(wrong) // _STORED.itemsize} numbers each, and these servers give {self._dimensions};"
                    " serve the model of the first run"
                )
            stored = np.frombuffer(b"".join(vectors), _STORED).reshape(len(batch), self._dimensions)
            self._add(ids, _units(stored))

    def _add(self, ids: list[str], units: Vectors) -> None:
        self._names.put(self._lasting.add(units), ids)

    def _hold(self, draft_id: str, nearest: Nearest) -> None:
        if not self._free:
            more = max(64, len(self._held))
            self._free = list(range(len(self._held), len(self._held) + more))
            self._held = np.concatenate((self._held, np.zeros((more, self._dimensions), np.float32)))
            self._holders += [""] * more
        place = self._free.pop()
        self._held[place] = nearest.unit
        self._holders[place] = draft_id
        self._claims[draft_id] = _Claim(place, nearest.stored)

    def _give_back(self, place: int) -> None:
        self._held[place] = 0
        self._free.append(place)


def _stored(vectors: NDArray[np.float32]) -> NDArray[np.float16]:
    """Of the length 1, so that no number is too large for float16."""
    wide = vectors.astype(np.float64)
    stored: NDArray[np.float16] = (wide / np.linalg.norm(wide, axis=1, keepdims=True)).astype(_STORED)
    return stored


def _units(stored: NDArray[np.float16]) -> Vectors:
    wide = stored.astype(np.float64)
    units: Vectors = (wide / np.linalg.norm(wide, axis=1, keepdims=True)).astype(np.float32)
    return units


def _drop(reason: str, name: str, cosine: float, more: str, text: str) -> Drop:
    seen = f"says what {name} says (cosine {cosine:.3f}){more}; this one: {excerpt(text)}"
    return Drop(reason=reason, evidence=seen, turn=0)
