"""How it went with each recipe of `iturri recipe check`: lines, or one JSON object at the end."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from cli.failures import failure, say
from schemas.errors import IturriError


class CheckResults:
    """The recipes of one command."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._results: list[dict[str, Any]] = []
        self._code = 0

    def good(self, file: Path, found: dict[str, Any], line: str) -> None:
        """This one is fine: a line for people, and what else machines are told."""
        self._results.append({"recipe": str(file), "ok": True, "error": None, **found})
        if not self._as_json:
            sys.stdout.write(f"{line}\n")

    def bad(self, file: Path, error: IturriError) -> None:
        """This one is not; said on stderr."""
        found = failure(error)
        what = {"kind": found.kind, "message": found.message, "exit_code": found.exit_code}
        self._results.append({"recipe": str(file), "ok": False, "error": what})
        say(found.message if found.message.startswith(str(file)) else f"{file}: {found.message}")
        self._code = self._code or found.exit_code

    def finish(self) -> int:
        """The exit code: that of the first error."""
        if self._as_json:
            sys.stdout.write(json.dumps({"results": self._results}, ensure_ascii=False) + "\n")
        return self._code
