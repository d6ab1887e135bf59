from __future__ import annotations

import gc
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from filters.duplicates.judge import DuplicateJudge, SignedRow
from filters.duplicates.memory import Memory
from filters.duplicates.signature import sign_first
from schemas.errors import StorageError
from schemas.filters import DuplicateFilter

BYTES = np.dtype(np.uint8)
MB = 1_000_000


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_arrays_beyond_the_limit_lie_in_files_without_names(tmp_path: Path) -> None:
    memory = Memory(2, tmp_path)
    inside, outside = memory.zeros(MB, BYTES), memory.zeros(2 * MB, BYTES)
    assert memory.spilled == 2 * MB
    outside[:] = 7
    inside[:] = 1
    assert outside.sum() == 14 * MB
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_longer_used_makes_room(tmp_path: Path) -> None:
    memory = Memory(1, tmp_path)
    first, second = memory.zeros(MB, BYTES), memory.zeros(MB, BYTES)
    assert memory.spilled == MB
    del first, second
    gc.collect()
    assert memory.spilled == 0
    kept = memory.zeros(MB, BYTES)
    assert (memory.spilled, len(kept)) == (0, MB)


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path) -> None:
    memory = Memory(1, tmp_path)
    with files_no_larger_than(MB), pytest.raises(StorageError, match=r"no room for 2 MB.*ITURRI_DUPLICATES_MEMORY_MB"):
        memory.zeros(2 * MB, BYTES)
    with pytest.raises(StorageError, match="No such file"):
        Memory(1, tmp_path / "gone").zeros(2 * MB, BYTES)


def test_verdicts_are_the_same_from_memory_and_from_files(tmp_path: Path) -> None:
    settings = DuplicateFilter()
    starts = [" ".join(f"{letter}{number}" for letter in "abcdefghijk") for number in range(7000)]
    texts = [f"{starts[number % 7000]} z{number % 97}" for number in range(12_000)]
    rows = [SignedRow(sign_first(text, settings.ngram, settings.min_words), text) for text in texts]
    spilling = Memory(1, tmp_path)
    judges = [DuplicateJudge(settings, memory) for memory in (Memory(), spilling)]
    in_memory, in_files = (judge.judge_rows(rows) for judge in judges)
    assert in_memory == in_files
    assert sum(drop is not None for drop in in_memory) == 5000
    assert spilling.spilled > MB / 2
