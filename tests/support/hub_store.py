"""What the tests' Hub holds: repositories, their commits and files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

GITATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"


@dataclass
class Commit:
    """One commit: its message, and every file of the repository after it."""

    message: str
    files: dict[str, bytes]

    @property
    def oid(self) -> str:
        content = self.message + "".join(f"{path}\0{git_oid(data)}\n" for path, data in sorted(self.files.items()))
        return hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest()


@dataclass
class Repository:
    """A dataset repository. `commits[0]` is the one that its creation makes."""

    private: bool
    commits: list[Commit] = field(default_factory=lambda: [Commit("initial commit", {".gitattributes": GITATTRIBUTES})])
    lfs: dict[str, bytes] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[-1].files


def git_oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


def in_lfs(path: str) -> bool:
    return path.endswith(".parquet")


def file_entry(path: str, data: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(data), "oid": git_oid(data)}
    if in_lfs(path):
        entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
    return entry


def folder_entry(path: str) -> dict[str, Any]:
    return {"type": "directory", "path": path, "size": 0, "oid": git_oid(path.encode())}


def entries(files: dict[str, bytes], under: str, recursive: bool) -> list[dict[str, Any]]:
    """The listing of a folder: files and folders, by path."""
    prefix = f"{under}/" if under else ""
    found: dict[str, dict[str, Any]] = {}
    for path, data in files.items():
        if not path.startswith(prefix):
            continue
        parts = path.removeprefix(prefix).split("/")
        for depth in range(1, len(parts) + 1):
            if depth > 1 and not recursive:
                break
            name = prefix + "/".join(parts[:depth])
            found[name] = file_entry(path, data) if depth == len(parts) else folder_entry(name)
    return [found[name] for name in sorted(found)]
