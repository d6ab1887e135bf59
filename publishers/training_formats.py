"""Conversations as trainers read them: one JSON object a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from publishers import axolotl_config, llamafactory_config, trl_config
from publishers.training_configs import Setup, Table
from schemas.conversation import Conversation, Message
from schemas.errors import PublishError
from schemas.training_format import TrainingFormat

_SHAREGPT_ROLES: Final = {"system": "system", "user": "human", "assistant": "gpt"}


@dataclass(frozen=True, slots=True)
class Layout:
    """How a trainer wants its rows; `configs` gives the files by which it trains on them, by name, if any.

    `command` then trains, in the export's folder.
    """

    row: Callable[[Conversation], Mapping[str, Any]]
    configs: Callable[[Sequence[Table], Setup], Mapping[str, str]] | None = None
    command: str | None = None


def _messages(row: Conversation) -> dict[str, Any]:
    return {"messages": [message.model_dump() for message in row.messages]}


def _sharegpt(row: Conversation) -> dict[str, Any]:
    return {
        "conversations": [{"from": _SHAREGPT_ROLES[message.role], "value": message.content} for message in row.messages]
    }


def _alpaca(row: Conversation) -> dict[str, Any]:
    """The last exchange, with those before it as its history and with what comes before the first as its system prompt.

    Raises PublishError where the messages are no exchanges.
    """
    system = [message for message in row.messages if message.role == "system"]
    *history, last = _exchanges(row, [message for message in row.messages if message.role != "system"])
    return {
        "instruction": last[0],
        "input": "",
        "output": last[1],
        "system": "\n\n".join(message.content for message in system),
        "history": history,
    }


def _exchanges(row: Conversation, turns: Sequence[Message]) -> list[list[str]]:
    roles = [turn.role for turn in turns]
    if not turns or roles != ["user", "assistant"] * (len(turns) // 2):
        raise PublishError(f"row {row.id} is no sequence of questions and answers, which alpaca asks for; use sharegpt")
    return [[turns[at].content, turns[at + 1].content] for at in range(0, len(turns), 2)]


LAYOUTS: Final[Mapping[TrainingFormat, Layout]] = {
    "trl": Layout(_messages, trl_config.trl, trl_config.COMMAND),
    "axolotl": Layout(_messages, axolotl_config.axolotl, axolotl_config.COMMAND),
    "llamafactory": Layout(_messages, llamafactory_config.llamafactory, llamafactory_config.COMMAND),
    "sharegpt": Layout(_sharegpt),
    "alpaca": Layout(_alpaca),
    "jsonl": Layout(lambda row: row.model_dump(mode="json")),
}
