"""Made-up instructions with planted repeats, planted edits and planted innocents, for the benchmark of duplicates."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Literal

Kind = Literal["fresh", "exact", "edit", "innocent"]

WORDS = Path(__file__).resolve().parents[2] / "languages" / "eu" / "words.tsv"
FAMILIES = 3_000
# Of rows that are no repeat of any kind: how many come from a template.
TEMPLATED = 0.8
PLANTED: dict[Kind, float] = {"exact": 0.08, "edit": 0.10, "innocent": 0.10}
# An edit changes one word in ten, so it takes a row that has ten.
EDITED_WORDS = 10
# Repeats are of rows among the last so many: memory of this module, not of what is measured.
REMEMBERED = 200_000


@dataclass(frozen=True, slots=True)
class Row:
    """One instruction; all but fresh rows were made from the earlier row `source`."""

    text: str
    kind: Kind
    source: int | None = None


@dataclass(frozen=True, slots=True)
class _Template:
    """Boilerplate with slots: runs of fixed words, and between them numbers of words to fill in."""

    parts: tuple[tuple[str, ...] | int, ...]

    def fill(self, content: list[str]) -> list[str]:
        words: list[str] = []
        rest = iter(content)
        for part in self.parts:
            words.extend(next(rest) for _ in range(part)) if isinstance(part, int) else words.extend(part)
        return words

    @property
    def slots(self) -> int:
        return sum(part for part in self.parts if isinstance(part, int))


class Vocabulary:
    """Words of Basque, drawn as often as they are used, so that a few of them make most of every text."""

    def __init__(self, seed: int) -> None:
        lines = (line.split("\t") for line in WORDS.read_text(encoding="utf-8").splitlines())
        words = [(word, int(count)) for word, count in lines]
        self._words = [word for word, _ in words]
        self._weights = list(accumulate(count for _, count in words))
        self.random = random.Random(seed)

    def draw(self, number: int) -> list[str]:
        return self.random.choices(self._words, cum_weights=self._weights, k=number)

    def draw_other(self, than: set[str], number: int) -> list[str]:
        """Words that are none of these."""
        found: list[str] = []
        while len(found) < number:
            found.extend(word for word in self.draw(number) if word not in than)
        return found[:number]


def rows(number: int, seed: int = 1) -> Iterator[Row]:
    """So many rows of 6 to 30 words."""
    vocabulary = Vocabulary(seed)
    chance = vocabulary.random
    templates = [_template(vocabulary) for _ in range(FAMILIES)]
    # Zipf's law for families too: the largest one makes a tenth of the templated rows.
    popularity = list(accumulate(1 / (rank + 1) for rank in range(FAMILIES)))
    remembered: list[tuple[list[str], _Template | None]] = []
    kinds: list[Kind] = ["fresh", *PLANTED]
    weights = [1 - sum(PLANTED.values()), *PLANTED.values()]
    for index in range(number):
        kind = chance.choices(kinds, weights)[0] if index > 100 else "fresh"
        place = chance.randrange(len(remembered)) if remembered else 0
        words, template = remembered[place] if remembered else ([], None)
        if (kind == "edit" and len(words) < EDITED_WORDS) or (kind == "innocent" and template is None):
            kind = "fresh"
        source = None if kind == "fresh" else index - len(remembered) + place
        if kind == "exact":
            yield Row(_disguised(words, chance), kind, source)
        elif kind == "edit":
            words, template = _edited(words, vocabulary), None
            yield Row(_sentence(words), kind, source)
        elif kind == "innocent" and template is not None:
            words = template.fill(vocabulary.draw_other(set(words), template.slots))
            yield Row(_sentence(words), kind, source)
        else:
            template = chance.choices(templates, cum_weights=popularity)[0] if chance.random() < TEMPLATED else None
            words = (
                template.fill(vocabulary.draw(template.slots)) if template else vocabulary.draw(chance.randint(6, 30))
            )
            yield Row(_sentence(words), kind, source)
        remembered.append((words, template))
        if len(remembered) > 2 * REMEMBERED:
            del remembered[:REMEMBERED]


def family(number: int, seed: int = 1) -> Iterator[str]:
    """Rows of one template, each pair of which is just below being a near duplicate: the worst there is for an index.

    Twenty-four words, three of them content.
    """
    vocabulary = Vocabulary(seed)
    boilerplate = vocabulary.draw_other(set(), 21)
    letters = "abdegiklmnoprstuxz"
    for _ in range(number):
        content = ["".join(vocabulary.random.choices(letters, k=8)) for _ in range(3)]
        yield _sentence([*boilerplate[:7], content[0], *boilerplate[7:14], content[1], *boilerplate[14:], content[2]])


def _template(vocabulary: Vocabulary) -> _Template:
    """6 to 30 words, of which 15 to 60 % are content, in one to three runs."""
    chance = vocabulary.random
    length = chance.randint(6, 30)
    content = max(2, round(length * chance.uniform(0.15, 0.6)))
    runs = chance.randint(1, min(3, content // 2))
    fixed = length - content
    parts: list[tuple[str, ...] | int] = []
    for run in range(runs):
        before, filled = fixed // (runs + 1 - run), content // (runs - run)
        parts += [tuple(vocabulary.draw(before)), filled]
        fixed, content = fixed - before, content - filled
    return _Template((*parts, tuple(vocabulary.draw(fixed))))


def _edited(words: list[str], vocabulary: Vocabulary) -> list[str]:
    """One word in ten is another one."""
    edited = list(words)
    for place in vocabulary.random.sample(range(len(words)), len(words) // EDITED_WORDS):
        edited[place] = vocabulary.draw_other({words[place]}, 1)[0]
    return edited


def _disguised(words: list[str], chance: random.Random) -> str:
    """The same row to a reader: other case, other spacing."""
    text = _sentence(words)
    return chance.choice([text, text.upper(), text.replace(" ", "  ", 2), f" {text}\n"])


def _sentence(words: list[str]) -> str:
    return " ".join(words).capitalize() + "."
