"""Answers that are rendered once for all who ask, and never tell what is out of date."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Final

from fastapi import Response
from pydantic import BaseModel

from service.sharing import heard

_KEPT_BYTES: Final = 32 << 20
_ENTRY_BYTES: Final = 1 << 10  # about what is kept beside a body


class Answers:
    """Rendered answers, each kept while the version of what it tells of is the same; the least asked for go first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[Hashable, bytes]] = OrderedDict()
        self._kept_bytes = 0
        self._coming: dict[tuple[Hashable, Hashable], asyncio.Task[bytes]] = {}

    async def of(self, what: Hashable, version: Hashable, make: Callable[[], Awaitable[BaseModel]]) -> Response:
        """The answer to `what`, as JSON. What `make` raises is raised to all who wait for it, and not kept."""
        kept = self._kept.get(what)
        if kept is not None and kept[0] == version:
            self._kept.move_to_end(what)
            return _json(kept[1])
        coming = self._coming.get((what, version))
        if coming is None:
            coming = asyncio.create_task(self._make(what, version, make), name=f"answer to {what}")
            coming.add_done_callback(heard)
            self._coming[what, version] = coming
        return _json(await asyncio.shield(coming))

    async def _make(self, what: Hashable, version: Hashable, make: Callable[[], Awaitable[BaseModel]]) -> bytes:
        try:
            body = (await make()).model_dump_json().encode()
        finally:
            self._coming.pop((what, version), None)
        self._forget(what)
        self._kept[what] = version, body
        self._kept_bytes += _ENTRY_BYTES + len(body)
        while self._kept_bytes > _KEPT_BYTES:
            self._forget(next(iter(self._kept)))
        return body

    def _forget(self, what: Hashable) -> None:
        if what in self._kept:
            self._kept_bytes -= _ENTRY_BYTES + len(self._kept.pop(what)[1])


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
