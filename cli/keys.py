"""`iturri keys`: on the database of this machine's settings, whether or not a server runs."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta
from typing import TypeVar

from rich.table import Table

from cli import consoles
from cli.failures import say
from cli.machine import machine_settings
from cli.surroundings import log_to_stderr
from schemas.errors import InputError
from schemas.keys import Key, Limits, Scope
from service.keys import CACHE_S, KeyStore
from service.opening import opened_keys

Result = TypeVar("Result")

_DAYS = re.compile(r"([1-9][0-9]{0,4})d")


def create(name: str, scopes: str, namespaces: str, limits: Limits, expires: str | None, *, as_json: bool) -> int:
    """Make a key; the key alone, or JSON, on stdout. Raises InputError that names the option."""
    asked = _scopes(scopes)
    end = None if expires is None else _end(expires, datetime.now(UTC))

    async def make(keys: KeyStore) -> tuple[bool, Key, str]:
        first = not await keys.any_made()
        return first, *await keys.create(name, asked, _parts(namespaces), limits, end)

    first, key, given = _with_keys(make)
    if as_json:
        sys.stdout.write(json.dumps({"key": key.model_dump(mode="json"), "secret": given}) + "\n")
        return 0
    sys.stdout.write(f"{given}\n")
    say(f"this is the key {key.name}, with {', '.join(key.scopes)}; keep it now, it is not shown again")
    if first:
        say("a server of this database asks for a key from now on; jobs of before are changed with the scope admin")
    return 0


def show_all(*, as_json: bool) -> int:
    """All keys, oldest first."""
    keys = _with_keys(lambda store: store.all())
    if as_json:
        sys.stdout.write(json.dumps({"keys": [key.model_dump(mode="json") for key in keys]}) + "\n")
    elif keys:
        consoles.out().print(key_table(keys, datetime.now(UTC)))
    else:
        say("there are no keys; `iturri keys create NAME --scopes submit,read` makes one")
    return 0


def revoke(name: str, *, as_json: bool) -> int:
    """Revoke the key of that name. Raises InputError when there is none."""
    key = _with_keys(lambda keys: keys.revoke(name))
    if key is None:
        raise InputError(f"there is no key {name!r} to revoke; `iturri keys list` shows them")
    if as_json:
        sys.stdout.write(f"{key.model_dump_json()}\n")
    else:
        sys.stdout.write(f"{key.name} is revoked; servers that run refuse it within {CACHE_S:.0f} seconds\n")
    return 0


def key_table(keys: list[Key], now: datetime) -> Table:
    """One row per key. Times are of UTC."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("name", "id", "scopes", "namespaces", "limits"):
        table.add_column(heading, overflow="fold")
    for heading in ("created", "last used", "state"):
        table.add_column(heading, no_wrap=True)
    for key in keys:
        table.add_row(
            key.name,
            key.id,
            ", ".join(key.scopes),
            ", ".join(key.namespaces) or "-",
            ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in key.limits if value) or "-",
            _moment(key.created),
            "never" if key.last_used is None else _moment(key.last_used),
            _state(key, now),
        )
    return table


def _state(key: Key, now: datetime) -> str:
    if key.revoked is not None:
        return f"revoked {_moment(key.revoked)}"
    if key.expires is None:
        return "good"
    return f"{'expired' if key.expires <= now else 'good until'} {_moment(key.expires)}"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def _with_keys(ask: Callable[[KeyStore], Awaitable[Result]]) -> Result:
    settings = machine_settings()
    log_to_stderr(settings)

    async def asked() -> Result:
        async with opened_keys(settings) as keys:
            return await ask(keys)

    return asyncio.run(asked())


def _parts(given: str) -> list[str]:
    return [part.strip() for part in given.split(",") if part.strip()]


def _scopes(given: str) -> list[Scope]:
    known = [scope.value for scope in Scope]
    for part in _parts(given):
        if part not in known:
            raise InputError(f"--scopes: {part!r} is none; there are: {', '.join(known)}")
    if not _parts(given):
        raise InputError(f"--scopes: a key without any opens nothing; there are: {', '.join(known)}")
    return [Scope(part) for part in _parts(given)]


def _end(given: str, now: datetime) -> datetime:
    """When a key expires: so many days from now, or at the end of the day of a date, in UTC."""
    if days := _DAYS.fullmatch(given):
        return now + timedelta(days=int(days[1]))
    try:
        day = datetime.strptime(given, "%Y-%m-%d").replace(tzinfo=UTC)
        return datetime.combine(day + timedelta(days=1), time(0), UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"--expires: {given!r} is neither a number of days, such as 90d, nor a date, such as 2027-01-31"
        ) from error
