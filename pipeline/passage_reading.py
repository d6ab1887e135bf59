"""The passages of a corpus, numbered, each once: what repeats or cannot stand as a reply is passed over and said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import xxhash

from filters.text import excerpt, fold
from generators.material import Material
from generators.passages import Passage, passages
from pipeline.materials import FoundDataset, fault
from pipeline.passage_index import PassageIndex
from pipeline.records import Record
from pipeline.unreadable import what_is_wrong
from schemas.modes import Corpus
from schemas.verdict import Drop

# A longer document is a dump of many: JSONL lines of this size are not read either.
MOST_CHARS = 64_000_000


def read_passages(found: FoundDataset, corpus: Corpus, path: Path, start: int) -> Iterator[Material]:
    """The materials of a corpus from number `start` on. Every document gives one at least: with its fault, if need be.

    Numbers and repeats are a function of the corpus alone. What is known of the documents before is kept in `path`.
    Raises InputError, DatasetError, StorageError.
    """
    with PassageIndex.open(path) as index:
        place, number = index.document_of(start)
        for record in found.rows(place):
            for material in _materials(found, record, corpus, index, number):
                number += 1
                if material.number >= start:
                    yield material


def _materials(
    found: FoundDataset, record: Record, corpus: Corpus, index: PassageIndex, number: int
) -> Iterator[Material]:
    """Those of one document."""
    source = found.source(record)
    text = record.values.get("text")
    wrong = _fault(record, corpus)
    given = repeated = 0
    if wrong is None and isinstance(text, str):
        for passage in passages(text, corpus.min_chars, corpus.max_chars):
            digest = _digest(passage)
            if index.known(digest):
                repeated += 1
                continue
            index.add(digest, first=not given)
            cited = source.model_copy(update={"start": passage.start, "end": passage.end})
            yield Material(number + given, cited, (passage.text,))
            given += 1
    if not given:
        drop = wrong or _nothing(str(text), repeated, corpus)
        index.add(0, first=True)
        yield Material(number, source, (excerpt(text) if isinstance(text, str) else "",), drop)


def _fault(record: Record, corpus: Corpus) -> Drop | None:
    """What is wrong with a document before it is cut."""
    text = record.values.get("text")
    if record.fault is not None:
        return fault("unreadable", record.fault)
    if text is not None and not isinstance(text, str):
        return fault("unreadable", f"no text: {excerpt(repr(text))}")
    size = len(text.strip()) if text else 0
    if not text or not size:
        return fault("empty", "there is no text")
    if size > MOST_CHARS:
        return fault("too_long", f"{size:,} characters, {MOST_CHARS:,} at most: {excerpt(text)}")
    if size < corpus.min_chars:
        return fault("too_short", f"{size} characters, {corpus.min_chars} at least: {excerpt(text)}")
    broken = what_is_wrong(text)
    return fault("unreadable", broken) if broken is not None else None


def _nothing(text: str, repeated: int, corpus: Corpus) -> Drop:
    """Why no passage of a document is given."""
    if repeated:
        which = "it is" if repeated == 1 else f"all its {repeated} passages are"
        return fault("duplicate", f"{which} in the corpus before: {excerpt(text)}")
    lengths = f"{corpus.min_chars} to {corpus.max_chars} characters"
    return fault("no_passage", f"no paragraphs of {lengths} that could stand as a reply: {excerpt(text)}")


def _digest(passage: Passage) -> int:
    return xxhash.xxh3_64_intdigest(fold(passage.text).encode(errors="replace"))
