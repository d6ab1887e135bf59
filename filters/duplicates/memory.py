"""Room for arrays: in memory up to a limit, beyond it in a file that the system reads and writes page by page."""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.errors import StorageError

Item = TypeVar("Item", bound=np.generic)

_MB = 1_000_000


class Memory:
    """Gives out arrays, and takes note of how much of them is in memory and how much in files of `folder`.

    The files have no names: nothing of them is left, however the process ends. Their room on disk is taken at once, so
    that a full disk is an error when an array is asked for, and not a crash when it is written.
    """

    def __init__(self, limit_mb: int = 4096, folder: Path | None = None) -> None:
        """Without a folder, that for temporary files is taken."""
        self._limit = limit_mb * _MB
        self._folder = folder or Path(tempfile.gettempdir())
        self._held = 0
        self._spilled = 0

    @property
    def spilled(self) -> int:
        """Bytes of arrays that lie in files."""
        return self._spilled

    def zeros(self, length: int, item: np.dtype[Item]) -> NDArray[Item]:
        """An array of zeros, of which untouched pages take no memory. Raises StorageError."""
        size = length * item.itemsize
        if self._held + size <= self._limit or not size:
            array = np.zeros(length, item)
            self._held += size
            weakref.finalize(array, self._give_back, size)
            return array
        array = np.frombuffer(self._file(size), item)
        self._spilled += size
        weakref.finalize(array, self._give_back_file, size)
        return array

    def _file(self, size: int) -> mmap.mmap:
        try:
            with tempfile.TemporaryFile(dir=self._folder) as file:
                os.posix_fallocate(file.fileno(), 0, size)
                return mmap.mmap(file.fileno(), size)
        except OSError as error:
            raise StorageError(
                f"{self._folder}: no room for {size / _MB:,.0f} MB of the duplicate filter: {error.strerror}; free some"
                " space, or raise ITURRI_DUPLICATES_MEMORY_MB"
            ) from error

    def _give_back(self, size: int) -> None:
        self._held -= size

    def _give_back_file(self, size: int) -> None:
        self._spilled -= size
