"""Exact and near duplicates of the first user turn, and exact ones of the whole conversation; the first is kept."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import ClassVar

from rensa import RMinHash, RMinHashLSH

from filters.signature import Signature, conversation_hash, jaccard, shingle, shingle_tokens, text_hash
from filters.text import excerpt
from schemas.conversation import Draft, Gate
from schemas.recipe import DuplicateFilter
from schemas.verdict import Drop, Keep, Verdict

PERMUTATIONS = 256
SEED = 1
# Of the pairs just as similar as the threshold, the index must bring this share together; of closer ones, nearly all.
RECALL = 0.95


def bands(threshold: float) -> int:
    """Into how many bands the values of a sketch are cut: the fewest that still find RECALL at the threshold.

    A pair of similarity s meets in one of b bands of r values with probability 1 - (1 - s**r)**b. Fewer bands of more
    values each mean fewer pairs below the threshold to compare: with 32 bands of 4, judging grew to 6 ms per turn after
    60,000 turns made from four openers; with 32 of 8 it stays below 0.1 ms.
    """
    for rows in (16, 8, 4, 2):
        number = PERMUTATIONS // rows
        if 1 - (1 - threshold**rows) ** number >= RECALL:
            return number
    return PERMUTATIONS


class DuplicateJudge:
    """Claims at USER_TURN (first user turn only) and at CONVERSATION. Not safe between threads: one per build.

    The index only proposes candidates: a draft is dropped as a near duplicate after its exact Jaccard similarity with
    one of them, over word n-grams, has reached the threshold.
    """

    name: ClassVar[str] = "duplicates"
    gates: ClassVar[frozenset[Gate]] = frozenset({Gate.USER_TURN, Gate.CONVERSATION})
    heavy: ClassVar[bool] = False

    def __init__(self, settings: DuplicateFilter) -> None:
        self._settings = settings
        self._claims: dict[str, Signature] = {}
        self._first: dict[bytes, str] = {}
        self._whole: dict[bytes, str] = {}
        self._index = RMinHashLSH(settings.threshold, PERMUTATIONS, bands(settings.threshold))
        self._numbers = count()
        self._number_of: dict[str, int] = {}
        self._draft_of: dict[int, str] = {}

    def judge(self, draft: Draft, gate: Gate) -> Verdict:
        """A Drop claims nothing. A draft never repeats itself: judged again, it gets the same verdict."""
        if gate is Gate.CONVERSATION:
            return self._judge_whole(draft)
        return self._judge_first(draft) if len(draft.turns) == 1 else Keep()

    def release(self, draft_id: str) -> None:
        claim = self._claims.pop(draft_id, None)
        if claim is None:
            return
        if claim.first is not None and self._first.get(claim.first) == draft_id:
            del self._first[claim.first]
        if claim.whole is not None and self._whole.get(claim.whole) == draft_id:
            del self._whole[claim.whole]
        number = self._number_of.pop(draft_id, None)
        if number is not None:
            del self._draft_of[number]
            self._index.remove(number)

    def signature(self, draft_id: str) -> bytes:
        """See Signature; empty when the draft claimed nothing."""
        return self._claims.get(draft_id, Signature()).to_bytes()

    def restore(self, draft_id: str, signature: bytes) -> None:
        """Claim again, in place of what the draft may have claimed before. Raises LedgerError for broken bytes."""
        claim = Signature.from_bytes(signature)
        self.release(draft_id)
        if signature:
            self._claim_first(draft_id, claim)
            self._claim_whole(draft_id, claim.whole)

    def _judge_first(self, draft: Draft) -> Verdict:
        text = draft.turns[0].content
        digest = text_hash(text)
        holder = self._first.get(digest)
        if holder == draft.id:
            return Keep()
        if holder is not None:
            return Drop(reason="duplicates.exact", evidence=f"repeats {holder}: {excerpt(text)}", turn=0)
        self.release(draft.id)
        shingles = shingle(text, self._settings.ngram, self._settings.min_words)
        sketch = _sketch(shingles)
        nearest = self._nearest(shingles, sketch)
        if nearest is not None:
            similarity, holder = nearest
            seen = f"repeats {holder} (similarity {similarity:.2f}): {excerpt(text)}"
            return Drop(reason="duplicates.near", evidence=seen, turn=0)
        self._claim_first(draft.id, Signature(first=digest, shingles=shingles), sketch)
        return Keep()

    def _judge_whole(self, draft: Draft) -> Verdict:
        digest = conversation_hash(draft.turns)
        holder = self._whole.get(digest, draft.id)
        if holder != draft.id:
            text = draft.turns[0].content
            return Drop(reason="duplicates.conversation", evidence=f"repeats {holder}: {excerpt(text)}", turn=0)
        self._claim_whole(draft.id, digest)
        return Keep()

    def _nearest(self, shingles: bytes, sketch: RMinHash | None) -> tuple[float, str] | None:
        """The most similar claim at or above the threshold, by id where several are."""
        if sketch is None:
            return None
        threshold = self._settings.threshold
        best: tuple[float, str] | None = None
        for number in self._index.query(sketch):
            holder = self._draft_of[number]
            theirs = self._claims[holder].shingles
            # Sets whose sizes differ this much cannot be that similar: no need to read them.
            if min(len(shingles), len(theirs)) < threshold * max(len(shingles), len(theirs)):
                continue
            similarity = jaccard(shingles, theirs)
            if similarity >= threshold and (best is None or (-similarity, holder) < (-best[0], best[1])):
                best = similarity, holder
        return best

    def _claim_first(self, draft_id: str, claim: Signature, sketch: RMinHash | None = None) -> None:
        if claim.first is None:
            return
        self._claims[draft_id] = replace(claim, whole=None)
        self._first[claim.first] = draft_id
        sketch = sketch or _sketch(claim.shingles)
        if sketch is not None:
            number = next(self._numbers)
            self._number_of[draft_id] = number
            self._draft_of[number] = draft_id
            self._index.insert(number, sketch)

    def _claim_whole(self, draft_id: str, digest: bytes | None) -> None:
        if digest is None:
            return
        claim = self._claims.get(draft_id, Signature())
        self._claims[draft_id] = replace(claim, whole=digest)
        self._whole[digest] = draft_id


def _sketch(shingles: bytes) -> RMinHash | None:
    """The MinHash of the shingles; None for none. Made from their hashes, so that the ledger's bytes suffice."""
    if not shingles:
        return None
    sketch = RMinHash(PERMUTATIONS, SEED)
    sketch.update(shingle_tokens(shingles))
    return sketch
