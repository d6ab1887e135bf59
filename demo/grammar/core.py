"""What all families share: talks, nouns with their cases, and texts with alternatives."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
_ALTERNATIVES = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True)
class Talk:
    """One conversation: its topic, and turns of user and assistant in alternation, user first."""

    topic: str
    turns: tuple[str, ...]


Family = Callable[[random.Random], Talk]


@dataclass(frozen=True)
class Noun:
    """A definite noun phrase in the absolutive (`mendia`, `izarrak`).

    From the definite absolutive these cases follow without exception; the local ones do not, so texts spell them out.
    """

    abs: str
    plural: bool = False

    @property
    def _plural_stem(self) -> str:
        return self.abs.removesuffix("ak")

    @property
    def erg(self) -> str:
        return f"{self._plural_stem}ek" if self.plural else f"{self.abs}k"

    @property
    def gen(self) -> str:
        return f"{self._plural_stem}en" if self.plural else f"{self.abs}ren"

    @property
    def dat(self) -> str:
        return f"{self._plural_stem}ei" if self.plural else f"{self.abs}ri"

    @property
    def da(self) -> str:
        return "dira" if self.plural else "da"

    @property
    def den(self) -> str:
        return "diren" if self.plural else "den"

    @property
    def dela(self) -> str:
        return "direla" if self.plural else "dela"


def pick(rng: random.Random, options: Sequence[T]) -> T:
    return options[rng.randrange(len(options))]


def expand(rng: random.Random, text: str) -> str:
    """Replaces each `[one|another]` by one of its alternatives; inner brackets first."""
    while "[" in text:
        text = _ALTERNATIVES.sub(lambda match: pick(rng, match.group(1).split("|")), text)
    return text


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """A capital letter, and a full stop unless the text ends in a mark of its own."""
    text = capital(text.strip())
    return text if text.endswith((".", "!", "?", ":", ")", "»")) else f"{text}."


def join(*parts: str) -> str:
    """Sentences with one space between them; empty ones vanish."""
    return " ".join(part for part in parts if part)


def enumerate_items(items: Sequence[str]) -> str:
    """`a, b eta c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} eta {items[-1]}"


def maybe(rng: random.Random, chance: float, text: str) -> str:
    """The text, expanded, with this chance; otherwise nothing."""
    return expand(rng, text) if rng.random() < chance else ""


_NUMBERS = (
    "zero",
    "bat",
    "bi",
    "hiru",
    "lau",
    "bost",
    "sei",
    "zazpi",
    "zortzi",
    "bederatzi",
    "hamar",
    "hamaika",
    "hamabi",
    "hamahiru",
    "hamalau",
    "hamabost",
    "hamasei",
    "hamazazpi",
    "hemezortzi",
    "hemeretzi",
)
_SCORES = {20: "hogei", 40: "berrogei", 60: "hirurogei", 80: "laurogei"}


def number(value: int) -> str:
    """A number from 0 to 199 in words."""
    if value < 20:
        return _NUMBERS[value]
    if value < 100:
        score = value // 20 * 20
        return _SCORES[score] if value == score else f"{_SCORES[score]}ta {_NUMBERS[value - score]}"
    return "ehun" if value == 100 else f"ehun eta {number(value - 100)}"


# Their last letter is the article, which the local cases drop: Iruñera, Hondarribiko.
_WITH_ARTICLE = {"Iruñea", "Hondarribia", "Bizkaia"}


@dataclass(frozen=True)
class Place:
    """A proper name of a place; the cases follow from its last letter."""

    name: str

    @property
    def _vowel(self) -> bool:
        return self.name[-1] in "aeiou"

    @property
    def _local(self) -> str:
        return self.name[:-1] if self.name in _WITH_ARTICLE else self.name

    @property
    def gen(self) -> str:
        return f"{self.name}ren" if self._vowel else f"{self.name}en"

    @property
    def dat(self) -> str:
        return f"{self.name}ri" if self._vowel else f"{self.name}i"

    @property
    def ine(self) -> str:
        return f"{self.name}n" if self._vowel else f"{self.name}en"

    @property
    def rel(self) -> str:
        return f"{self._local}go" if self.name[-1] in "nl" else f"{self._local}ko"

    @property
    def all(self) -> str:
        return f"{self._local}ra" if self._vowel else f"{self.name}era"
