"""Readers of the modes' datasets: rows become materials, in their order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from filters.text import excerpt
from generators.material import Material
from pipeline.feeds import MaterialReader
from pipeline.filtering.messages import UNDETERMINED, RowDraft, read_row
from pipeline.materials import FoundDataset, fault
from pipeline.passage_reading import read_passages
from pipeline.records import Record
from schemas.modes import Corpus, GivenConversations
from schemas.verdict import Drop

MakeMaterials = Callable[[int], Iterator[Material]]


class IteratorReader:
    """Reads from an iterator of materials that begins at any number.

    `close` may come from another thread while `read` runs: what is asked for then is read to its end first.
    """

    def __init__(self, materials: MakeMaterials) -> None:
        self._make = materials
        self._iterator: Iterator[Material] = iter(())
        self._lock = threading.Lock()
        self._closed = False
        self._ended = False

    @property
    def ended(self) -> bool:
        return self._ended

    def open(self, start: int) -> None:
        with self._lock:
            if not self._closed:
                self._iterator = self._make(start)

    def read(self, limit: int) -> list[Material]:
        with self._lock:
            found = list(islice(self._iterator, limit))
            self._ended = len(found) < limit
            return found

    def close(self) -> None:
        with self._lock:
            self._closed = True
            iterator, self._iterator = self._iterator, iter(())
            close: Any = getattr(iterator, "close", None)
            if close is not None:
                close()


def open_reader(found: FoundDataset, index: Path) -> MaterialReader:
    """The reader of a dataset: one material a passage of a corpus, else one a row.

    `index` is a file for a corpus's passages, so that a run can go on in its middle; it is made anew when it is gone.
    """
    if isinstance(found.spec, Corpus):
        corpus = found.spec
        return IteratorReader(lambda start: read_passages(found, corpus, index, start))
    texts = _conversation if isinstance(found.spec, GivenConversations) else _prompt
    return IteratorReader(lambda start: _rows(found, start, texts))


def _rows(found: FoundDataset, start: int, texts: Callable[[Record], tuple[str, ...] | Drop]) -> Iterator[Material]:
    """A material for every row, numbered as the rows are."""
    for record in found.rows(start):
        made = fault("unreadable", record.fault) if record.fault is not None else texts(record)
        source = found.source(record)
        if isinstance(made, Drop):
            yield Material(record.place, source, ("",), made)
        else:
            yield Material(record.place, source, made)


def _prompt(record: Record) -> tuple[str, ...] | Drop:
    text = record.values.get("text")
    if not isinstance(text, str):
        return fault("no_text", "there is none" if text is None else f"no text: {excerpt(repr(text))}")
    return (text.strip(),) if text.strip() else fault("empty", "nothing but spaces")


def _conversation(record: Record) -> tuple[str, ...] | Drop:
    values = record.values
    if "messages" not in values:
        messages = [
            {"role": "user", "content": values.get("instruction")},
            {"role": "assistant", "content": values.get("reply")},
        ]
    else:
        messages = values["messages"]
    read = read_row(messages, UNDETERMINED)
    if not isinstance(read, RowDraft):
        return fault("no_conversation", read.evidence)
    turns = read.draft.turns
    roles = [turn.role for turn in turns]
    if roles != ["user", "assistant"] * (len(turns) // 2):
        return fault("no_conversation", f"its turns do not alternate: {excerpt(', '.join(roles))}")
    empty = next((number for number, turn in enumerate(turns) if not turn.content.strip()), None)
    if empty is not None:
        return fault("empty", f"turn {empty} is empty")
    return tuple(turn.content for turn in turns)
