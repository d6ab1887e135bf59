"""Servers of one database have to share the builds folder: can this machine see those that live now?"""

from __future__ import annotations

import psycopg
from psycopg.rows import tuple_row

from cli.checks.finding import Finding, ok, problem
from schemas.settings import Settings
from service.servers import LIVING, wrong_servers

_TIMEOUT_S = 5
_SUBJECT = "servers"


def check_servers(settings: Settings) -> list[Finding]:
    """The living servers of ITURRI_DATABASE_URL, and whether their builds folder is this machine's, locks included.

    Nothing without that setting: servers of an embedded database are all of this machine.
    """
    if settings.database_url is None:
        return []
    try:
        with psycopg.connect(settings.database_url.get_secret_value(), connect_timeout=_TIMEOUT_S) as connection:
            living: dict[str, str] = dict(connection.cursor(row_factory=tuple_row).execute(LIVING).fetchall())
    except psycopg.errors.UndefinedTable:
        living = {}
    except (psycopg.Error, UnicodeError, ValueError):
        return []  # the check of the database says why
    if not living:
        return [ok(_SUBJECT, "none runs on that database now; ask again on each host while one does")]
    wrong = wrong_servers(settings.builds, living)
    if wrong:
        return [problem(_SUBJECT, what, "see docs/deploy.md, Several hosts") for what in wrong.values()]
    return [ok(_SUBJECT, f"{len(living)} of that database share {settings.builds.absolute()} with this machine")]
