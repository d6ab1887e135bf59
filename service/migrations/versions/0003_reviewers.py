"""Reviewers have a number in each build, by which publications call them."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE reviewers (
            job_id text REFERENCES jobs (id) ON DELETE CASCADE,
            reviewer text NOT NULL,
            number integer NOT NULL,
            PRIMARY KEY (job_id, reviewer),
            UNIQUE (job_id, number)
        )
        """
    )
