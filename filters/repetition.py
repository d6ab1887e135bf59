"""Loops and repeats: what a model writes when it has lost the thread."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from filters.prose import without_code
from filters.text import excerpt, fold, words
from schemas.conversation import Draft, Gate
from schemas.filters import RepetitionFilter
from schemas.verdict import Drop, Keep, Verdict

# Below this many n-grams the share that repeats says nothing: one repeated phrase in a short text is a refrain.
MIN_NGRAMS = 12
# Letters are stretched for effect ("kaixoooo"), digits repeat in periods and large numbers, and ruling characters
# draw lines and tables: so many in a row, or more, is a loop.
_LETTER_RUN = 12
_OTHER_RUN = 40
_RUN = re.compile(rf"([^\W\d_])\1{{{_LETTER_RUN - 1},}}|([^\sA-Za-z\-=_*~#.|+─━═·…])\2{{{_OTHER_RUN - 1},}}")
# The same line so often one after the other, blank lines not counted.
_LINE_REPEATS = 4
# The same group of up to so many words, so often one after the other; a single word more often ("ha ha ha ha").
_GROUP_WORDS = 12
_GROUP_REPEATS = 4
_WORD_REPEATS = 8


@dataclass(frozen=True)
class RepetitionJudge:
    """Judges the last turn, and compares it with the earlier turns of its role; before there is one, the passage.

    While a turn is sampled, only a loop says that it will not get better.
    """

    max_word_count: int
    ngram: int
    max_repeated_share: float
    name: ClassVar[str] = "repetition"
    gates: ClassVar[frozenset[Gate]] = frozenset({Gate.MATERIAL, Gate.SAMPLING, Gate.USER_TURN, Gate.REPLY})
    heavy: ClassVar[bool] = False

    @classmethod
    def open(cls, settings: RepetitionFilter) -> RepetitionJudge:
        return cls(settings.max_word_count, settings.ngram, settings.max_repeated_share)

    def judge(self, draft: Draft, gate: Gate) -> Verdict:
        text = (draft.passage or "") if gate is Gate.MATERIAL else draft.last.content
        found = self._turn(draft) if gate in (Gate.USER_TURN, Gate.REPLY) else None
        found = found or self._word(text) or self._loop(text)
        if gate is not Gate.SAMPLING:
            found = found or self._ngrams(text)
        if found is None:
            return Keep()
        kind, evidence = found
        return Drop(reason=f"{self.name}.{kind}", evidence=evidence, turn=len(draft.turns) - 1 if draft.turns else None)

    def _turn(self, draft: Draft) -> tuple[str, str] | None:
        last = draft.last
        earlier = [(number, turn) for number, turn in enumerate(draft.turns[:-1]) if turn.role == last.role]
        if not earlier:
            return None
        text = fold(last.content)
        for number, turn in earlier:
            if fold(turn.content) == text:
                return "turn", f"the same as turn {number}: {excerpt(text)}"
        return None

    def _word(self, text: str) -> tuple[str, str] | None:
        tokens = text.split()
        if len(tokens) <= self.max_word_count:
            return None
        token, count = Counter(tokens).most_common(1)[0]
        return ("word", f"{excerpt(token, 40)!r} {count} times") if count > self.max_word_count else None

    def _loop(self, text: str) -> tuple[str, str] | None:
        run = _RUN.search(text)
        if run is not None:
            return "loop", f"{run.group()[0]!r} {len(run.group())} times in a row"
        body = without_code(text)
        line, count = _longest_line_run(body)
        if count >= _LINE_REPEATS:
            return "loop", f"a line {count} times in a row: {excerpt(line)}"
        group = _word_loop(words(body.casefold()))
        return ("loop", f"over and over: {excerpt(group)}") if group else None

    def _ngrams(self, text: str) -> tuple[str, str] | None:
        found = words(without_code(text).casefold())
        total = len(found) - self.ngram + 1
        if total < MIN_NGRAMS:
            return None
        grams = Counter(zip(*(found[start:] for start in range(self.ngram)), strict=False))
        share = 1 - len(grams) / total
        if share <= self.max_repeated_share:
            return None
        gram, count = grams.most_common(1)[0]
        return "ngram", f"{share:.0%} of {self.ngram}-grams repeat; {excerpt(' '.join(gram))!r} {count} times"


def _longest_line_run(text: str) -> tuple[str, int]:
    """The line with letters in it that follows itself most often, and how many of it there are."""
    best, longest, last, count = "", 0, "", 0
    for line in filter(None, map(str.strip, text.splitlines())):
        count = count + 1 if line == last else 1
        last = line
        if count > longest and any(map(str.isalpha, line)):
            best, longest = line, count
    return best, longest


def _word_loop(found: list[str]) -> str | None:
    """The group of words that follows itself too often; figures alone are no words (rows of numbers, tables)."""
    for size in range(1, min(_GROUP_WORDS, len(found) // _GROUP_REPEATS) + 1):
        needed = size * ((_WORD_REPEATS if size == 1 else _GROUP_REPEATS) - 1)
        run = 0
        for place in range(size, len(found)):
            run = run + 1 if found[place] == found[place - size] else 0
            if run >= needed:
                group = found[place - size + 1 : place + 1]
                if any(any(map(str.isalpha, word)) for word in group):
                    return " ".join(group)
    return None
