"""Whether replies about a passage rest on it: by their words and their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import regex

from filters.prose import prose
from filters.text import excerpt
from languages.pack import LanguagePack
from languages.words import words_of
from schemas.conversation import Draft, Gate
from schemas.filters import GroundingFilter
from schemas.verdict import Drop, Keep, Verdict

# Words are compared by their first letters, since endings carry grammar; shorter ones are whole words.
STEM = 5
# A word of fewer letters carries grammar more often than content.
CONTENT = 4
# Of fewer content words a share says nothing.
LEAST_WORDS = 8
_NUMBER = regex.compile(r"\p{Nd}(?:[.,'\u00a0\u202f]?\p{Nd})*")
_DIGITS = regex.compile(r"\p{Nd}+")


@dataclass(frozen=True)
class GroundingJudge:
    """Judges replies that were sampled from a passage; drafts without one pass.

    A reply has to take most of its content words, and every number of two digits or more, from the passage or the
    user. What no word shows, such as a negation turned round, it does not see.
    """

    min_support: float
    language: str
    function_words: dict[str, frozenset[str]]
    name: ClassVar[str] = "grounding"
    gates: ClassVar[frozenset[Gate]] = frozenset({Gate.REPLY})
    heavy: ClassVar[bool] = False

    @classmethod
    def open(cls, settings: GroundingFilter, pack: LanguagePack, others: Sequence[LanguagePack] = ()) -> GroundingJudge:
        """Turns in a language without a pack are read with the function words of the first one."""
        words = {one.code: frozenset(one.function_words) for one in (pack, *others)}
        return cls(settings.min_support, pack.code, words)

    def judge(self, draft: Draft, gate: Gate) -> Verdict:
        if draft.passage is None or draft.last.origin != "sampled":
            return Keep()
        sources = (draft.passage, *(turn.content for turn in draft.turns if turn.role == "user"))
        reply = prose(draft.last.content)
        invented = _unknown_numbers(reply, sources)
        if invented:
            return self._drop(
                draft, "number", excerpt(f"neither in the passage nor asked about: {', '.join(invented)}")
            )
        ignored = self.function_words.get(draft.last.language, self.function_words[self.language])
        words = [word for word in words_of(reply) if len(word) >= CONTENT and word not in ignored]
        if len(words) < LEAST_WORDS:
            return Keep()
        known = _Known.of(sources)
        unknown = [word for word in words if word not in known]
        support = 1 - len(unknown) / len(words)
        if support < self.min_support:
            missing = excerpt(" ".join(dict.fromkeys(unknown)), 120)
            return self._drop(draft, "unsupported", f"{support:.0%} of {len(words)} words have support; not: {missing}")
        return Keep(scores={"grounding": round(support, 3)})

    def _drop(self, draft: Draft, kind: str, evidence: str) -> Drop:
        return Drop(reason=f"{self.name}.{kind}", evidence=evidence, turn=len(draft.turns) - 1)


@dataclass(frozen=True, slots=True)
class _Known:
    """The words of some texts, by how they begin."""

    stems: frozenset[str]
    short: frozenset[str]
    beginnings: frozenset[str]

    @classmethod
    def of(cls, texts: Iterable[str]) -> _Known:
        words = {word for text in texts for word in words_of(text) if len(word) >= CONTENT}
        return cls(
            stems=frozenset(word[:STEM] for word in words),
            short=frozenset(word for word in words if len(word) < STEM),
            beginnings=frozenset(word[:CONTENT] for word in words),
        )

    def __contains__(self, word: str) -> bool:
        """Whether a word begins as one of theirs does; of a short one all letters count, on either side."""
        if len(word) < STEM:
            return word in self.beginnings
        return word[:STEM] in self.stems or word[:CONTENT] in self.short


def _unknown_numbers(reply: str, sources: Sequence[str]) -> list[str]:
    """Numbers of a reply that no source has, separators left out; a date may be taken apart."""
    wanted = {found: _digits(found) for found in _NUMBER.findall(reply)}
    if not any(len("".join(parts)) > 1 for parts in wanted.values()):
        return []
    given = [_digits(found) for text in sources for found in _NUMBER.findall(text)]
    known = {"".join(parts) for parts in given} | {part for parts in given for part in parts}
    return [
        found
        for found, parts in wanted.items()
        if len("".join(parts)) > 1 and "".join(parts) not in known and not known.issuperset(parts)
    ]


def _digits(number: str) -> list[str]:
    return _DIGITS.findall(number)
