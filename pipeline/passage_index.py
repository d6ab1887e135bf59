"""What is known of a corpus's passages so far: which document each is of, and which have been seen."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
import numpy.typing as npt

from schemas.errors import StorageError

_WORD = 8
_FIRST = 1
_RECENT = 1 << 16

Digests = npt.NDArray[np.uint64]


class Seen:
    """Digests of 63 bits that were seen: 8 bytes each in a sorted array, the latest 65,536 in a set."""

    def __init__(self, digests: Digests) -> None:
        self._sorted = np.unique(digests)
        self._recent: set[int] = set()

    @property
    def nbytes(self) -> int:
        """Memory of the sorted ones."""
        return self._sorted.nbytes

    def __contains__(self, digest: int) -> bool:
        if digest in self._recent:
            return True
        wanted = np.uint64(digest)
        place = int(np.searchsorted(self._sorted, wanted))
        return place < len(self._sorted) and bool(self._sorted[place] == wanted)

    def add(self, digest: int) -> None:
        self._recent.add(digest)
        if len(self._recent) >= _RECENT:
            latest = np.fromiter(self._recent, np.uint64, len(self._recent))
            self._sorted = np.union1d(self._sorted, latest)
            self._recent.clear()


class PassageIndex:
    """A file of one word of 64 bits a passage, in their order: its digest, whose last bit says that it begins a
    document. A context manager.

    The file is a cache: every word of it is a function of the corpus, so what a kill left unwritten is made again, and
    two writers write the same. 10 million passages take 80 MB on disk and in memory.
    """

    def __init__(self, file: BinaryIO, words: Digests) -> None:
        self._file = file
        self._words = words
        self._seen = Seen(np.empty(0, np.uint64))

    @classmethod
    def open(cls, path: Path) -> Self:
        """Raises StorageError."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            file = path.open("r+b")
            words = np.frombuffer(file.read(), np.uint64, offset=0, count=path.stat().st_size // _WORD)
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error
        # A word that was never written is 0, which none is.
        lost = np.flatnonzero(words == 0)
        return cls(file, words[: lost[0]] if len(lost) else words)

    def document_of(self, number: int) -> tuple[int, int]:
        """(place of the document that a passage is of, number of its first one), where that is known, else of the last
        document that is. What is known from there on is forgotten: it is read again.

        Raises StorageError.
        """
        firsts = np.flatnonzero(self._words & np.uint64(_FIRST))
        place = max(0, int(np.searchsorted(firsts, number, "right")) - 1)
        first = int(firsts[place]) if len(firsts) else 0
        before = self._words[:first]
        self._seen = Seen(before & ~np.uint64(_FIRST))
        self._words = np.empty(0, np.uint64)
        try:
            self._file.truncate(first * _WORD)
            self._file.seek(first * _WORD)
        except OSError as error:
            raise self._unwritten(error) from error
        return place, first

    def known(self, digest: int) -> bool:
        """Whether a passage of this digest was there before."""
        return (digest & ~_FIRST) in self._seen

    def add(self, digest: int, *, first: bool) -> None:
        """The next passage, 0 for a document that has none; `first` of its document. Raises StorageError."""
        digest &= ~_FIRST
        if digest:
            self._seen.add(digest)
        try:
            self._file.write((digest | first).to_bytes(_WORD, "little"))
        except OSError as error:
            raise self._unwritten(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        except OSError as failed:
            raise self._unwritten(failed) from failed

    def _unwritten(self, error: OSError) -> StorageError:
        return StorageError(f"{self._file.name} cannot be written: {error.strerror or error}")
