"""The names of rows, in eight bytes each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from filters.duplicates.growing import Growing
from filters.duplicates.memory import Memory

# As many as always fit into 32 bits.
_MOST_DIGITS = 9


class RowNames:
    """Ids such as fddf9a10-0570f982-00000048 by row: what many share is kept once, and the number at the end for each.

    A row without an id is called by its place among those without one, in the order in which they were put.
    """

    def __init__(self, memory: Memory) -> None:
        self._stems: list[tuple[str, int]] = [("kept row ", 1)]
        self._number_of: dict[tuple[str, int], int] = {self._stems[0]: 0}
        self._stem: Growing[np.uint32] = Growing(np.uint32, memory)
        self._number: Growing[np.uint32] = Growing(np.uint32, memory)
        self._unnamed = 0

    @property
    def nbytes(self) -> int:
        """Without what many rows share."""
        return self._stem.nbytes + self._number.nbytes

    def put(self, rows: Sequence[int], ids: Sequence[str | None]) -> None:
        stems, numbers = [], []
        for id in ids:
            stem, number = (0, self._unnamed) if id is None else self._split(id)
            self._unnamed += id is None
            stems.append(stem)
            numbers.append(number)
        for column, values in ((self._stem, stems), (self._number, numbers)):
            missing = max(rows, default=-1) + 1 - len(column)
            column.extend(np.zeros(max(0, missing), np.uint32))
            column.put(np.array(rows, np.int64), np.array(values, np.uint32))

    def get(self, row: int) -> str:
        at = np.array([row])
        stem, digits = self._stems[int(self._stem.take(at)[0])]
        return f"{stem}{int(self._number.take(at)[0]):0{digits}d}" if digits else stem

    def _split(self, id: str) -> tuple[int, int]:
        head = id.rstrip("0123456789")
        head = id[: max(len(head), len(id) - _MOST_DIGITS)]
        digits = id[len(head) :]
        stem = (head, len(digits))
        number = self._number_of.setdefault(stem, len(self._stems))
        if number == len(self._stems):
            self._stems.append(stem)
        return number, int(digits or 0)
