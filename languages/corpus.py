"""Reading a corpus: plain text, one sentence or paragraph a line, and only the lines that are in its language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import xxhash

from languages.detection import Detector
from languages.words import words_of
from schemas.errors import InputError

# Shorter lines are titles, menu entries and names, which belong to no language for sure.
MIN_WORDS = 3
# From so many words on a detector's word is taken for it.
TELLING_WORDS = 5
# More text than this changes neither profile nor word statistics.
MOST_CHARACTERS = 50_000_000


@dataclass
class CleanLines:
    """The lines of a corpus that are in its language, each once; counts what it left out while it is read."""

    lines: Iterable[str]
    code: str
    detector: Detector
    kept: int = 0
    short: int = 0
    repeated: int = 0
    foreign: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[str]:
        seen: set[int] = set()
        for line in self.lines:
            count = len(words_of(line))
            digest = xxhash.xxh3_64_intdigest(line.encode(errors="replace"))
            if count < MIN_WORDS:
                self.short += 1
            elif digest in seen:
                self.repeated += 1
            elif count >= TELLING_WORDS and (language := self._language(line)) != self.code:
                self.foreign[language] += 1
            else:
                seen.add(digest)
                self.kept += 1
                yield line

    def _language(self, line: str) -> str:
        found = self.detector.detect(line)
        return found.language if found is not None else "unknown"


def read_corpus(paths: Sequence[Path], option: str = "--corpus") -> Iterator[str]:
    """The lines of text files, stripped; of very large ones the first part, each file's share of MOST_CHARACTERS.

    Raises InputError that names the option, the file and the line: no such file, binary, or not UTF-8.
    """
    for path in paths:
        left = MOST_CHARACTERS // len(paths)
        number = 0
        try:
            with path.open("rb") as file:
                for number, raw in enumerate(file, 1):
                    if b"\0" in raw:
                        raise InputError(f"{option}: {path}, line {number}: a NUL byte: this is no plain text")
                    line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                    yield line
                    left -= len(line)
                    if left <= 0:
                        break
        except UnicodeDecodeError as error:
            raise InputError(
                f"{option}: {path}, line {number}: not UTF-8 ({error.reason}); convert it, with `iconv` for example"
            ) from error
        except OSError as error:
            raise InputError(f"{option}: {path}: {error.strerror}") from error
