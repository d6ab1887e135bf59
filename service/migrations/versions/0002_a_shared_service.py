"""Keys and what they use, events, pauses, priorities, reviews, servers."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

_UP = """
CREATE TABLE keys (
    id text PRIMARY KEY,
    name text NOT NULL,
    digest bytea NOT NULL,
    scopes text[] NOT NULL,
    namespaces text[] NOT NULL DEFAULT '{}',
    limits json NOT NULL DEFAULT '{}',
    created timestamptz NOT NULL DEFAULT now(),
    expires timestamptz,
    revoked timestamptz,
    last_used timestamptz
);
COMMENT ON COLUMN keys.digest IS 'SHA-256 of the whole key; its secret has 256 bits, so nothing slower is needed';
CREATE UNIQUE INDEX keys_by_name ON keys (name) WHERE revoked IS NULL;

CREATE TABLE usage (
    key_id text REFERENCES keys (id),
    day date NOT NULL,
    conversations bigint NOT NULL DEFAULT 0,
    tokens bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (key_id, day)
);

ALTER TABLE jobs
    DROP CONSTRAINT jobs_state_check,
    ADD CONSTRAINT jobs_state_check CHECK (state IN
        ('queued', 'running', 'pausing', 'paused', 'cancelling', 'cancelled', 'succeeded', 'failed')),
    DROP CONSTRAINT jobs_build_id_fkey,
    ADD COLUMN started timestamptz,
    ADD COLUMN finished timestamptz,
    ADD COLUMN priority integer NOT NULL DEFAULT 0,
    ADD COLUMN name text,
    ADD COLUMN language text,
    ADD COLUMN key_id text REFERENCES keys (id),
    ADD COLUMN key text NOT NULL DEFAULT 'local',
    ADD COLUMN progress json,
    ADD COLUMN funnel json,
    ADD COLUMN events integer NOT NULL DEFAULT 0,
    ADD COLUMN idempotency_key text,
    ADD COLUMN request_digest text,
    ADD COLUMN turn timestamptz,
    ADD COLUMN setbacks integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN jobs.queue_id IS 'the entry of the queue that runs this job; any other is out of date';
COMMENT ON COLUMN jobs.runner IS 'the application_name of the server that runs it';
COMMENT ON COLUMN jobs.key IS 'the name of the key, or `local`';
COMMENT ON COLUMN jobs.turn IS 'when a worker last took it up';
COMMENT ON COLUMN jobs.setbacks IS 'runs one after another that have died and got nowhere';
COMMENT ON COLUMN jobs.events IS 'the number of its newest event';
UPDATE jobs SET name = build.recipe ->> 'name', language = build.recipe ->> 'language'
    FROM jobs build WHERE build.id = coalesce(jobs.build_id, jobs.id);
ALTER TABLE jobs ALTER COLUMN name SET NOT NULL, ALTER COLUMN language SET NOT NULL;
UPDATE jobs SET started = created WHERE attempts > 0;
UPDATE jobs SET finished = updated WHERE state IN ('cancelled', 'succeeded', 'failed');
-- An entry is bound to a job only while it runs it.
UPDATE jobs SET queue_id = NULL WHERE state = 'queued';
DROP INDEX jobs_unfinished;
CREATE INDEX jobs_unfinished ON jobs (kind, state) WHERE state IN ('queued', 'running', 'pausing', 'cancelling');
CREATE INDEX jobs_of_a_key ON jobs (key_id, kind, started);
CREATE UNIQUE INDEX jobs_idempotency ON jobs (coalesce(key_id, ''), idempotency_key);

CREATE TABLE job_events (
    job_id text REFERENCES jobs (id) ON DELETE CASCADE,
    number integer NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL CHECK (kind IN ('state', 'progress')),
    state text NOT NULL,
    progress json,
    error text,
    PRIMARY KEY (job_id, number)
);

CREATE TABLE reviews (
    job_id text REFERENCES jobs (id) ON DELETE CASCADE,
    row_id text NOT NULL,
    reviewer text NOT NULL,
    language text CHECK (language IN ('good', 'bad')),
    content text CHECK (content IN ('good', 'bad')),
    note text,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job_id, row_id, reviewer)
);

CREATE TABLE servers (
    name text PRIMARY KEY,
    host text NOT NULL,
    started timestamptz NOT NULL DEFAULT now(),
    seen timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE backbone_speeds (
    backbone text PRIMARY KEY,
    tokens_per_second double precision NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
"""


def upgrade() -> None:
    op.execute(_UP)
