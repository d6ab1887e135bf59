"""Which files an existing dataset consists of: on this machine, or on the Hub."""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from schemas.errors import DatasetError, InputError, IturriError
from schemas.filter_report import FilterInput, InputFile
from schemas.recipe import RepoId

PARQUET_ENDINGS = (".parquet", ".pq")
JSONL_ENDINGS = (".jsonl", ".ndjson", ".json")
TEXT_ENDINGS = (".txt",)
CODECS = {".gz": "gzip", ".zst": "zstd"}
_HUB = "hf://"
# Before a name on the Hub: it is that one, whatever folder of the same name lies here.
HUB_DATASETS = "hf://datasets/"

Kind = Literal["parquet", "jsonl", "text"]


@dataclass(frozen=True, slots=True)
class DatasetInput:
    """What a user asks to be read: a file, a glob, a folder, or a dataset on the Hub."""

    given: str
    config: str | None = None
    split: str | None = None
    revision: str | None = None
    column: str | None = None
    limit: int | None = None
    texts: bool = False
    """Whether it may be plain text too: files that end in .txt."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file: where it lies, and what the report says of it."""

    place: str
    about: InputFile

    @property
    def name(self) -> str:
        return self.about.name

    @property
    def remote(self) -> bool:
        return self.place.startswith(_HUB)

    @property
    def codec(self) -> str | None:
        """How it is compressed, in the words of Arrow."""
        return CODECS.get(Path(self.name).suffix.lower())

    def open(self) -> BinaryIO:
        """Its bytes as they are stored. Raises OSError, or on the Hub what its client raises."""
        if not self.remote:
            return Path(self.place).open("rb")
        from huggingface_hub import HfFileSystem

        opened: BinaryIO = HfFileSystem().open(self.place, "rb")
        return opened

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Raises InputError for what is wrong with the file, DatasetError when the Hub fails."""
        try:
            yield
        except IturriError:
            raise
        except (OSError, pa.ArrowException) as error:
            if self.remote and not isinstance(error, pa.ArrowException):
                raise self._cut_off(error) from error
            raise InputError(f"{self.name}: cannot be read ({_line(error)}); is it whole?") from error
        except Exception as error:
            if self.remote:  # the Hub's client raises errors of several libraries
                raise self._cut_off(error) from error
            raise

    def _cut_off(self, error: Exception) -> DatasetError:
        return DatasetError(f"{self.name}: the Hub does not give it ({_line(error)}); run the same command again later")


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """The files of an input, all of one kind, in the order in which they are read."""

    about: FilterInput
    files: tuple[DataFile, ...]
    kind: Kind


def find_files(asked: DatasetInput) -> FoundFiles:
    """The files of an input. A folder and a dataset on the Hub have those that `datasets` finds in them.

    Raises InputError when there is nothing that can be read, DatasetError when the Hub cannot be reached.
    """
    return _find(asked, every_split=False)[0]


def find_splits(asked: DatasetInput) -> tuple[FoundFiles, ...]:
    """The files of every split, or of the one that is asked for; what has no splits counts as one.

    Raises as find_files does.
    """
    return _find(asked, every_split=True)


def _find(asked: DatasetInput, *, every_split: bool) -> tuple[FoundFiles, ...]:
    path = Path(asked.given)
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:  # a name that is too long, a folder that is closed to us
        raise InputError(f"{asked.given}: cannot be read: {error.strerror or error}") from error
    if is_folder:
        texts = _only_texts(path) if asked.texts and asked.config is None and asked.split is None else []
        return (_found(asked, texts),) if texts else _declared(asked, None, every_split)
    for option, value in (("--revision", asked.revision), ("--config", asked.config), ("--split", asked.split)):
        if value is not None and (is_file or glob.has_magic(asked.given)):
            where = "a dataset on the Hub" if option == "--revision" else "a folder or a dataset on the Hub"
            raise InputError(f"{option}: only {where} has one, and {asked.given} is none; leave it out")
    if is_file:
        return (_found(asked, [asked.given]),)
    if glob.has_magic(asked.given):
        names = sorted(glob.glob(asked.given, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        return (_found(asked, [name for name in names if Path(name).is_file()]),)
    repository = asked.given.removeprefix(HUB_DATASETS)
    if not is_repository(repository):
        raise InputError(f"{asked.given}: there is no such file or folder, and a dataset on the Hub is NAMESPACE/NAME")
    return _declared(asked, repository, every_split)


def _found(
    asked: DatasetInput,
    places: list[str],
    *,
    repository: str | None = None,
    config: str | None = None,
    split: str | None = None,
) -> FoundFiles:
    if not places:
        raise InputError(f"{asked.given}: no file has a name like that")
    kinds = {_kind(place, asked.texts) for place in places}
    if len(kinds) > 1:
        raise InputError(f"{asked.given}: holds files of several kinds, {' and '.join(sorted(kinds))}; name one kind")
    files, revision = _on_hub(places) if places[0].startswith(_HUB) else (_local(places), None)
    about = FilterInput(
        given=asked.given,
        repository=repository,
        revision=revision,
        config=config,
        split=split,
        column=asked.column,
        limit=asked.limit,
        files=tuple(file.about for file in files),
    )
    return FoundFiles(about, files, kinds.pop())


def _kind(place: str, texts: bool) -> Kind:
    name = _without_codec(place)
    if name.endswith(JSONL_ENDINGS):
        return "jsonl"
    if texts and name.endswith(TEXT_ENDINGS):
        return "text"
    if place.lower().endswith(PARQUET_ENDINGS):
        return "parquet"
    kinds = "neither Parquet, JSONL nor plain text" if texts else "neither Parquet nor JSONL"
    raise InputError(f"{place}: is {kinds} by its name; known endings: {_known_endings(texts)}")


def _known_endings(texts: bool) -> str:
    packed = ", ".join((*JSONL_ENDINGS, *(TEXT_ENDINGS if texts else ())))
    return f"{', '.join(PARQUET_ENDINGS)}, {packed} (these also with {' or '.join(CODECS)})"


def _without_codec(name: str) -> str:
    name = name.lower()
    for ending in CODECS:
        name = name.removesuffix(ending)
    return name


def _only_texts(folder: Path) -> list[str]:
    """The plain text in a folder, however deep; nothing where data of another kind lies there too."""
    names = {str(path): _without_codec(path.name) for path in folder.rglob("*") if path.is_file()}
    if any(name.endswith((*PARQUET_ENDINGS, *JSONL_ENDINGS)) for name in names.values()):
        return []
    return sorted(path for path, name in names.items() if name.endswith(TEXT_ENDINGS))


def _local(places: list[str]) -> tuple[DataFile, ...]:
    root = os.path.commonpath([Path(place).absolute().parent for place in places])
    files = []
    for place in places:
        try:
            state = Path(place).stat()
        except OSError as error:
            raise InputError(f"{place}: cannot be read: {error.strerror or error}") from error
        about = InputFile(
            name=Path(place).absolute().relative_to(root).as_posix(),
            bytes=state.st_size,
            modified=datetime.fromtimestamp(state.st_mtime, UTC),
        )
        files.append(DataFile(place, about))
    return tuple(files)


def _on_hub(places: list[str]) -> tuple[tuple[DataFile, ...], str]:
    """The files, and the commit that all of them belong to."""
    from huggingface_hub import HfFileSystem

    hub: Any = HfFileSystem()
    try:
        parts = [hub.resolve_path(place) for place in places]
        sizes = [int(hub.info(place)["size"]) for place in places]
    except Exception as error:
        raise DatasetError(f"{places[0]}: the Hub does not give its size ({_line(error)}); try again later") from error
    files = tuple(
        DataFile(place, InputFile(name=part.path_in_repo, bytes=size, modified=None))
        for place, part, size in zip(places, parts, sizes, strict=True)
    )
    return files, str(parts[0].revision)


def is_repository(given: str) -> bool:
    """Whether this may be the name of a dataset on the Hub; that of a file is none, though it looks like one."""
    try:
        TypeAdapter(RepoId).validate_python(given)
    except ValidationError:
        return False
    return not given.lower().endswith((*PARQUET_ENDINGS, *JSONL_ENDINGS, *TEXT_ENDINGS, *CODECS))


def _declared(asked: DatasetInput, repository: str | None, every_split: bool) -> tuple[FoundFiles, ...]:
    """The files of the splits, as `datasets` finds them: by the card, else by their names."""
    if repository is None and asked.revision is not None:
        raise InputError(f"--revision: only a dataset on the Hub has one, and {asked.given} is a folder; leave it out")
    config = _builder(asked, local=repository is None).config
    if getattr(config, "field", None) is not None:
        raise InputError(f"{asked.given}: its rows lie in a field of its JSON files; write them one object a line")
    splits = {str(name): [str(file) for file in files] for name, files in (config.data_files or {}).items()}
    wanted = tuple(splits) if every_split and asked.split is None and splits else (asked.split or "train",)
    for split in wanted:
        if split not in splits:
            raise InputError(
                f"--split: {asked.given} has no split {split!r}; it has: {', '.join(splits) or 'no files to read'}"
            )
    return tuple(
        _found(asked, splits[split], repository=repository, config=str(config.name), split=split) for split in wanted
    )


def _builder(asked: DatasetInput, *, local: bool) -> Any:
    import datasets
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    from pipeline.filtering.hub_card import pinned

    # Its cache is of no use here, and would leave lock files in the user's.
    with tempfile.TemporaryDirectory(prefix="iturri-") as scratch:
        try:
            name = str(Path(asked.given).resolve()) if local else asked.given  # a name alone may be that of a format
            revision = None if local else pinned(asked.given.removeprefix(HUB_DATASETS), asked.revision)
            return datasets.load_dataset_builder(name, asked.config, revision=revision, cache_dir=scratch)
        except InputError:
            raise
        except (FileNotFoundError, RepositoryNotFoundError, RevisionNotFoundError) as error:
            if local:
                raise InputError(
                    f"{asked.given}: holds no files of a known kind: {_known_endings(asked.texts)}"
                ) from error
            raise InputError(
                f"{asked.given}: there is no such file or folder here, and the Hub has no such dataset that you may "
                f"read ({_line(error)})"
            ) from error
        except (ValueError, RuntimeError) as error:
            option = "--config: " if "onfig" in str(error) else ""
            raise InputError(f"{option}{asked.given}: {_line(error)}") from error
        except Exception as error:
            if local:
                raise InputError(f"{asked.given}: cannot be read as a dataset: {_line(error)}") from error
            raise DatasetError(f"{asked.given}: {_line(error)}; is the network there? Try again later") from error


def _line(error: BaseException) -> str:
    """The error's text in one line."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
