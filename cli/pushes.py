"""What `iturri build` publishes of a build while it runs and at its end, where the recipe asks for it."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path
from types import TracebackType
from typing import Self

from huggingface_hub import get_token

from pipeline.publishing import Order
from pipeline.publishing_along import PublishingAlong
from publishers.hub_repository import usable_token
from publishers.result import PublicationResult
from schemas.recipe import Publish


def check_token(wish: Publish) -> None:
    """Raises HubAuthError when a build is to be published while it runs and there is no token to do it with."""
    if wish.along:
        usable_token(get_token())


def publish_command(directory: Path) -> str:
    """What publishes the rest of a build, as it is typed."""
    return f"`{shlex.join(['iturri', 'publish', str(directory)])}`"


class Pushes:
    """The pushes of one run, and the last of them. An async context manager; leaving ends what is under way."""

    def __init__(self, wish: Publish, directory: Path, stop: asyncio.Event) -> None:
        order = Order(build=directory.resolve(), repo=wish.repo, private=wish.private)

        async def the_same() -> Order:
            return order

        self.shards: int | None = None
        self.last: PublicationResult | None = None
        self._along = PublishingAlong(wish, the_same, get_token(), stop, self._note)
        self.sealed = self._along.sealed
        self.finish = self._along.finish

    def _note(self, shards: int, result: PublicationResult) -> None:
        self.shards, self.last = shards, result

    async def __aenter__(self) -> Self:
        await self._along.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._along.__aexit__(kind, error, trace)
