"""What stands in for a revision where a model is a folder: a digest of what is in it."""

from __future__ import annotations

import hashlib
from pathlib import Path

_SUFFIXES = frozenset({".json", ".jinja", ".model", ".txt", ".safetensors", ".bin", ".gguf"})
# Hashing all the weights of a large model takes minutes; their ends and sizes tell one from another.
_WHOLE = 64 * 1024 * 1024
_END = 1024 * 1024


def folder_revision(folder: Path) -> str:
    """`sha256:` and 16 hex digits over names, sizes and contents of the model's files.

    Of files above 64 MiB the first and the last MiB count. Raises OSError.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.is_file()):
        size = path.stat().st_size
        digest.update(f"{path.name}\0{size}\0".encode())
        with path.open("rb") as file:
            if size <= _WHOLE:
                digest.update(file.read())
            else:
                digest.update(file.read(_END))
                file.seek(-_END, 2)
                digest.update(file.read(_END))
    return f"sha256:{digest.hexdigest()[:16]}"
