"""Which files a source of training data consists of: on this machine, or at one commit of a dataset on the Hub."""

from __future__ import annotations

import glob
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import ValidationError

from schemas.errors import DatasetError, InputError, IturriError
from schemas.manifest import Manifest
from schemas.names import REPO

Kind = Literal["parquet", "jsonl", "text"]

CODECS = {".gz": "gzip", ".zst": "zstd"}
_KINDS: dict[Kind, tuple[str, ...]] = {
    "parquet": (".parquet", ".pq"),
    "jsonl": (".jsonl", ".ndjson", ".json"),
    "text": (".txt",),
}
_HUB = "hf://datasets/"
_MANIFEST = "manifest.json"


def kind_of(name: str) -> Kind | None:
    """What a file of this name holds."""
    name = name.lower()
    plain = name.removesuffix(Path(name).suffix) if Path(name).suffix in CODECS else name
    kind = next((kind for kind, endings in _KINDS.items() if plain.endswith(endings)), None)
    return None if kind == "parquet" and plain != name else kind


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file. `name` is what errors say; `field` the recipe's place that names its source."""

    name: str
    field: str
    path: Path
    """Where it lies, or in its repository."""
    repository: str | None = None
    commit: str | None = None

    @property
    def kind(self) -> Kind:
        """Raises InputError for a name of no known kind."""
        if (kind := kind_of(self.name)) is None:
            known = ", ".join(ending for endings in _KINDS.values() for ending in endings)
            raise InputError(
                f"{self.field}.source: {self.name} is neither Parquet, JSONL nor plain text by its name; known "
                f"endings: {known} (all but Parquet also with {' or '.join(CODECS)})"
            )
        return kind

    @property
    def codec(self) -> str | None:
        """How it is compressed, in the words of Arrow."""
        return CODECS.get(Path(self.name).suffix.lower())

    def here(self) -> Path:
        """Where it lies on this machine; what is on the Hub comes into its cache. Raises InputError, DatasetError."""
        if self.repository is None:
            return self.path
        from huggingface_hub import hf_hub_download

        with hub(self.repository, self.field):
            return Path(hf_hub_download(self.repository, self.name, repo_type="dataset", revision=self.commit))


@dataclass(frozen=True)
class Place:
    """Where a source lies: files or a folder of this machine, or a repository of the Hub at a commit."""

    name: str
    """What reports and cards call it: its repository, of what lies on a machine only the last part of its path."""
    field: str
    folder: Path | None = None
    files: tuple[DataFile, ...] = ()
    repository: str | None = None
    revision: str | None = None

    @cached_property
    def manifest(self) -> Manifest | None:
        """That of a build or a publication; None where there is none of ours. Raises InputError, DatasetError."""
        if self.files:
            return None
        try:
            content = self.file(_MANIFEST).here().read_bytes()
        except (FileNotFoundError, _MissingError):
            return None
        except OSError as error:
            raise InputError(f"{self.field}.source: {_MANIFEST} of {self.name}: {error.strerror or error}") from error
        try:
            return Manifest.model_validate_json(content)
        except ValidationError:
            # Another program's manifest, or that of a newer version, whose card says as much.
            pass
        try:
            json.loads(content)
        except ValueError as error:
            raise InputError(f"{self.field}.source: {_MANIFEST} of {self.name} is damaged; restore it") from error
        return None

    def file(self, path: str) -> DataFile:
        """The file at a path that is relative to the folder, or to the root of the repository."""
        where = PurePosixPath(path)
        if where.is_absolute() or ".." in where.parts or "\0" in path:
            raise InputError(f"{self.field}.source: {self.name} names a file that is not its own, {path!r}")
        if self.folder is not None:
            return DataFile(path, self.field, path=self.folder / where)
        return DataFile(path, self.field, Path(path), self.repository, self.revision)

    @cached_property
    def configs(self) -> tuple[str, ...]:
        """As `datasets` finds them. Raises InputError, DatasetError."""
        import datasets

        with self._found():
            return tuple(datasets.get_dataset_config_names(self._place, revision=self.revision))

    @cached_property
    def default_config(self) -> str | None:
        import datasets

        with self._found():
            return datasets.get_dataset_default_config_name(self._place, revision=self.revision)

    def splits(self, config: str) -> dict[str, tuple[DataFile, ...]]:
        """The files of each split of a config, as `datasets` finds them. Raises InputError, DatasetError."""
        import datasets

        # Its cache is of no use here, and would leave lock files in the user's.
        with self._found(), tempfile.TemporaryDirectory(prefix="iturri-") as scratch:
            about = datasets.load_dataset_builder(self._place, config, revision=self.revision, cache_dir=scratch).config
        if getattr(about, "field", None) is not None:
            raise InputError(f"{self.field}.source: the rows of {self.name} lie in a field; write them one a line")
        found = about.data_files or {}
        return {str(split): tuple(self._own(str(place)) for place in places) for split, places in found.items()}

    @property
    def _place(self) -> str:
        """For `datasets`, which takes a bare name for that of a format."""
        return self.repository or str(self.folder)

    def _own(self, place: str) -> DataFile:
        """One of its files. Cards may name others, of any machine and address; these are not read."""
        root = f"{self.folder}/" if self.folder is not None else f"{_HUB}{self.repository}@{self.revision}/"
        if not place.startswith(root):
            raise InputError(f"{self.field}.source: the card of {self.name} names a file that is not its own, {place}")
        return self.file(place.removeprefix(root))

    @contextmanager
    def _found(self) -> Iterator[None]:
        if self.repository is not None:
            with hub(self.repository, self.field):
                yield
            return
        try:
            yield
        except IturriError:
            raise
        except Exception as error:
            raise InputError(
                f"{self.field}.source: {self.folder} cannot be read as a dataset: {line(error)}"
            ) from error


class _MissingError(DatasetError):
    """A repository without such a file."""


def find(source: str, revision: str | None, field: str) -> Place:
    """A file, a glob or a folder of this machine, else a dataset on the Hub. Raises InputError, DatasetError."""
    path = Path(source)
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:  # a name that is too long, a folder that is closed to us
        raise InputError(f"{field}.source: {source}: {error.strerror or error}") from error
    paths = [path] if is_file else []
    if not is_folder and not is_file and glob.has_magic(source):
        names = sorted(glob.glob(source, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        paths = [Path(name) for name in names if Path(name).is_file()]
        if not paths:
            raise InputError(f"{field}.source: no file has a name like {source}")
    if is_folder or paths:
        if revision is not None:
            raise InputError(f"{field}.revision: {source} lies on this machine and has none; leave it out")
        if is_folder:
            return Place(path.resolve().name, field, folder=path.resolve())
        return Place(path.name, field, files=tuple(DataFile(one.name, field, path=one) for one in paths))
    repository = source.removeprefix(_HUB)
    if not REPO.fullmatch(repository) or kind_of(repository) is not None:
        raise InputError(
            f"{field}.source: there is no file or folder {source}, and a dataset on the Hub is named namespace/name"
        )
    from huggingface_hub import HfApi

    with hub(repository, field, revision):
        commit = HfApi().resolve_revision(repository, repo_type="dataset", revision=revision).resolved
    return Place(repository, field, repository=repository, revision=commit)


@contextmanager
def hub(repository: str, field: str, revision: str | None = None) -> Iterator[None]:
    """What the Hub's client raises, in one line. Raises InputError for what the user can mend, else DatasetError."""
    try:
        yield
    except IturriError:
        raise
    except Exception as error:
        raise _told(error, repository, field, revision) from error


def _told(error: Exception, repository: str, field: str, revision: str | None) -> IturriError:
    import httpx2
    from huggingface_hub import constants, errors

    links = _chain(error)

    def has(*kinds: type[Exception]) -> bool:
        return any(isinstance(link, kinds) for link in links)

    if has(errors.GatedRepoError):
        return InputError(
            f"{field}.source: {repository} is gated, and you have no access; ask for it on its page, and set HF_TOKEN"
        )
    if has(errors.RevisionNotFoundError):
        return InputError(f"{field}.revision: {repository} has no branch, tag or commit {revision!r}")
    if has(errors.RepositoryNotFoundError):
        return InputError(
            f"{field}.source: there is no folder {repository} here, and the Hub has no dataset of that name that you "
            "may read; mend the name, or set HF_TOKEN"
        )
    if has(errors.RemoteEntryNotFoundError):
        return _MissingError(f"{field}.source: {repository} lacks a file that it names ({line(error)})")
    if isinstance(error, FileNotFoundError | ValueError | RuntimeError) and not has(
        errors.HfHubHTTPError, errors.LocalEntryNotFoundError
    ):
        return InputError(f"{field}.source: {repository} cannot be read as a dataset: {line(error)}")
    cure = "unset HF_HUB_OFFLINE, or name a folder" if constants.HF_HUB_OFFLINE else "mend the name, or try again later"
    unreached = next((link for link in links if isinstance(link, httpx2.TransportError)), None)
    the_hub = (
        f"the Hub cannot be reached ({line(unreached)})" if unreached else f"the Hub does not give it ({line(error)})"
    )
    return DatasetError(f"{field}.source: there is no folder {repository} here, and {the_hub}; {cure}")


def line(error: BaseException) -> str:
    """The error's text in one line."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what caused it, for the client wraps some of its own."""
    links = [error]
    while (cause := links[-1].__cause__ or links[-1].__context__) is not None and cause not in links:
        links.append(cause)
    return links
