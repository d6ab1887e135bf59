"""Documents of a corpus: Parquet, JSONL and plain text, as the modes of a build read them (docs/corpus.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import InputError
from schemas.training import CorpusSource
from training.data_files import DataFile, Place, find, kind_of
from training.records import TURNS, columns_of, read_rows, read_texts

_CONVERSATIONS = "; put conversations under data.conversations"


@dataclass(frozen=True, slots=True)
class Document:
    """One text, as it was found."""

    id: str
    text: str


class Documents:
    """The documents of one source, read anew, in the same order, each time they are iterated.

    Of several plain text files each is a document; of one, what stands between blank lines. `left_out` counts those
    that are not given, by reason, and is whole when an iteration has ended: `empty`, `unreadable` (no row, no text, not
    UTF-8, or more than 64 MB).
    """

    def __init__(self, source: CorpusSource, place: Place, files: tuple[DataFile, ...]) -> None:
        self.name = place.name
        self.revision = place.revision
        self.left_out: Counter[str] = Counter()
        self._source = source
        self._field = place.field
        self._files = files

    def __iter__(self) -> Iterator[Document]:
        """Raises InputError for a damaged file, and at the end when there was no document; DatasetError of the Hub."""
        self.left_out.clear()
        given = 0
        for index, text in enumerate(text for file in self._files for text in self._texts(file)):
            if not isinstance(text, str):
                self.left_out["unreadable"] += 1
            elif not text.strip():
                self.left_out["empty"] += 1
            else:
                given += 1
                yield Document(f"{self.name}#{index}", text)
        if not given:
            why = ", ".join(f"{rows:,} {reason}" for reason, rows in self.left_out.items())
            raise InputError(f"{self._field}.source: {self.name} holds no documents{f' ({why})' if why else ''}")

    def _texts(self, file: DataFile) -> Iterator[object]:
        _check_column(self._source, file)
        if file.kind == "text":
            return read_texts(file, whole=len(self._files) > 1)
        name = self._source.text_field
        rows = read_rows(file, [name])
        return (None if row is None else "" if row.get(name) is None else row[name] for row in rows)


def open_documents(source: CorpusSource, field: str) -> Documents:
    """The documents of a source. `field` is its place in the recipe, such as data.corpus.0.

    Raises InputError that names a field when there is no such source, config, split or column, DatasetError when the
    Hub fails.
    """
    place = find(source.source, source.revision, field)
    files = _files(source, place)
    kinds = sorted({file.kind for file in files})
    if len(kinds) > 1:
        raise InputError(
            f"{field}.source: {place.name} holds files of several kinds, {' and '.join(kinds)}; name one kind"
        )
    _check_column(source, files[0])
    return Documents(source, place, files)


def _check_column(source: CorpusSource, file: DataFile) -> None:
    names = [] if file.kind == "text" else columns_of(file)
    if names and source.text_field not in names:
        raise InputError(
            f"{file.field}.text_field: {file.name} has no column {source.text_field!r}; it has: {', '.join(names)}"
            f"{_CONVERSATIONS if any(name in names for name in TURNS) else ''}"
        )


def _files(source: CorpusSource, place: Place) -> tuple[DataFile, ...]:
    if place.files or (
        place.folder is not None and source.config is None and (texts := _only_texts(place, place.folder))
    ):
        for option, value in (("config", source.config), ("split", source.split if source.split != "train" else None)):
            if value is not None:
                raise InputError(f"{place.field}.{option}: {place.name} is files, which have none; leave it out")
        return place.files or texts
    config = source.config or _only_config(place)
    if config not in place.configs:
        raise InputError(
            f"{place.field}.config: {place.name} has no config {config!r}; it has: {', '.join(place.configs)}"
        )
    splits = place.splits(config)
    if not splits.get(source.split):
        raise InputError(
            f"{place.field}.split: {place.name} has no split {source.split!r}; it has: "
            f"{', '.join(splits) or 'no files'}"
        )
    return splits[source.split]


def _only_config(place: Place) -> str:
    if len(place.configs) == 1:
        return place.configs[0]
    if place.default_config is None:
        raise InputError(
            f"{place.field}.config: name the one that is meant; {place.name} has: {', '.join(place.configs)}"
            f"{_CONVERSATIONS if place.manifest is not None else ''}"
        )
    return place.default_config


def _only_texts(place: Place, folder: Path) -> tuple[DataFile, ...]:
    """The plain text in a folder, however deep; nothing where data of another kind lies there too."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    kinds = {name: kind_of(name) for name in names}
    if any(kind in ("parquet", "jsonl") for kind in kinds.values()):
        return ()
    return tuple(place.file(name) for name, kind in kinds.items() if kind == "text")
