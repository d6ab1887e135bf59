"""Reading what a ledger has recorded, and SQLite's errors in our words."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.fingerprint import Fields
from schemas.arms import Arm
from schemas.errors import LedgerError, StorageError
from schemas.funnel import Diversity, FunnelRow
from schemas.manifest import Provenance

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def read_fields(connection: sqlite3.Connection) -> Fields:
    """What the build's fingerprint was made of; empty before its first run has begun."""
    fields: Fields = json.loads(meta(connection, "fields") or "{}")
    return fields


def read_funnel_rows(connection: sqlite3.Connection) -> tuple[FunnelRow, ...]:
    names = FunnelRow.model_fields
    query = f"SELECT {', '.join(names)} FROM funnel ORDER BY mode, exchange, gate, reason"  # noqa: S608 - our own names
    return tuple(FunnelRow(**dict(zip(names, row, strict=True))) for row in connection.execute(query))


def read_arms(connection: sqlite3.Connection) -> tuple[Arm, ...]:
    """As of the last commit."""
    query = f"SELECT {', '.join(Arm.model_fields)} FROM arms"  # noqa: S608 - our own names
    return tuple(Arm(**dict(zip(Arm.model_fields, row, strict=True))) for row in connection.execute(query))


def read_diversity(connection: sqlite3.Connection) -> Diversity | None:
    """As of the last commit; None where duplicates are not looked for."""
    recorded = meta(connection, "diversity")
    return None if recorded is None else Diversity.model_validate_json(recorded)


def read_provenance(connection: sqlite3.Connection) -> Provenance | None:
    """As of the last run; None where that was one of before it was recorded."""
    recorded = meta(connection, "provenance")
    return None if recorded is None else Provenance.model_validate_json(recorded)


def read_spent(connection: sqlite3.Connection) -> tuple[float, int]:
    """(wall seconds of sampling, tokens of drafts that never ended)."""
    seconds, tokens = (meta(connection, key) for key in ("engine_seconds", "unfinished_completion_tokens"))
    return float(seconds or 0), int(float(tokens or 0))


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Errors of SQLite as StorageError or LedgerError."""
    try:
        yield
    except sqlite3.Error as error:
        if "disk is full" in str(error) or "disk I/O error" in str(error):
            raise StorageError(
                f"{path}: {error}; nothing recorded is lost: free some space, then run the build again"
            ) from error
        # Python's own error about text that is none has no code, and quotes all of it.
        if getattr(error, "sqlite_errorcode", None) in _DAMAGED or str(error).startswith("Could not decode"):
            raise LedgerError(f"{path} is damaged; put a copy back, or build in another output.directory") from error
        raise LedgerError(f"{path}: {error}") from error


def meta(connection: sqlite3.Connection, key: str) -> str | None:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])
