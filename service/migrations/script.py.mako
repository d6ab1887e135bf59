"""${message}."""

from __future__ import annotations

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}

_UP = """
"""


def upgrade() -> None:
    op.execute(_UP)
