"""The tables of the grammar: what it knows, kept as YAML beside the code so that a speaker can read and mend it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import Field

from demo.grammar.core import Noun
from schemas.base import Frozen

_FOLDER = Path(__file__).with_name("tables")


class Card(Frozen):
    """What is known of one thing."""

    name: str = Field(description="definite, in the absolutive")
    kind: str = Field(description='completes "X ... da"')
    facts: tuple[str, ...] = Field(min_length=3, description="clauses that stand in any order")
    examples: tuple[str, ...] = Field(min_length=1)
    why: tuple[str, ...] = Field(min_length=1, description="why it matters; ends in -lako")
    plural: bool = False

    @property
    def noun(self) -> Noun:
        return Noun(self.name, self.plural)


class Moment(Frozen):
    """A month, a season or a day."""

    name: str = Field(description="definite, in the absolutive")
    kind: str = Field(description='completes "X ... da"')
    facts: tuple[str, ...] = Field(min_length=4, description="clauses that stand in any order")


class Task(Frozen):
    """Something to do."""

    topic: str
    what: str = Field(description="what it is done to, in the absolutive")
    done: str = Field(description="the participle: garbitu")
    verb: str = Field(description="the habitual form: garbitzen")
    steps: tuple[str, str, str, str] = Field(description="in order; participles used as imperatives")
    tips: tuple[str, ...] = Field(min_length=1)
    needs: tuple[str, ...] = ()
    plural: bool = False


class Why(Frozen):
    """Why something is so."""

    topic: str
    ask: str = Field(description='follows "Zergatik" in a question')
    told: str = Field(description='follows "zergatik" in an indirect question')
    reasons: tuple[str, str]
    details: tuple[str, ...] = Field(min_length=2)


class Fact(Frozen):
    """A question that begins with another word than "zergatik", and its answer in two wordings."""

    topic: str
    word: str = Field(description="noiz, non, zenbat")
    ask: str = Field(description="follows the word in a question")
    told: str = Field(description="follows the word in an indirect question")
    answers: tuple[str, str]
    details: tuple[str, ...] = Field(min_length=3)


class Wish(Frozen):
    """What somebody wants advice for."""

    topic: str
    goal: str = Field(description="the purpose, in -teko")
    says: str = Field(description="the trouble, as somebody says it")
    tips: tuple[str, ...] = Field(min_length=4)


class Pair(Frozen):
    """Two things that are compared."""

    topic: str
    one: str
    two: str
    of_one: tuple[str, ...] = Field(min_length=1)
    of_two: tuple[str, ...] = Field(min_length=1)
    both: tuple[str, ...] = Field(min_length=1)


class Pool(Frozen):
    """Things of one kind."""

    topic: str
    kind: str = Field(description="stands after a numeral: hiru fruta")
    items: tuple[str, ...] = Field(min_length=7)
    notes: tuple[str, ...] = Field(min_length=1)


class Town(Frozen):
    territory: str
    facts: tuple[str, ...] = Field(min_length=3)


class Places(Frozen):
    capitals: dict[str, tuple[str, str]] = Field(description="country: capital, continent")
    towns: dict[str, Town]
    mountains: dict[str, tuple[int, str]] = Field(description="mountain: metres, territory")


class Social(Frozen):
    """Small talk, and what short messages are about."""

    moods: tuple[tuple[str, str], ...] = Field(description="what somebody says of themselves, and the answer")
    about_me: tuple[tuple[str, str], ...] = Field(description="a question to the assistant, and the answer")
    events: tuple[tuple[str, str, str], ...] = Field(description="topic, to the event, the event")
    whom: tuple[tuple[str, str], ...] = Field(description="to whom, and how they are addressed")
    sorry: tuple[tuple[str, str], ...] = Field(description="what somebody is sorry for: as a reason, as a sentence")
    names: tuple[str, ...]


Deck = dict[str, tuple[Card, ...]]
Row = TypeVar("Row", bound=Frozen)


def _read(name: str) -> Any:
    return yaml.safe_load((_FOLDER / f"{name}.yaml").read_text())


def rows(name: str, model: type[Row]) -> tuple[Row, ...]:
    return tuple(model.model_validate(row) for row in _read(name))


def deck(*names: str) -> Deck:
    """The cards of some tables, by topic."""
    made: Deck = {}
    for name in names:
        for topic, cards in _read(name).items():
            made[topic] = tuple(Card.model_validate(card) for card in cards)
    return made


def doubts(family: str) -> tuple[tuple[str, str], ...]:
    """What is asked after instructions (`howto`) or advice (`advice`), and how it is answered."""
    return tuple((ask, answer) for ask, answer in _read("doubts")[family])


def places() -> Places:
    return Places.model_validate(_read("places"))


def social() -> Social:
    return Social.model_validate(_read("social"))
