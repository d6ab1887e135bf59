"""Encoded sequences on disk: flat files of token ids and of which are learnt, read by memory map."""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from training.loss_mask import IGNORED, Encoded

_IDS, _LEARNT, _OFFSETS = "ids.int32", "learnt.uint8", "offsets.npy"


class SequenceWriter:
    """Appends sequences; they are on disk, to be read, when the writer is closed. OSError when the disk refuses."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._ids = (folder / _IDS).open("wb")
        self._learnt_marks = (folder / _LEARNT).open("wb")
        self._lengths, self._learnt = array("q"), array("q")

    def append(self, sequence: Encoded) -> int:
        """Gives the sequence's place."""
        learnt = np.asarray(sequence.labels) != IGNORED
        self._ids.write(np.asarray(sequence.ids, dtype=np.int32).tobytes())
        self._learnt_marks.write(learnt.astype(np.uint8).tobytes())
        self._lengths.append(len(sequence.ids))
        self._learnt.append(int(learnt.sum()))
        return len(self._lengths) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each sequence so far."""
        return np.array(self._lengths, dtype=np.int64)

    @property
    def learnt(self) -> np.ndarray:
        """Learnt tokens of each sequence so far."""
        return np.array(self._learnt, dtype=np.int64)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._ids, self._learnt_marks:
            if kind is not None:
                return
            with (self._folder / _OFFSETS).open("wb") as offsets:
                np.save(offsets, np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64))
                for file in (self._ids, self._learnt_marks, offsets):
                    file.flush()
                    os.fsync(file.fileno())


class Sequences:
    """What a writer has written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets = np.load(folder / _OFFSETS)
        empty = self._offsets[-1] == 0  # there is no map of nothing
        self._ids = np.empty(0, np.int32) if empty else np.memmap(folder / _IDS, np.int32, "r")
        self._learnt = np.empty(0, np.uint8) if empty else np.memmap(folder / _LEARNT, np.uint8, "r")

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __reduce__(self) -> tuple[type[Sequences], tuple[Path]]:
        """Another process, and what hashes a dataset, gets the place and not the tokens."""
        return Sequences, (self._folder,)

    def joined(self, places: Sequence[int]) -> dict[str, object]:
        """These sequences one after the other: `input_ids`, `labels`, and `seq_lengths` to tell them apart."""
        spans = [slice(self._offsets[place], self._offsets[place + 1]) for place in places]
        ids = np.concatenate([self._ids[span] for span in spans])
        learnt = np.concatenate([self._learnt[span] for span in spans])
        labels = np.where(learnt == 1, ids, IGNORED)
        lengths = [int(span.stop - span.start) for span in spans]
        return {"input_ids": ids.tolist(), "labels": labels.tolist(), "seq_lengths": lengths}
