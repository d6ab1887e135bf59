"""Drafts for tests of filters, and the walk of a draft through its gates."""

from __future__ import annotations

from filters.filter import Filter
from schemas.conversation import Draft, FinishReason, Gate, Turn
from schemas.verdict import Drop, Verdict


def draft(*contents: str, id: str = "d0", language: str = "eu", finish_reason: FinishReason = "stop") -> Draft:
    """User turn, reply, user turn, reply, ...; `finish_reason` is the last one's."""
    turns = tuple(
        Turn(
            role="assistant" if index % 2 else "user",
            content=content,
            finish_reason=finish_reason if index == len(contents) - 1 else "stop",
            language=language,
            prompt_tokens=1,
            completion_tokens=1,
        )
        for index, content in enumerate(contents)
    )
    return Draft(id=id, index=0, mode="magpie", language=language, turns=turns)


def judge_last(one: Filter, *contents: str, finish_reason: FinishReason = "stop") -> Verdict:
    """The verdict on the last turn, at the gate where it stands last."""
    made = draft(*contents, finish_reason=finish_reason)
    return one.judge(made, Gate.USER_TURN if made.last.role == "user" else Gate.REPLY)


def reason(verdict: Verdict) -> str | None:
    """The reason of a drop, None for a keep; a drop's evidence must be there, and short."""
    if not isinstance(verdict, Drop):
        return None
    assert 0 < len(verdict.evidence) <= 200
    assert "\n" not in verdict.evidence
    assert verdict.turn is not None
    return verdict.reason
