"""Conversations: while they are drafts, and as the rows that are published."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from schemas.base import Frozen

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length"]


class Gate(StrEnum):
    """Where a draft stands when it is judged."""

    USER_TURN = "user_turn"
    REPLY = "reply"
    CONVERSATION = "conversation"


class Message(Frozen):
    """One message as TRL, Axolotl and `datasets` expect it."""

    role: Role
    content: str


class Turn(Frozen):
    """One sampled turn of a draft."""

    role: Literal["user", "assistant"]
    content: str
    finish_reason: FinishReason
    language: str = Field(description="the language this turn is meant to be in")
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)
    sanitised: bool = Field(
        default=False, description="whether labels, reasoning, or what the model played on with, were taken off"
    )

    def message(self) -> Message:
        return Message(role=self.role, content=self.content)


class Steering(Frozen):
    """What pushed the sampling of user turns towards the language. Never published as text of the conversation."""

    system_prompt: str | None = None
    examples: tuple[str, ...] = ()
    opener: str | None = None
    topic: str | None = None


class Draft(Frozen):
    """A conversation being made: every turn sampled so far."""

    id: str
    index: int = Field(ge=0)
    mode: str
    language: str
    turns: tuple[Turn, ...] = ()
    steering: Steering = Steering()
    source_document: str | None = None

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
        description="JSON: sampling parameters of user turns and replies, steering, and which turns were sanitised"
    )
    template_hash: str
    recipe_fingerprint: str
    scores: dict[str, float]
    source_document: str | None = None
    prompt_tokens: int
    completion_tokens: int
