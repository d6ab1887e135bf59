"""`log.jsonl` of a run: one line a step, cut back to a checkpoint when the run goes on from there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from schemas.errors import StorageError
from training.whole_file import write_whole


class RunLog:
    """Lines of numbers by name; each has its `step`. StorageError when the disk refuses."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def records(self) -> list[dict[str, Any]]:
        """All lines but one that a kill has torn."""
        records = []
        for line in self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []:
            try:
                records.append(json.loads(line))
            except ValueError:
                break
        return records

    def cut(self, step: int) -> None:
        """Forget what came after this step: it is trained again."""
        kept = [record for record in self.records() if record["step"] <= step]
        write_whole(self._path, "".join(json.dumps(record) + "\n" for record in kept).encode())

    def append(self, record: dict[str, Any]) -> None:
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StorageError(
                f"{self._path} cannot be written: {error.strerror or error}; free some space and run the same command "
                "again"
            ) from error
