"""Jobs, and Procrastinate's queue."""

from __future__ import annotations

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0001"
down_revision = None

# Databases of before there were revisions have this table, and the queue.
_JOBS = """
CREATE TABLE IF NOT EXISTS jobs (
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    id text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('build', 'publication')),
    state text NOT NULL
        CHECK (state IN ('queued', 'running', 'cancelling', 'cancelled', 'succeeded', 'failed')),
    created timestamptz NOT NULL DEFAULT now(),
    updated timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    recipe json,
    build_id text REFERENCES jobs (id),
    publication json,
    result json,
    error text,
    queue_id bigint,
    runner text
);
CREATE INDEX IF NOT EXISTS jobs_unfinished ON jobs (queue_id) WHERE state IN ('queued', 'running', 'cancelling');
"""


def upgrade() -> None:
    bind = op.get_bind()
    if bind.exec_driver_sql("SELECT to_regclass('procrastinate_jobs')").scalar() is None:
        # Not `op.execute`: the script has colons and percent signs that are no parameters.
        cursor = bind.connection.cursor()
        cursor.execute(SchemaManager.get_schema())
        cursor.close()
    op.execute(_JOBS)
