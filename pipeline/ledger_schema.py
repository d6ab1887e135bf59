"""The tables of the ledger, and the steps from one version of them to the next."""

from __future__ import annotations

import sqlite3

from schemas.errors import LedgerError

# Step n leads from version n to version n + 1. Steps are only ever added.
STEPS: tuple[str, ...] = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

    -- Sealed files. A shard is planned (its rows are fixed) before it is written, and sealed after.
    CREATE TABLE shards (
        number INTEGER PRIMARY KEY,
        path TEXT NOT NULL UNIQUE,
        config TEXT NOT NULL,
        split TEXT NOT NULL,
        rows INTEGER,
        bytes INTEGER,
        sha256 TEXT
    );

    -- Accepted rows in the order of acceptance. The body leaves once its shard is sealed.
    CREATE TABLE rows (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        draft_index INTEGER NOT NULL UNIQUE,
        config TEXT NOT NULL,
        split TEXT NOT NULL,
        shard INTEGER REFERENCES shards (number),
        signature BLOB NOT NULL,
        body TEXT
    );
    CREATE INDEX rows_of_shard ON rows (shard, seq);
    CREATE INDEX rows_unsealed ON rows (config, split, seq) WHERE shard IS NULL;

    -- Drafts that ended, accepted or dropped; those below meta.low_water are all done and not listed.
    CREATE TABLE done (draft_index INTEGER PRIMARY KEY);

    CREATE TABLE funnel (
        mode TEXT NOT NULL,
        gate TEXT NOT NULL,
        exchange INTEGER NOT NULL,
        reason TEXT NOT NULL,
        drafts INTEGER NOT NULL,
        prompt_tokens INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL,
        PRIMARY KEY (mode, gate, exchange, reason)
    ) WITHOUT ROWID;

    -- A reservoir sample of dropped drafts per reason.
    CREATE TABLE dropped (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        reason TEXT NOT NULL,
        body TEXT NOT NULL
    );
    CREATE INDEX dropped_by_reason ON dropped (reason, seq);
    """,
    """
    -- First turns of accepted rows, where the recipe asks for it. Apart from the rows, which are read without them.
    CREATE TABLE embeddings (seq INTEGER PRIMARY KEY REFERENCES rows (seq), vector BLOB NOT NULL);
    """,
    """
    -- How long turns are, and how many a gate has saved.
    ALTER TABLE funnel ADD COLUMN user_turns INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE funnel ADD COLUMN user_tokens INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE funnel ADD COLUMN replies INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE funnel ADD COLUMN reply_tokens INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE funnel ADD COLUMN user_turns_saved INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE funnel ADD COLUMN replies_saved INTEGER NOT NULL DEFAULT 0;

    -- What drafts have ended that were made from it; numbers below meta's `material_low_water.MODE` are all done.
    CREATE TABLE materials (mode TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (mode, number)) WITHOUT ROWID;

    -- What became of the drafts that used each choice of the steering; what is recent, an adaptive build goes by.
    CREATE TABLE arms (
        mode TEXT NOT NULL,
        factor TEXT NOT NULL,
        arm TEXT NOT NULL,
        drafts INTEGER NOT NULL,
        accepted INTEGER NOT NULL,
        novelty REAL NOT NULL,
        completion_tokens INTEGER NOT NULL,
        recent_drafts REAL NOT NULL,
        recent_novelty REAL NOT NULL,
        recent_tokens REAL NOT NULL,
        PRIMARY KEY (mode, factor, arm)
    ) WITHOUT ROWID;
    """,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables to the newest version, in one transaction. Raises LedgerError for a ledger of the future."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(STEPS):
        raise LedgerError(f"the ledger has version {version}, this Iturri knows {len(STEPS)}; use a newer Iturri")
    if version == len(STEPS):
        return
    steps = "".join(STEPS[version:])
    connection.executescript(f"BEGIN IMMEDIATE; {steps} PRAGMA user_version = {len(STEPS)}; COMMIT;")
