"""Exact and near duplicates of the first user turn, and exact ones of the whole conversation; the first is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np

from filters.duplicates.distinct import Distinct
from filters.duplicates.families import LEAST_ROWS, Families, unpack
from filters.duplicates.memory import Memory
from filters.duplicates.repeats import BatchRepeats, Repeat
from filters.duplicates.row_index import RowIndex, Thresholds
from filters.duplicates.row_names import RowNames
from filters.duplicates.row_store import MARK
from filters.duplicates.shingles import Shingles
from filters.duplicates.signature import Signature, conversation_hash, sign_first, text_hash
from filters.text import excerpt
from schemas.conversation import Draft, Gate
from schemas.filters import SHORT_WORDS, DuplicateFilter
from schemas.funnel import Diversity, TemplateFamily
from schemas.verdict import Drop, Keep, Verdict

# Rows judged, or restored, together: enough that the work is numpy's, few enough to stay in the processor's cache.
BATCH_ROWS = 4096
BATCH_BYTES = 1 << 20
FAMILIES_SHOWN = 10


class SignedRow(NamedTuple):
    """What is judged of a row: what it would claim, its first turn, and which of its messages that is.

    A name of its own is optional.
    """

    signature: Signature
    text: str
    id: str | None = None
    turn: int = 0


@dataclass(slots=True)
class _Claim:
    """What a draft in flight holds."""

    row: int
    signature: Signature
    family: int | None


class _FullFamily(NamedTuple):
    """The template family that a row would join, which has its share of the rows already."""

    frame: str
    rows: int


_Objection = Repeat | _FullFamily


class DuplicateJudge:
    """Claims at USER_TURN (first user turn only) and at CONVERSATION. Not safe between threads: one per build.

    Nothing that reaches the threshold is missed and nothing below it dropped, unless the diversity's `cut_rows` says
    otherwise. With `enabled: false` rows claim nothing: they are compared with those of other datasets only.
    A draft is in flight from its first claim until it is released or confirmed. What in-flight drafts claim lies in a
    dictionary, what lasts in arrays: about 300 bytes a row for instructions of 6 to 30 words.
    """

    name: ClassVar[str] = "duplicates"
    gates: ClassVar[frozenset[Gate]] = frozenset({Gate.USER_TURN, Gate.CONVERSATION})
    heavy: ClassVar[bool] = False

    def __init__(self, settings: DuplicateFilter, memory: Memory | None = None) -> None:
        memory = memory or Memory()
        self._settings = settings
        self._in_flight: dict[str, _Claim] = {}
        self._rows_in_flight: set[int] = set()
        self._index = RowIndex(_thresholds(settings), memory)
        self._names = RowNames(memory)
        self._families = Families()
        self._distinct = Distinct()
        self._lasting = 0
        self._cut_before = 0

    @property
    def nbytes(self) -> int:
        """Memory of what lasts."""
        return self._index.nbytes + self._names.nbytes

    def diversity(self) -> Diversity:
        """Of the rows that last; families count those in flight, too."""
        work = self._index.work
        held = max(1, self._lasting + len(self._in_flight))
        return Diversity(
            ngram=self._settings.ngram,
            distinct=self._distinct.share,
            families=tuple(
                TemplateFamily(frame=family.frame, rows=family.rows, share=family.rows / held)
                for family in self._families.largest(FAMILIES_SHOWN)
            ),
            candidates_per_row=work.compared / max(1, work.sets),
            cut_rows=self._cut_before + work.cut,
        )

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
            drops, _ = self._claim(batch, lasting=True)
            verdicts += drops
        return verdicts

    def claim(self, row: SignedRow) -> Verdict:
        """Judge a row with an id, which is in flight from then on unless it is dropped."""
        (drop,), claims = self._claim([row], lasting=False)
        if drop is not None:
            return drop
        for claim in claims:
            self._in_flight[row.id or ""] = claim
            self._rows_in_flight.add(claim.row)
        return Keep()

    def release(self, draft_id: str) -> None:
        claim = self._in_flight.pop(draft_id, None)
        if claim is not None:
            self._rows_in_flight.discard(claim.row)
            self._index.remove(claim.row)
            self._families.remove(unpack(claim.signature.frames), claim.family)

    def confirm(self, draft_id: str) -> bytes:
        """See Signature; empty when the draft has claimed nothing."""
        claim = self._in_flight.pop(draft_id, None)
        if claim is None:
            return b""
        self._rows_in_flight.discard(claim.row)
        self._count_lasting([claim.signature])
        return claim.signature.to_bytes()

    def restore(self, rows: Iterable[tuple[str | None, bytes]], diversity: Diversity | None = None) -> None:
        """Claim for good; `diversity` is the last one told, for names and what was cut.

        Raises LedgerError for broken bytes.
        """
        for batch in self._held(rows):
            self._count_lasting([row.signature for row in batch])
            for row in batch:
                self._families.add(unpack(row.signature.frames))
        if diversity is not None:
            self._families.name(family.frame for family in diversity.families)
            self._cut_before = diversity.cut_rows

    def hold_against(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Rows of other datasets, as in `restore`: what repeats them is dropped, and nothing else is told of them."""
        for _ in self._held(rows):
            pass

    def _held(self, rows: Iterable[tuple[str | None, bytes]]) -> Iterator[list[SignedRow]]:
        """Claim for good, a batch at each step."""
        for batch in _batches(SignedRow(Signature.from_bytes(data), "", id) for id, data in rows if data):
            marks = np.frombuffer(b"".join(row.signature.mark for row in batch), MARK)
            numbers = self._index.add(marks, Shingles.of([row.signature.shingles for row in batch]))
            self._names.put(numbers.tolist(), [row.id for row in batch])
            yield batch

    def _judge_first(self, draft: Draft) -> Verdict:
        text = draft.turns[0].content
        claim = self._in_flight.get(draft.id)
        if claim is not None and claim.signature.first == text_hash(text):
            return Keep()
        self.release(draft.id)
        return self.claim(SignedRow(sign_first(text, self._settings.ngram, self._settings.min_words), text, draft.id))

    def _judge_whole(self, draft: Draft) -> Verdict:
        whole = conversation_hash(draft.turns)
        claim = self._in_flight.get(draft.id)
        if claim is not None and (claim.signature.first or claim.signature.whole == whole):
            # What repeats a whole conversation repeats its first user turn: nobody has to look for this hash.
            claim.signature = claim.signature._replace(whole=whole)
            return Keep()
        self.release(draft.id)
        return self.claim(SignedRow(Signature(whole=whole), draft.turns[0].content, draft.id))

    def _claim(self, rows: Sequence[SignedRow], *, lasting: bool) -> tuple[list[Drop | None], list[_Claim]]:
        """Why each row is dropped, or None; and what those that are not hold from now on."""
        digests = [row.signature.mark for row in rows]
        marks = np.frombuffer(b"".join(digests), MARK)
        sets = Shingles.of([row.signature.shingles for row in rows])
        work = replace(self._index.work)
        repeats = BatchRepeats(self._index, digests, marks, sets, held=self._settings.enabled)
        if repeats.crowded:
            self._index.work = work
            # Of many rows that are alike few are kept. When these are in the index, the others are found there; a row
            # alone is no crowd.
            halves = [self._claim(half, lasting=lasting) for half in (rows[: len(rows) // 2], rows[len(rows) // 2 :])]
            return halves[0][0] + halves[1][0], halves[0][1] + halves[1][1]
        objections: list[_Objection | None] = []
        kept: list[int] = []
        families: list[int | None] = []
        for place, row in enumerate(rows):
            objections.append(repeats.of(place) or self._full_family(row))
            if objections[-1] is None and self._settings.enabled:
                repeats.hold(place)
                kept.append(place)
                families.append(self._families.add(unpack(row.signature.frames), row.text))
                self._lasting += lasting
        added = sets.only(np.array(kept, np.int64))
        numbers = self._index.add(marks[kept], added).tolist()
        self._names.put(numbers, [rows[place].id for place in kept])
        if lasting:
            self._distinct.add(added.values)
        number_of = dict(zip(kept, numbers, strict=True))
        drops = [self._drop(row, objection, number_of) for row, objection in zip(rows, objections, strict=True)]
        return drops, [
            _Claim(number, rows[place].signature, family)
            for place, number, family in zip(kept, numbers, families, strict=True)
        ]

    def _full_family(self, row: SignedRow) -> _FullFamily | None:
        most = self._settings.max_family_share
        if most is None:
            return None
        family = self._families.would_join(unpack(row.signature.frames), row.text)
        if family is None or family.rows + 1 <= most * max(self._lasting, LEAST_ROWS):
            return None
        return _FullFamily(*family)

    def _count_lasting(self, signatures: list[Signature]) -> None:
        self._lasting += len(signatures)
        self._distinct.add(Shingles.of([signature.shingles for signature in signatures]).values)

    def _drop(self, row: SignedRow, objection: _Objection | None, number_of: Mapping[int, int]) -> Drop | None:
        """`number_of` are the numbers of the kept rows of the batch by their places."""
        if objection is None:
            return None
        if isinstance(objection, _FullFamily):
            frame = excerpt(objection.frame, 60)
            seen = f"{frame} has its share already, {objection.rows:,} rows; this one: {excerpt(row.text)}"
            return Drop(reason="duplicates.family", evidence=seen, turn=row.turn)
        number = number_of[objection.number] if objection.in_batch else objection.number
        seen = f"repeats {self._names.get(number)}"
        if not objection.exact:
            seen += f" (similarity {1 - objection.distance:.2f})"
        if number in self._rows_in_flight:
            seen, reason = f"{seen}, which is still being made", "duplicates.in_flight"
        elif not objection.exact:
            reason = "duplicates.near"
        else:
            reason = "duplicates.exact" if row.signature.first else "duplicates.conversation"
        return Drop(reason=reason, evidence=f"{seen}; this one: {excerpt(row.text)}", turn=row.turn)


def _thresholds(settings: DuplicateFilter) -> Thresholds:
    short = max(settings.threshold, settings.short_threshold)
    return Thresholds(settings.threshold, short, max(1, SHORT_WORDS - settings.ngram + 1))


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
