"""Encoded sequences on disk: flat files of token ids and of which are learnt, read by memory map."""

from __future__ import annotations

import os
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
        self._learnt = (folder / _LEARNT).open("wb")
        self._ends = [0]

    def append(self, sequence: Encoded) -> None:
        ids = np.asarray(sequence.ids, dtype=np.int32)
        self._ids.write(ids.tobytes())
        self._learnt.write((np.asarray(sequence.labels) != IGNORED).astype(np.uint8).tobytes())
        self._ends.append(self._ends[-1] + len(ids))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._ids, self._learnt:
            if kind is not None:
                return
            with (self._folder / _OFFSETS).open("wb") as offsets:
                np.save(offsets, np.asarray(self._ends, dtype=np.int64))
                for file in (self._ids, self._learnt, offsets):
                    file.flush()
                    os.fsync(file.fileno())


class Sequences:
    """What a writer has written. `lengths` and `learnt` have a number for each sequence."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets = np.load(folder / _OFFSETS)
        empty = self._offsets[-1] == 0  # there is no map of nothing
        self._ids = np.empty(0, np.int32) if empty else np.memmap(folder / _IDS, np.int32, "r")
        self._learnt = np.empty(0, np.uint8) if empty else np.memmap(folder / _LEARNT, np.uint8, "r")

    def __reduce__(self) -> tuple[type[Sequences], tuple[Path]]:
        """Another process, and what hashes a dataset, gets the place and not the tokens."""
        return Sequences, (self._folder,)

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self._offsets)

    @property
    def learnt(self) -> np.ndarray:
        sums = np.zeros(len(self._learnt) + 1, dtype=np.int64)
        np.cumsum(self._learnt, dtype=np.int64, out=sums[1:])
        return sums[self._offsets[1:]] - sums[self._offsets[:-1]]

    def joined(self, places: Sequence[int]) -> dict[str, object]:
        """These sequences one after the other: `input_ids`, `labels`, and `seq_lengths` to tell them apart."""
        spans = [slice(self._offsets[place], self._offsets[place + 1]) for place in places]
        ids = np.concatenate([self._ids[span] for span in spans])
        learnt = np.concatenate([self._learnt[span] for span in spans])
        labels = np.where(learnt == 1, ids, IGNORED)
        lengths = [int(span.stop - span.start) for span in spans]
        return {"input_ids": ids.tolist(), "labels": labels.tolist(), "seq_lengths": lengths}
