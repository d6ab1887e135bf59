"""What the tests' Hub answers with: whole bodies, parts of files on disk, refusals."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class RefusalError(Exception):
    """An answer that is no success. The client takes apart what it means by the headers."""

    def __init__(self, status: int, message: str, code: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = ({"X-Error-Code": code} if code else {}) | {"X-Error-Message": message} | (headers or {})


@dataclass(frozen=True, slots=True)
class FilePart:
    """So many bytes of a file from an offset on, which go from the disk to the socket."""

    path: Path
    start: int
    length: int


@dataclass
class Answer:
    body: bytes | FilePart
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def length(self) -> int:
        return self.body.length if isinstance(self.body, FilePart) else len(self.body)


def as_json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(json.dumps(value).encode(), status, {"Content-Type": "application/json"} | (headers or {}))
