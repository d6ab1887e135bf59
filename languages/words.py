"""Word statistics of a language: which words its corpus holds, how often, and of which pieces they are made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import regex

from schemas.errors import LanguageError

# Letters with their combining marks, in any script; digits, underscores and apostrophes part words.
WORD = regex.compile(r"\p{L}[\p{L}\p{M}]*")
# Words seen once are as often slips and names as words; of the rest, the most frequent are enough.
MIN_COUNT = 2
MOST_WORDS = 50_000
# Characters in a piece, the word's boundaries counted: shorter ones do not tell a word from a likely-looking string.
PIECE = 5
# Text that no space parts makes words without end; what lies beyond says nothing new.
LONGEST = 64


def words_of(text: str) -> list[str]:
    """The words of a text, lower case."""
    return [word[:LONGEST] for word in WORD.findall(text.lower())]


def has_words(text: str) -> bool:
    """Whether there is any letter in a text."""
    return WORD.search(text) is not None


def pieces_of(word: str) -> Iterator[str]:
    """The pieces of a word with a space on each side; a shorter word is one piece."""
    padded = f" {word} "
    return (padded[start : start + PIECE] for start in range(max(1, len(padded) - PIECE + 1)))


@dataclass(frozen=True)
class WordStatistics:
    """How often a corpus holds each of its words, lower case, the most frequent first."""

    counts: dict[str, int] = field(repr=False)

    @cached_property
    def pieces(self) -> frozenset[str]:
        """Every piece of every word."""
        return frozenset(piece for word in self.counts for piece in pieces_of(word))

    def unseen(self, words: Iterable[str]) -> float:
        """The share of the words' pieces that no word of the corpus has, from 0 to 1; 0 without words."""
        unseen = total = 0
        for word in words:
            found = list(pieces_of(word))
            total += len(found)
            if word not in self.counts:
                unseen += sum(piece not in self.pieces for piece in found)
        return unseen / total if total else 0.0

    def dump(self) -> str:
        """Lines of word, tab, count."""
        return "".join(f"{word}\t{count}\n" for word, count in self.counts.items())


def count_words(lines: Iterable[str]) -> WordStatistics:
    """Count the words of lines of text; the same lines in any order give the same statistics.

    Words seen once are left out, unless that would leave hardly any: a small corpus has little else.
    """
    counter: Counter[str] = Counter()
    for line in lines:
        counter.update(words_of(line))
    repeated = {word: count for word, count in counter.items() if count >= MIN_COUNT}
    kept = repeated if len(repeated) >= MOST_WORDS // 10 else counter
    most = sorted(kept.items(), key=lambda item: (-item[1], item[0]))[:MOST_WORDS]
    return WordStatistics(dict(most))


def read_words(path: Path) -> WordStatistics:
    """Statistics that `dump` wrote. Raises LanguageError that names the file and the line."""
    counts: dict[str, int] = {}
    cure = "make them again with `iturri language new`"
    number = 0
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):  # noqa: B007 - the error names the line
                word, count = line.rstrip("\n").split("\t")
                counts[word] = int(count)
    except (OSError, UnicodeDecodeError) as error:
        raise LanguageError(f"{path}: the word statistics cannot be read ({error}); {cure}") from error
    except ValueError as error:
        raise LanguageError(f"{path}, line {number}: not a word, a tab and a count; {cure}") from error
    if not counts:
        raise LanguageError(f"{path}: there are no word statistics in it; {cure}")
    return WordStatistics(counts)
