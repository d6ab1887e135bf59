"""Conversations of publications, and of other datasets whose rows have `messages` or ShareGPT's `conversations`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.errors import InputError
from schemas.training import ConversationSource
from training.data_files import DataFile, Place, find
from training.records import TURNS, Record, columns_of, read_rows

TRAIN: Final = "train"
VALIDATION: Final = "validation"

# Tables beside the conversations of a publication.
_SIDE = ("reviews", "dropped")
# MODE-LANGUAGE, as publications call their configs.
_CONFIG = re.compile(r"([a-z_]+)-([a-z]{2,3}(?:-[A-Za-z0-9]+)*)")
_DOCUMENTS = "put documents under data.corpus"
_COLUMNS = ("id", "language", "mode", *TURNS)
# What `iturri filter` takes for the two, too.
_ROLES: Final = {
    **dict.fromkeys(("human", "prompter"), "user"),
    **dict.fromkeys(("gpt", "model", "bot", "chatgpt"), "assistant"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation. Its messages are as they were found, in `role` and `content`; nothing about them is judged."""

    id: str
    messages: list[dict[str, Any]]
    language: str
    mode: str | None
    split: str
    """`train`, or `validation`, which is held out."""
    parted: bool = False
    """Whether its config has a validation split, of which all is held out, and of the rest nothing."""


@dataclass(frozen=True, slots=True)
class _Part:
    """The files of one split of one config, and what its rows are where they do not say so themselves."""

    split: str
    files: tuple[DataFile, ...]
    language: str | None
    mode: str | None
    parted: bool = False


class Conversations:
    """The rows of one source, the training split first; read anew, in the same order, each time they are iterated.

    `left_out` counts those that are not given, by reason, and is whole when an iteration has ended: `language` (none
    of the wanted ones), `mode` (likewise), `unreadable` (no row, or no list of messages).
    """

    def __init__(
        self, source: ConversationSource, languages: tuple[str, ...], place: Place, parts: list[_Part], skipped: int
    ) -> None:
        self.name = place.name
        self.revision = place.revision
        self.left_out: Counter[str] = Counter()
        self._source = source
        self._languages = source.languages or languages
        self._field = place.field
        self._parts = parts
        self._skipped = skipped

    def __iter__(self) -> Iterator[Row]:
        """Raises InputError for a damaged file, and at the end when nothing was wanted; DatasetError of the Hub."""
        self.left_out.clear()
        self.left_out.update({"language": self._skipped} if self._skipped else {})
        there: dict[str, Counter[str]] = {"language": Counter(), "mode": Counter()}
        given = index = 0
        for part in self._parts:
            for record in self._records(part):
                row = self._row(part, record, index)
                index += 1
                if row is None:
                    self.left_out["unreadable"] += 1
                    continue
                there["language"][row.language] += 1
                there["mode"][row.mode or "none"] += 1
                if row.language not in self._languages:
                    self.left_out["language"] += 1
                elif self._source.modes and row.mode not in self._source.modes:
                    self.left_out["mode"] += 1
                else:
                    given += 1
                    yield row
        _check("modes", self._source.modes, there["mode"], self.name, self._field)
        _check("languages", self._source.languages, there["language"], self.name, self._field)
        if not given:
            raise InputError(f"{self._field}.source: {self._nothing(index, there)}")

    def _records(self, part: _Part) -> Iterator[Record | None]:
        for file in part.files:
            _check_columns(self._source, part, file)
            yield from read_rows(file, _COLUMNS)

    def _row(self, part: _Part, record: Record | None, index: int) -> Row | None:
        if record is None:
            return None
        messages = _messages(next((turns for name in TURNS if (turns := record.get(name)) is not None), None))
        language = record.get("language") or part.language
        mode = record.get("mode") or part.mode
        if messages is None or not isinstance(language, str) or not isinstance(mode, str | None):
            return None
        own = record.get("id") if record.get("mode") and record.get("language") else None
        row_id = own if isinstance(own, str) else f"{self.name}#{index}"
        return Row(row_id, messages, language, mode, part.split, part.parted)

    def _nothing(self, rows: int, there: Mapping[str, Counter[str]]) -> str:
        """Why there are no conversations, in words."""
        if not rows:
            return f"{self.name} holds no rows"
        if not there["language"]:
            return f"{self.name} holds no conversations: none of its {rows:,} rows has a list of messages"
        told = "; ".join(f"{what}: {_counted(found)}" for what, found in there.items())
        return f"no row of {self.name} is of the languages and modes that are asked for; its rows by {told}"


def open_conversations(source: ConversationSource, languages: tuple[str, ...], field: str) -> Conversations:
    """The conversations of a source in the languages that it names, or in `languages`, the recipe's.

    `field` is its place in the recipe, such as data.conversations.0. Raises InputError that names a field when there
    is no such source, or it has no such mode or language or no conversations, DatasetError when the Hub fails.
    """
    place = find(source.source, source.revision, field)
    wanted = source.languages or languages
    published = _published(source, wanted, place)
    if source.split is not None and (published or place.files):
        what = "of a publication train and validation are read" if published else "files have no splits"
        raise InputError(f"{field}.split: {what}; leave it out for {place.name}")
    parts, skipped = published or (_other(source, wanted, place), 0)
    parts.sort(key=lambda part: part.split)  # train before validation
    return Conversations(source, languages, place, parts, skipped)


def _published(source: ConversationSource, languages: tuple[str, ...], place: Place) -> tuple[list[_Part], int] | None:
    """The parts of a publication, and how many rows are left out by their language; None where this is none."""
    shards = place.manifest.shards if place.manifest is not None else ()
    if place.manifest is not None and not shards:
        raise InputError(f"{place.field}.source: {place.name} has no sealed shards yet; finish `iturri build` first")
    names = {shard.config for shard in shards} if shards else _conversation_configs(place)
    configs = {name: (match[1], match[2]) for name in sorted(names) if (match := _CONFIG.fullmatch(name))}
    if not configs or len(configs) < len(names):
        return None
    _check("modes", source.modes, [mode for mode, _ in configs.values()], place.name, place.field)
    _check("languages", source.languages, [language for _, language in configs.values()], place.name, place.field)
    parts: list[_Part] = []
    skipped = 0
    for name, (mode, language) in configs.items():
        ours = [shard for shard in shards if shard.config == name]
        if source.modes and mode not in source.modes:
            continue
        if language not in languages:
            skipped += sum(shard.rows for shard in ours)
            continue
        splits = (
            {
                split: tuple(place.file(shard.path) for shard in ours if shard.split == split)
                for split in (TRAIN, VALIDATION)
            }
            if ours
            else place.splits(name)
        )
        parts += _parts(splits, language, mode)
    if not parts:
        there = ", ".join(configs)
        raise InputError(
            f"{place.field}.source: {place.name} has no config of the languages and modes that are asked for; it has: "
            f"{there}"
        )
    return parts, skipped


def _other(source: ConversationSource, languages: tuple[str, ...], place: Place) -> list[_Part]:
    """The parts of a dataset of others: its only or default config, or those that `modes` names."""
    told = languages[0] if len(languages) == 1 else None
    if place.files:
        parts = [_Part(TRAIN, place.files, told, None)]
    elif len(configs := _conversation_configs(place)) == 1:
        parts = _of_config(place, configs[0], source.split, told, None)
    elif source.modes:
        _check("modes", source.modes, configs, place.name, place.field)
        parts = [part for name in source.modes for part in _of_config(place, name, source.split, told, name)]
    elif place.default_config is not None:
        parts = _of_config(place, place.default_config, source.split, told, None)
    else:
        raise InputError(f"{place.field}.modes: name configs of {place.name}; it has: {', '.join(configs)}")
    for part in parts:
        _check_columns(source, part, part.files[0])
    return parts


def _conversation_configs(place: Place) -> list[str]:
    return [] if place.files else [name for name in place.configs if name not in _SIDE]


def _of_config(place: Place, config: str, split: str | None, language: str | None, mode: str | None) -> list[_Part]:
    """A config of a dataset of others: the split that is named, as that to train on, else `train` and `validation`."""
    splits = place.splits(config)
    parts = _parts({TRAIN: splits.get(split, ())} if split is not None else splits, language, mode)
    if not parts:
        raise InputError(
            f"{place.field}.split: {place.name} has no split {split or TRAIN} (config {config}); name one of: "
            f"{', '.join(splits)}"
        )
    return parts


def _parts(splits: Mapping[str, tuple[DataFile, ...]], language: str | None, mode: str | None) -> list[_Part]:
    parted = bool(splits.get(VALIDATION))
    return [_Part(split, splits[split], language, mode, parted) for split in (TRAIN, VALIDATION) if splits.get(split)]


def _check_columns(source: ConversationSource, part: _Part, file: DataFile) -> None:
    if file.kind == "text":
        raise InputError(
            f"{file.field}.source: {file.name} is plain text; conversations are Parquet or JSONL; {_DOCUMENTS}"
        )
    names = columns_of(file)
    there = f"{file.name} has: {', '.join(names)}"
    if names and not any(name in names for name in TURNS):
        raise InputError(f"{file.field}.source: there is no column messages or conversations; {there}; {_DOCUMENTS}")
    if names and "language" not in names and part.language is None:
        raise InputError(f"{file.field}.languages: rows do not say theirs; name the one that they have ({there})")
    if names and source.modes and "mode" not in names and part.mode is None:
        raise InputError(f"{file.field}.modes: rows have no mode; leave it out ({there})")


def _check(what: str, wanted: Iterable[str], there: Iterable[str], name: str, field: str) -> None:
    """Raises InputError for what is asked for and is not there."""
    known = dict.fromkeys(there)
    for one in wanted:
        if known and one not in known:
            raise InputError(f"{field}.{what}: {name} has no {what[:-1]} {one}; it has: {', '.join(known)}")


def _messages(turns: Any) -> list[dict[str, Any]] | None:
    """In `role` and `content`; None where this is no list of objects."""
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        return None
    return [_message(turn) for turn in turns]


def _message(turn: dict[str, Any]) -> dict[str, Any]:
    """One schema for all turns gives each the others' fields too, as nulls; these are left out."""
    role = turn["role"] if turn.get("role") is not None else turn.get("from")
    if isinstance(role, str):
        role = _ROLES.get(role.strip().lower(), role)
    content = turn["content"] if turn.get("content") is not None else turn.get("value")
    more = {
        name: value
        for name, value in turn.items()
        if name not in ("role", "content", "from", "value") and value is not None
    }
    return {"role": role, "content": content, **more}


def _counted(found: Counter[str]) -> str:
    return ", ".join(f"{name} ({rows:,})" for name, rows in found.most_common(8))
