"""Exact and near duplicates of the first user turn, and exact ones of the whole conversation; the first is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from filters.duplicates.row_index import RowIndex
from filters.duplicates.row_names import RowNames
from filters.duplicates.row_store import MARK, Marks
from filters.duplicates.shingles import Shingles
from filters.duplicates.signature import Signature, conversation_hash, shingle, text_hash
from filters.text import excerpt
from schemas.conversation import Draft, Gate
from schemas.recipe import DuplicateFilter
from schemas.verdict import Drop, Keep, Verdict

# Rows judged, or restored, together: enough that the work is numpy's, few enough to stay in the processor's cache.
BATCH_ROWS = 4096
BATCH_BYTES = 1 << 20


class SignedRow(NamedTuple):
    """What is judged of a row: what it would claim, and its first turn to be shown. A name of its own is optional."""

    signature: Signature
    text: str
    id: str | None = None


@dataclass(slots=True)
class _Claim:
    """What a draft in flight holds."""

    row: int
    signature: Signature


class _Repeat(NamedTuple):
    """Which row a row of a batch repeats: a kept one of the same batch by its place, or one of the index.

    The least of several is the most similar one, and of equals the oldest. An exact repeat has the distance 0.
    """

    distance: float
    in_batch: bool
    number: int
    exact: bool = False


class DuplicateJudge:
    """Claims at USER_TURN (first user turn only) and at CONVERSATION. Not safe between threads: one per build.

    Nothing that reaches the threshold is missed and nothing below it dropped, unless `cut_rows` says otherwise.
    With `enabled: false` rows claim nothing: they are compared with the restored ones only.
    A draft is in flight from its first claim until it is released or confirmed. What in-flight drafts claim lies in a
    dictionary, what lasts in arrays: about 200 bytes a row for instructions of 6 to 30 words.
    """

    name: ClassVar[str] = "duplicates"
    gates: ClassVar[frozenset[Gate]] = frozenset({Gate.USER_TURN, Gate.CONVERSATION})
    heavy: ClassVar[bool] = False

    def __init__(self, settings: DuplicateFilter) -> None:
        self._settings = settings
        self._in_flight: dict[str, _Claim] = {}
        self._rows_in_flight: set[int] = set()
        self._index = RowIndex(settings.threshold)
        self._names = RowNames()

    @property
    def nbytes(self) -> int:
        """Memory of what lasts."""
        return self._index.nbytes + self._names.nbytes

    @property
    def candidates_per_row(self) -> float:
        """How many rows each one was compared with, on average."""
        return self._index.work.compared / max(1, self._index.work.sets)

    @property
    def cut_rows(self) -> int:
        """Rows that shared a key with so many others that not all of them were looked at."""
        return self._index.work.cut

    def judge(self, draft: Draft, gate: Gate) -> Verdict:
        """A Drop claims nothing. A draft never repeats itself: judged again, it gets the same verdict."""
        if gate is Gate.CONVERSATION:
            return self._judge_whole(draft)
        return self._judge_first(draft) if len(draft.turns) == 1 else Keep()

    def judge_rows(self, rows: Iterable[SignedRow]) -> list[Drop | None]:
        """The same as every row judged at its gates, one after the other, and confirmed if it is kept.

        Rows without an id are named by their place among the kept ones.
        """
        verdicts: list[Drop | None] = []
        for batch in _batches(rows):
            drops, _ = self._claim(batch)
            verdicts += drops
        return verdicts

    def release(self, draft_id: str) -> None:
        claim = self._in_flight.pop(draft_id, None)
        if claim is not None:
            self._rows_in_flight.discard(claim.row)
            self._index.remove(claim.row)

    def confirm(self, draft_id: str) -> bytes:
        """See Signature; empty when the draft has claimed nothing."""
        claim = self._in_flight.pop(draft_id, None)
        if claim is None:
            return b""
        self._rows_in_flight.discard(claim.row)
        return claim.signature.to_bytes()

    def restore(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Claim for good. Raises LedgerError for broken bytes."""
        for batch in _batches(SignedRow(Signature.from_bytes(data), "", id) for id, data in rows if data):
            marks = np.frombuffer(b"".join(row.signature.mark for row in batch), MARK)
            numbers = self._index.add(marks, Shingles.of([row.signature.shingles for row in batch]))
            self._names.put(numbers.tolist(), [row.id for row in batch])

    def _judge_first(self, draft: Draft) -> Verdict:
        text = draft.turns[0].content
        first = text_hash(text)
        claim = self._in_flight.get(draft.id)
        if claim is not None and claim.signature.first == first:
            return Keep()
        self.release(draft.id)
        signature = Signature(first, shingle(text, self._settings.ngram, self._settings.min_words))
        return self._claim_in_flight(draft, signature)

    def _judge_whole(self, draft: Draft) -> Verdict:
        whole = conversation_hash(draft.turns)
        claim = self._in_flight.get(draft.id)
        if claim is not None and (claim.signature.first or claim.signature.whole == whole):
            # What repeats a whole conversation repeats its first user turn: nobody has to look for this hash.
            claim.signature = claim.signature._replace(whole=whole)
            return Keep()
        self.release(draft.id)
        return self._claim_in_flight(draft, Signature(whole=whole))

    def _claim_in_flight(self, draft: Draft, signature: Signature) -> Verdict:
        (drop,), rows = self._claim([SignedRow(signature, draft.turns[0].content, draft.id)])
        if drop is not None:
            return drop
        if not rows:
            return Keep()
        self._in_flight[draft.id] = _Claim(rows[0], signature)
        self._rows_in_flight.add(rows[0])
        return Keep()

    def _claim(self, rows: Sequence[SignedRow]) -> tuple[list[Drop | None], list[int]]:
        """Why each row is dropped, or None; and the numbers of those that are not: they hold what they claim."""
        digests = [row.signature.mark for row in rows]
        marks = np.frombuffer(b"".join(digests), MARK)
        sets = Shingles.of([row.signature.shingles for row in rows])
        repeats = self._repeats(digests, marks, sets)
        kept = [place for place, repeat in enumerate(repeats) if repeat is None and self._settings.enabled]
        numbers = self._index.add(marks[kept], sets.only(np.array(kept, np.int64))).tolist()
        self._names.put(numbers, [rows[place].id for place in kept])
        number_of = dict(zip(kept, numbers, strict=True))
        drops: list[Drop | None] = []
        for row, repeat in zip(rows, repeats, strict=True):
            if repeat is None:
                drops.append(None)
            else:
                drops.append(self._drop(row, repeat, number_of[repeat.number] if repeat.in_batch else repeat.number))
        return drops, numbers

    def _repeats(self, digests: list[bytes], marks: Marks, sets: Shingles) -> list[_Repeat | None]:
        """Whom each row of a batch repeats, None for those to keep: only a row that is kept can be repeated."""
        same = self._index.same(marks)
        new = np.flatnonzero(same < 0)
        fresh = sets.only(new)
        like: defaultdict[int, list[_Repeat]] = defaultdict(list)
        for place, row, similarity in self._index.similar(fresh).pairs():
            like[place].append(_Repeat(1 - similarity, False, row))
        within = self._index.similar_within(fresh).pairs() if self._settings.enabled else ()
        for place, earlier, similarity in within:
            like[place].append(_Repeat(1 - similarity, True, int(new[earlier])))
        repeats: list[_Repeat | None] = [
            _Repeat(0, False, row, exact=True) if row >= 0 else None for row in same.tolist()
        ]
        holders: dict[bytes, int] = {}
        for number, place in enumerate(new.tolist()):
            holder = holders.get(digests[place])
            if holder is not None:
                repeats[place] = _Repeat(0, True, holder, exact=True)
                continue
            kept = (one for one in like[number] if not (one.in_batch and repeats[one.number]))
            repeats[place] = min(kept, default=None)
            if repeats[place] is None and self._settings.enabled:
                holders[digests[place]] = place
        return repeats

    def _drop(self, row: SignedRow, repeat: _Repeat, number: int) -> Drop:
        seen = f"repeats {self._names.get(number)}"
        if not repeat.exact:
            seen += f" (similarity {1 - repeat.distance:.2f})"
        if number in self._rows_in_flight:
            seen, reason = f"{seen}, which is still being made", "duplicates.in_flight"
        elif not repeat.exact:
            reason = "duplicates.near"
        else:
            reason = "duplicates.exact" if row.signature.first else "duplicates.conversation"
        return Drop(reason=reason, evidence=f"{seen}: {excerpt(row.text)}", turn=0)


def _batches(rows: Iterable[SignedRow]) -> Iterator[list[SignedRow]]:
    batch: list[SignedRow] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += len(row.signature.shingles)
        if len(batch) == BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
