"""A corpus beside the conversations, as Axolotl reads it: documents that are learnt as plain text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import InputError
from schemas.names import REPO

_FIELD: Final = "text"
_TYPES: Final = {".jsonl": "json", ".parquet": "parquet"}


def completion_corpus(named: str) -> dict[str, Any]:
    """Axolotl's entry for a .jsonl or .parquet file, a folder of such, or a dataset of the Hub, with a field `text`.

    Files are named by their absolute paths, and not copied. Raises InputError for anything else.
    """
    entry = {"type": "completion", "field": _FIELD}
    path = Path(named)
    if path.is_dir():
        files = sorted(file for file in path.resolve().iterdir() if file.suffix in _TYPES)
        kinds = {file.suffix for file in files}
        if len(kinds) != 1:
            raise InputError(f"--corpus: the folder {named} must hold .jsonl files, or .parquet files, and not both")
        for file in files:
            _check(file)
        types = _TYPES[kinds.pop()]
        return {
            "path": str(path.resolve()),
            "ds_type": types,
            "data_files": [str(file) for file in files],
            "split": "train",
            **entry,
        }
    if path.exists():
        if path.suffix not in _TYPES:
            raise InputError(
                f"--corpus: {named} is neither .jsonl nor .parquet; write each document as a line"
                ' {"text": "..."} of a .jsonl file'
            )
        _check(path)
        return {"path": str(path.resolve()), "ds_type": _TYPES[path.suffix], **entry}
    if REPO.fullmatch(named) and path.suffix not in _TYPES:
        return {"path": named, "split": "train", **entry}
    raise InputError(f"--corpus: there is no {named}; give a file, a folder, or a dataset of the Hub, namespace/name")


def _check(path: Path) -> None:
    """That the documents have a field `text`, by the schema or the first line."""
    try:
        found = _parquet_has_text(path) if path.suffix == ".parquet" else _jsonl_has_text(path)
    except (OSError, ValueError) as error:  # pyarrow's errors of a file that it cannot read are of these, too
        raise InputError(f"--corpus: {path} cannot be read: {error}") from error
    if not found:
        raise InputError(f"--corpus: {path} has no field {_FIELD!r} of text; name the documents' field so")


def _parquet_has_text(path: Path) -> bool:
    schema = pq.read_schema(path)
    at = schema.get_field_index(_FIELD)
    return at >= 0 and schema.field(at).type in (pa.string(), pa.large_string())


def _jsonl_has_text(path: Path) -> bool:
    with path.open(encoding="utf-8") as file:
        first = next((line for line in file if line.strip()), "null")
    row = json.loads(first)
    return isinstance(row, dict) and isinstance(row.get(_FIELD), str)
