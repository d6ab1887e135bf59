"""What the modes of a recipe are made from: datasets that are found, checked, and known again by what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from generators.passages import RULES
from pipeline.datasets import digest, naming, short_name, splits_of
from pipeline.filtering.source import COLUMNS
from pipeline.records import Cut, Record, RecordSource, open_records
from schemas.conversation import Source
from schemas.errors import InputError
from schemas.modes import Corpus, GivenConversations, GivenPrompts, SourceDataset, topics_from
from schemas.recipe import Recipe
from schemas.verdict import Drop

# So many rows are looked at to see whether a column holds text at all.
_LOOK = 20

Path = tuple[str | int, ...]
"""Where a recipe names a dataset, such as ("modes", 1, "corpus")."""


@dataclass(frozen=True, slots=True)
class FoundDataset:
    """A dataset that can be read. `columns` are those that are read, by what they are for, such as `text`."""

    path: Path
    spec: SourceDataset
    name: str
    revision: str | None
    content: str
    records: RecordSource
    columns: Mapping[str, str]

    @property
    def field(self) -> str:
        return ".".join(map(str, self.path))

    @property
    def feeds(self) -> bool:
        """Whether the mode's drafts are made from it, one from each passage or row."""
        return len(self.path) == 3

    def rows(self, start: int) -> Iterator[Record]:
        """The rows from place `start` on, their values by what they are for. Raises InputError, DatasetError."""
        with naming(self.field):
            for record in self.records.read(start, tuple(self.columns.values())):
                values = {role: record.values.get(column) for role, column in self.columns.items()}
                yield replace(record, values=values)

    def source(self, record: Record) -> Source:
        """How what is made from a row cites it: by its id, the name of its file, or else its number."""
        given, title = record.values.get("id"), record.values.get("title")
        document = record.name if given is None else given
        return Source(
            dataset=self.name,
            revision=self.revision,
            document=str(record.place) if document is None else str(document),
            title=title.strip() or None if isinstance(title, str) else None,
            licence=self.spec.licence,
        )

    def decisive(self) -> dict[str, Any]:
        """What decides what a build's rows are: what it holds and how it is read, not where it lies."""
        read = self.spec.model_dump(mode="json", exclude={"dataset", "config", "split", "revision"})
        rules = {"passage_rules": RULES} if isinstance(self.spec, Corpus) else {}
        return {**read, **rules, "content": self.content}

    def told(self) -> dict[str, Any]:
        """What a manifest tells: all but the folders of this machine."""
        told = {"dataset": self.name, "revision": self.revision, "content": self.content}
        return {**self.spec.model_dump(mode="json"), **told}


def named_datasets(recipe: Recipe) -> Iterator[tuple[Path, SourceDataset]]:
    """The datasets that the modes of a recipe name, and where."""
    for number, spec in enumerate(recipe.modes):
        for name in type(spec).model_fields:
            value = getattr(spec, name)
            if isinstance(value, SourceDataset):
                yield ("modes", number, name), value
        if (topics := topics_from(spec)) is not None:
            yield ("modes", number, "steering", "topics_from"), topics


def find_materials(recipe: Recipe) -> tuple[FoundDataset, ...]:
    """Where the datasets of the modes lie, and a digest of each; their first rows are read.

    Raises InputError that names the field, DatasetError when the Hub fails.
    """
    return tuple(find_dataset(path, spec) for path, spec in named_datasets(recipe))


def find_dataset(path: Path, spec: SourceDataset) -> FoundDataset:
    """One dataset; all of its splits, or the one that is named, are read as one. Raises as find_materials does."""
    with naming(".".join(map(str, path))):
        splits = splits_of(spec, texts=not isinstance(spec, GivenConversations))
        whole = replace(splits[0], files=tuple(file for split in splits for file in split.files))
        records = open_records(whole, _text_column(spec), _cut(spec, len(whole.files)))
        columns = _columns(spec, records.names())
        found = FoundDataset(
            path=path,
            spec=spec,
            name=short_name(spec, whole),
            revision=whole.about.revision,
            content=digest(splits),
            records=records,
            columns=columns,
        )
    _look(found)
    return found


def put(fields: dict[str, Any], path: Path, value: Any) -> None:
    """Put a value where a recipe, as JSON values, has that field."""
    at: Any = fields
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value


def fault(kind: str, evidence: str) -> Drop:
    """Why a row, or a passage, is nothing to make a draft from."""
    return Drop(reason=f"material.{kind}", evidence=evidence)


def _text_column(spec: SourceDataset) -> str:
    """What the one column of plain text is called."""
    if isinstance(spec, Corpus):
        return spec.text_column
    return spec.column if isinstance(spec, GivenPrompts) else ""


def _cut(spec: SourceDataset, files: int) -> Cut:
    if isinstance(spec, GivenPrompts):
        return "line"
    return "file" if files > 1 else "paragraph"


def _columns(spec: SourceDataset, names: list[str]) -> dict[str, str]:
    """The columns to read. Raises InputError that names the field of one that is not there."""
    wanted: dict[str, tuple[str, str | None]] = {"id": ("id_column", spec.id_column)}
    if isinstance(spec, Corpus):
        wanted["text"] = ("text_column", spec.text_column)
        wanted["title"] = ("title_column", spec.title_column or ("title" if "title" in names else None))
    elif isinstance(spec, GivenPrompts):
        wanted["text"] = ("column", spec.column)
    elif isinstance(spec, GivenConversations) and spec.instruction_column is not None:
        wanted["instruction"] = ("instruction_column", spec.instruction_column)
        wanted["reply"] = ("reply_column", spec.reply_column)
    elif isinstance(spec, GivenConversations):
        usual = next((name for name in COLUMNS if name in names), COLUMNS[0])
        wanted["messages"] = ("column", spec.column or usual)
    for option, column in wanted.values():
        if column is not None and column not in names:
            raise InputError(f"--{option}: {spec.dataset} has no column {column!r}; it has: {', '.join(names)}")
    return {role: column for role, (_, column) in wanted.items() if column is not None}


def _look(found: FoundDataset) -> None:
    """Raises InputError for a dataset without rows, and for a column of another kind than text."""
    rows = list(islice(found.rows(0), _LOOK))
    if not rows:
        raise InputError(f"{found.field}: {found.spec.dataset} holds no rows")
    for role in ("text", "instruction", "reply"):
        values = [value for row in rows if (value := row.values.get(role)) is not None]
        if values and not any(isinstance(value, str) for value in values):
            raise InputError(
                f"{found.field}: the column {found.columns[role]!r} of {found.spec.dataset} holds no text, "
                f"but {type(values[0]).__name__}; name another one"
            )
