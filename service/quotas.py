"""What a key may use: unfinished jobs, and conversations and tokens a day. Days are of UTC."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Final

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from schemas.job import Kind
from schemas.keys import Caller, Usage
from service.job_rows import UNFINISHED
from service.problems import too_many

_TODAY: Final = "(now() AT TIME ZONE 'UTC')::date"
_ADMISSION_LOCK = 0x69747571
_TRY_AGAIN_S = 60

SPENT: Final = (
    "(jobs.kind = 'build' AND EXISTS (SELECT FROM keys spender JOIN usage spent ON spent.key_id = spender.id"
    f" WHERE spender.id = jobs.key_id AND spent.day = {_TODAY}"
    " AND (spent.tokens >= (spender.limits ->> 'tokens_a_day')::bigint"
    " OR spent.conversations >= (spender.limits ->> 'conversations_a_day')::bigint)))"
)
"""SQL: whether a row of `jobs`, by this name, is a build whose key has used up its day; never so without a key."""


async def add_usage(connection: AsyncConnection[DictRow], key_id: str | None, conversations: int, tokens: int) -> None:
    """Book what was accepted and generated for the key today; nothing is booked without one."""
    if key_id is not None:
        await connection.execute(
            f"INSERT INTO usage (key_id, day, conversations, tokens) VALUES (%s, {_TODAY}, %s, %s)"
            " ON CONFLICT (key_id, day) DO UPDATE SET conversations = usage.conversations + excluded.conversations,"
            " tokens = usage.tokens + excluded.tokens",
            [key_id, conversations, tokens],
        )


async def usage_of(connection: AsyncConnection[DictRow], key_id: str | None) -> Usage:
    """What the key has used; None stands for requests without one, of which only the jobs are counted."""
    cursor = await connection.execute(
        "SELECT (SELECT count(*) FROM jobs WHERE key_id IS NOT DISTINCT FROM %(key)s"
        f"  AND state IN {UNFINISHED}) AS unfinished_jobs,"
        " coalesce(sum(conversations), 0)::bigint AS conversations_today,"
        " coalesce(sum(tokens), 0)::bigint AS tokens_today"
        f" FROM usage WHERE key_id = %(key)s AND day = {_TODAY}",
        {"key": key_id},
    )
    return Usage.model_validate(await cursor.fetchone())


async def check_quota(connection: AsyncConnection[DictRow], caller: Caller, kind: Kind) -> None:
    """Whether the caller may have the unfinished job that this transaction has just made. A publication spends nothing.

    Callers with one key wait here for each other's transactions, so that many requests at once get no more jobs than
    one after another. Raises ProblemError, a 429 that says when to try again.
    """
    if caller.key_id is None:
        return
    if kind == "build":
        await check_day(connection, caller)
    most = caller.limits.unfinished_jobs
    if most is None:
        return
    await connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_ADMISSION_LOCK, caller.key_id])
    if (await usage_of(connection, caller.key_id)).unfinished_jobs > most:
        what = f"the key {caller.name} may have {most:,} unfinished jobs, and has them"
        raise too_many(f"{what}; wait for one, or cancel one", _TRY_AGAIN_S)


async def check_day(connection: AsyncConnection[DictRow], caller: Caller) -> None:
    """Whether anything is left of the caller's day. Raises ProblemError, a 429 that says when the next one begins."""
    if caller.key_id is None:
        return
    limits, usage = caller.limits, await usage_of(connection, caller.key_id)
    day = (
        ("conversations", usage.conversations_today, limits.conversations_a_day),
        ("tokens", usage.tokens_today, limits.tokens_a_day),
    )
    for unit, used, most in day:
        if most is not None and used >= most:
            what = f"the key {caller.name} has used up its {most:,} {unit} of today; the day ends at 00:00 UTC"
            raise too_many(what, _seconds_to_midnight())


def _seconds_to_midnight() -> int:
    now = datetime.now(UTC)
    tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return math.ceil((tomorrow - now).total_seconds())
