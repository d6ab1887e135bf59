"""From a row of an existing dataset to the draft that filters judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import ValidationError

from filters.text import excerpt
from schemas.conversation import Draft, Turn
from schemas.verdict import Drop

INVALID = "messages.invalid"
TOO_MANY = "messages.too_many"
# ISO 639's code for a language that nobody has told.
UNDETERMINED = "und"
# Some filters compare every turn with all earlier ones.
MOST_MESSAGES = 1_000

_ROLES: Final[dict[str, Literal["system", "user", "assistant"]]] = {
    "system": "system",
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "model", "bot", "chatgpt"), "assistant"),
}


@dataclass(frozen=True, slots=True)
class RowDraft:
    """A draft without the row's system messages; `places` says which message of the row each turn is."""

    draft: Draft
    places: tuple[int, ...]

    def named(self, drop: Drop) -> Drop:
        """The drop with the turn counted as the row counts its messages."""
        return drop if drop.turn is None else drop.model_copy(update={"turn": self.places[drop.turn]})


def invalid(evidence: str, message: int | None = None) -> Drop:
    return Drop(reason=INVALID, evidence=evidence, turn=message)


def read_row(messages: Any, language: str) -> RowDraft | Drop:
    """The draft of a row's messages, {role, content} or {from, value}; a Drop where they are none."""
    if not isinstance(messages, list):
        return invalid("there are none" if messages is None else f"no list: {excerpt(repr(messages))}")
    if not messages:
        return invalid("the list is empty")
    if len(messages) > MOST_MESSAGES:
        evidence = f"{len(messages):,} messages, {MOST_MESSAGES:,} at most"
        return Drop(reason=TOO_MANY, evidence=evidence, turn=MOST_MESSAGES)
    turns: list[Turn] = []
    places: list[int] = []
    for place, message in enumerate(messages):
        read = _read_message(message, language)
        if isinstance(read, str):
            return invalid(f"message {place}: {read}", place)
        if read is not None:
            turns.append(read)
            places.append(place)
    if not turns:
        return invalid("nothing but system messages")
    return RowDraft(Draft(id="row", index=0, mode="dataset", language=language, turns=tuple(turns)), tuple(places))


def _read_message(message: Any, language: str) -> Turn | str | None:
    """The turn; None for a system message; what is wrong, in words."""
    if not isinstance(message, dict):
        return f"no role and content: {excerpt(repr(message))}"
    given = _first(message, "role", "from")
    role = _ROLES.get(given.strip().lower()) if isinstance(given, str) else None
    if role is None:
        return "has no role" if given is None else f"the role {excerpt(repr(given), 40)} is not known"
    content = _first(message, "content", "value")
    if not isinstance(content, str):
        return "has no content" if content is None else f"its content is no text: {excerpt(repr(content))}"
    if role == "system":
        return None
    try:
        return Turn(
            role=role, content=content, finish_reason="stop", language=language, prompt_tokens=0, completion_tokens=0
        )
    except ValidationError:
        return "its content holds half a surrogate pair"


def _first(message: dict[str, Any], *names: str) -> Any:
    """The first of the fields that is there: one schema for all rows gives a row the other's fields too, as nulls."""
    return next((message[name] for name in names if message.get(name) is not None), None)
