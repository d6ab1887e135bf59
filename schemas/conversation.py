"""Conversations: while they are drafts, and as the rows that are published."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from schemas.base import Frozen

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length"]


class Gate(StrEnum):
    """Where a draft stands when it is judged: before anything is sampled, while a turn is, after it, at the end."""

    MATERIAL = "material"
    SAMPLING = "sampling"
    USER_TURN = "user_turn"
    REPLY = "reply"
    CONVERSATION = "conversation"


class Message(Frozen):
    """One message as TRL, Axolotl and `datasets` expect it."""

    role: Role
    content: str


Origin = Literal["sampled", "translated", "native", "given"]
"""Where a turn's text is from: the backbone, its translation of another text, a corpus, or a list of prompts."""


class Turn(Frozen):
    """One turn of a draft."""

    role: Literal["user", "assistant"]
    content: str
    finish_reason: FinishReason
    language: str = Field(description="the language this turn is meant to be in")
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)
    sanitised: bool = Field(
        default=False, description="whether labels, reasoning, or what the model played on with, were taken off"
    )
    origin: Origin = "sampled"
    original: str | None = Field(default=None, description="what a translated turn was translated from")
    rewritten: bool = Field(default=False, description="whether a translated turn was then put in other words")

    def message(self) -> Message:
        return Message(role=self.role, content=self.content)


class Steering(Frozen):
    """What pushed the sampling towards the language. Never published as text of the conversation."""

    system_prompt: str | None = None
    examples: tuple[str, ...] = ()
    opener: str | None = None
    topic: str | None = None
    category: str | None = None
    reply_prompt: str | None = Field(default=None, description="the system prompt that replies were sampled under")
    translate_prompt: str | None = Field(default=None, description="what asked for each turn's translation")
    rewrite_prompt: str | None = Field(default=None, description="what asked for a translation in other words")


class Source(Frozen):
    """What a draft was made from, as a row cites it."""

    dataset: str = Field(description="its name on the Hub; of what lies on a machine only the last part")
    revision: str | None = None
    document: str = Field(description="the document's or row's id")
    title: str | None = None
    start: int | None = Field(default=None, ge=0, description="where a passage begins in its document, in characters")
    end: int | None = Field(default=None, ge=0, description="where it ends")
    licence: str | None = None


class Draft(Frozen):
    """A conversation being made: every turn so far."""

    id: str
    index: int = Field(ge=0)
    mode: str
    language: str
    turns: tuple[Turn, ...] = ()
    preamble: tuple[Message, ...] = Field(default=(), description="published before the turns, such as a passage")
    given: tuple[Turn, ...] = Field(default=(), description="the conversation that it translates, until it is judged")
    planned: int = Field(default=1, ge=1, description="exchanges that it is to have")
    steering: Steering = Steering()
    arms: tuple[str, ...] = Field(default=(), description="the choices that an adaptive build learns from")
    passage: str | None = Field(default=None, description="the text that replies must rest on")
    source: Source | None = None

    @property
    def last(self) -> Turn:
        return self.turns[-1]

    @property
    def exchanges(self) -> int:
        return sum(turn.role == "assistant" for turn in self.turns)

    @property
    def completion_tokens(self) -> int:
        return sum(turn.completion_tokens for turn in self.turns)

    @property
    def prompt_tokens(self) -> int:
        return sum(turn.prompt_tokens for turn in self.turns)

    def with_turn(self, turn: Turn) -> Draft:
        return self.model_copy(update={"turns": (*self.turns, turn)})

    def messages(self) -> tuple[Message, ...]:
        """As they are published."""
        return (*self.preamble, *(turn.message() for turn in self.turns))


class Conversation(Frozen):
    """An accepted conversation: one row of the dataset, with all that made it."""

    id: str
    messages: tuple[Message, ...]
    language: str
    mode: str
    exchanges: int
    backbone: str
    backbone_revision: str | None
    sampling: str = Field(
        description="JSON: sampling parameters by role, steering, and which turns were sanitised or rewritten"
    )
    template_hash: str
    recipe_fingerprint: str
    scores: dict[str, float]
    turn_languages: tuple[str, ...] = Field(default=(), description="of each user and assistant message, in order")
    turn_origins: tuple[Origin, ...] = Field(default=(), description="of each user and assistant message, in order")
    source_document: str | None = Field(default=None, description="the id of what it was made from")
    source: str | None = Field(default=None, description="JSON: dataset, revision, passage and licence of it")
    prompt_tokens: int
    completion_tokens: int
