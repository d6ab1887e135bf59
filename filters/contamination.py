"""Turns that quote an item of a benchmark, found by n-grams of words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from filters.benchmark import (
    LEAST_WORDS,
    LONGEST,
    SHORTEST,
    Benchmark,
    Grams,
    Items,
    folded_words,
    gram_hashes,
    word_hashes,
)
from filters.text import EVIDENCE_LIMIT, excerpt
from schemas.conversation import Draft, Gate
from schemas.verdict import Drop, Keep, Verdict

_NAME_LIMIT = 60
_QUOTE_LIMIT = 120
_NO_TEXTS = np.empty(0, np.uint32)


class Contaminated(Drop):
    """`items` are all that were found: the number of the benchmark, and the item's row in it, of each."""

    items: tuple[tuple[int, int], ...]


class _Meeting(NamedTuple):
    """One text that a turn shares words with: the n-grams' length, where in the turn they begin, whether it is all."""

    text: int
    ngram: int
    places: list[int]
    whole: bool = False

    @property
    def run(self) -> tuple[int, int]:
        """The longest stretch of the turn that its n-grams cover without a gap: first word, and the one after it."""
        run = best = (self.places[0], self.places[0] + self.ngram)
        for place in self.places[1:]:
            run = (run[0] if place <= run[1] else place, place + self.ngram)
            best = max(best, run, key=_length)
        return best


class ContaminationJudge:
    """Judges the last turn, and before there is one the passage.

    Has no state, and costs half of what the repetition filter does.

    Its memory is 13 to 14 bytes for every different n-gram of every text of the benchmarks. A false alarm takes two
    hashes of 64 bits that are equal by chance.
    """

    name: ClassVar[str] = "contamination"
    gates: ClassVar[frozenset[Gate]] = frozenset({Gate.MATERIAL, Gate.USER_TURN, Gate.REPLY})
    heavy: ClassVar[bool] = False

    def __init__(self, benchmarks: Sequence[Benchmark]) -> None:
        self.benchmarks: tuple[Items, ...] = tuple(one.items for one in benchmarks)
        sizes = [one.items.texts for one in benchmarks]
        # Texts have one row of numbers over all benchmarks, so that those of one n are searched together.
        self._firsts = np.cumsum([0, *sizes])
        self._grams = {
            length: self._merged({at: one.grams[length] for at, one in enumerate(benchmarks) if length in one.grams})
            for length in range(SHORTEST, LONGEST + 1)
        }
        self._whole = self._merged({at: one.whole for at, one in enumerate(benchmarks)})

    @property
    def nbytes(self) -> int:
        """Memory of the n-grams."""
        return sum(grams.nbytes for grams in (*self._grams.values(), self._whole))

    def judge(self, draft: Draft, gate: Gate) -> Verdict:
        found = folded_words((draft.passage or "") if gate is Gate.MATERIAL else draft.last.content)
        meetings = self._meetings(found)
        if not meetings:
            return Keep()
        meeting = max(meetings, key=lambda one: _length(one.run))
        start, end = meeting.run
        at, item = self._items(meeting.text)[0]
        quoted = excerpt(" ".join(found[start:end]), _QUOTE_LIMIT)
        where = f"{excerpt(self.benchmarks[at].name, _NAME_LIMIT)} row {item}"
        kind, seen = ("item", f"is {where}") if meeting.whole else ("ngram", f"shares {end - start} words with {where}")
        return Contaminated(
            reason=f"{self.name}.{kind}",
            evidence=excerpt(f"{seen}: {quoted}", EVIDENCE_LIMIT),
            turn=len(draft.turns) - 1 if draft.turns else None,
            items=self._all_items(meetings),
        )

    def items(self, draft: Draft) -> tuple[tuple[int, int], ...]:
        """All items that any turn of a draft quotes, as Contaminated has them."""
        return self._all_items([one for turn in draft.turns for one in self._meetings(folded_words(turn.content))])

    def _meetings(self, found: list[str]) -> list[_Meeting]:
        if len(found) < LEAST_WORDS:
            return []
        hashes = word_hashes(found)
        meetings: list[_Meeting] = []
        for length, grams in self._grams.items():
            if len(grams.hashes) and len(found) >= length:
                places, texts = grams.find(gram_hashes(hashes, length))
                meetings += [_Meeting(one, length, places[texts == one].tolist()) for one in np.unique(texts).tolist()]
        if len(found) < SHORTEST:
            _, texts = self._whole.find(gram_hashes(hashes, len(found)))
            meetings += [_Meeting(text, len(found), [0], whole=True) for text in texts.tolist()]
        return meetings

    def _all_items(self, meetings: list[_Meeting]) -> tuple[tuple[int, int], ...]:
        return tuple(sorted({item for meeting in meetings for item in self._items(meeting.text)}))

    def _items(self, text: int) -> list[tuple[int, int]]:
        at = int(np.searchsorted(self._firsts, text, "right")) - 1
        return [(at, item) for item in self.benchmarks[at].of(text - int(self._firsts[at]))]

    def _merged(self, parts: dict[int, Grams]) -> Grams:
        hashes = [grams.hashes for grams in parts.values()]
        texts = [grams.texts + np.uint32(self._firsts[at]) for at, grams in parts.items()]
        return Grams.of(np.concatenate([np.empty(0, np.uint64), *hashes]), np.concatenate([_NO_TEXTS, *texts]))


def _length(run: tuple[int, int]) -> int:
    return run[1] - run[0]
