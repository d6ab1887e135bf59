"""What the tests' Hub holds: repositories, their branches, commits and files."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

LFS_SUFFIXES = (".parquet", ".safetensors")
GITATTRIBUTES = b"".join(b"*%b filter=lfs diff=lfs merge=lfs -text\n" % suffix.encode() for suffix in LFS_SUFFIXES)
MAIN = "main"

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class LfsObject:
    """Content on disk, in a file that is named by its sha256."""

    sha256: str
    size: int
    path: Path


File = LfsObject | bytes
"""A file's content: an object of LFS, or what is small enough for memory. Tests may put bytes under any path."""


@dataclass
class Commit:
    """One commit: its message, every file of the repository after it, and the paths that its request added."""

    message: str
    files: dict[str, File]
    added: frozenset[str] = frozenset()
    oid: str = field(init=False)

    def __post_init__(self) -> None:
        # A number, where git has the parent and the time: the same files twice are two commits.
        text = f"{self.message}\0{next(_numbers)}"
        self.oid = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


@dataclass
class Repository:
    """A repository. The first commit is the one that its creation makes.

    `gated` repositories give their files to the tokens in `granted` alone. `ignored` are paths that a .gitignore names.
    """

    private: bool
    kind: Literal["dataset", "model"] = "dataset"
    ignored: tuple[str, ...] = ()
    gated: Literal["auto", "manual", False] = False
    granted: set[str] = field(default_factory=set)
    disabled: bool = False
    branches: dict[str, list[Commit]] = field(
        default_factory=lambda: {MAIN: [Commit("initial commit", {".gitattributes": GITATTRIBUTES})]}
    )
    removed: list[Commit] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    lfs: dict[str, LfsObject] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """Of its address, before its name: models have none."""
        return "datasets/" if self.kind == "dataset" else ""

    @property
    def commits(self) -> list[Commit]:
        """Those of the main branch, the newest last."""
        return self.branches[MAIN]

    @property
    def files(self) -> dict[str, File]:
        return self.commits[-1].files

    def rename_branch(self, name: str, other: str) -> None:
        self.branches[other] = self.branches.pop(name)

    def remove_branch(self, name: str) -> None:
        """Its commits stay reachable by their ids and tags, as on the Hub until it collects them."""
        self.removed += self.branches.pop(name)

    def find(self, revision: str) -> Commit | None:
        """The commit that a branch, a tag or an id names."""
        if revision in self.branches:
            return self.branches[revision][-1]
        oid = self.tags.get(revision, revision)
        commits = itertools.chain(*self.branches.values(), self.removed)
        return next((commit for commit in commits if commit.oid == oid), None)


def in_lfs(path: str) -> bool:
    return path.endswith(LFS_SUFFIXES)


def size_of(file: File) -> int:
    return file.size if isinstance(file, LfsObject) else len(file)


def sha256_of(file: File) -> str:
    return file.sha256 if isinstance(file, LfsObject) else hashlib.sha256(file).hexdigest()


def content_of(file: File) -> bytes:
    return file.path.read_bytes() if isinstance(file, LfsObject) else file


def git_oid(path: str, file: File) -> str:
    """The id of what git holds under the path: the content, or the pointer to an object of LFS."""
    if in_lfs(path):
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256_of(file)}\nsize {size_of(file)}\n"
        content = pointer.encode()
    else:
        content = content_of(file)
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


def etag(path: str, file: File) -> str:
    """What tells the content: the sha256 of an object of LFS, else git's id."""
    return sha256_of(file) if in_lfs(path) else git_oid(path, file)
