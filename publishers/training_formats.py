"""Conversations as trainers read them: one JSON object a row, and the file that tells the trainer of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from schemas.conversation import Conversation, Message
from schemas.errors import PublishError
from schemas.training_format import TrainingFormat

_SHAREGPT_ROLES: Final = {"system": "system", "user": "human", "assistant": "gpt"}


@dataclass(frozen=True, slots=True)
class Table:
    """One exported file: the rows of one config and split. `path` is relative to the folder of the export."""

    path: str
    config: str
    split: str


@dataclass(frozen=True, slots=True)
class Layout:
    """How a trainer wants its rows; `about` gives (name, content) of the file that describes the tables, if any."""

    row: Callable[[Conversation], Mapping[str, Any]]
    about: Callable[[Sequence[Table]], tuple[str, str]] | None = None


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


def _axolotl_yaml(tables: Sequence[Table]) -> tuple[str, str]:
    def entries(split: str) -> list[dict[str, Any]]:
        return [
            {
                "path": table.path,
                "ds_type": "json",
                "type": "chat_template",
                "field_messages": "messages",
                "message_property_mappings": {"role": "role", "content": "content"},
                "roles_to_train": ["assistant"],
            }
            for table in tables
            if table.split == split
        ]

    told: dict[str, Any] = {"datasets": entries("train")}
    if validation := entries("validation"):
        told["test_datasets"] = [{**entry, "split": "train"} for entry in validation]  # a file has the one split
    return "axolotl.yaml", yaml.safe_dump(told, sort_keys=False)


def _dataset_info(tables: Sequence[Table]) -> tuple[str, str]:
    told = {
        f"{table.config}_{table.split}".replace("-", "_"): {
            "file_name": table.path,
            "formatting": "sharegpt",
            "columns": {"messages": "messages"},
            "tags": {
                "role_tag": "role",
                "content_tag": "content",
                "user_tag": "user",
                "assistant_tag": "assistant",
                "system_tag": "system",
            },
        }
        for table in tables
    }
    return "dataset_info.json", json.dumps(told, indent=2) + "\n"


LAYOUTS: Final[Mapping[TrainingFormat, Layout]] = {
    "trl": Layout(_messages),
    "axolotl": Layout(_messages, _axolotl_yaml),
    "llamafactory": Layout(_messages, _dataset_info),
    "sharegpt": Layout(_sharegpt),
    "alpaca": Layout(_alpaca),
    "jsonl": Layout(lambda row: row.model_dump(mode="json")),
}
