"""Small files that appear whole or not at all, and folders that others may read."""

from __future__ import annotations

import os
from pathlib import Path

from schemas.errors import StorageError


def write_whole(path: Path, content: bytes) -> None:
    """Write under a hidden name in the same folder, then rename: what stood there stays until all of it is on disk.

    Missing folders are made. A writer that is killed leaves the hidden file, which the next one overwrites. Raises
    StorageError when the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        what = error.strerror or error
        raise StorageError(f"{path} cannot be written: {what}; free some space or choose another folder") from error


def open_to_readers(folder: Path) -> None:
    """Safetensors makes its files for the user alone; they become as open as what was written beside them."""
    mode = (folder / "tokenizer_config.json").stat().st_mode
    for path in folder.glob("*.safetensors"):
        path.chmod(mode)
