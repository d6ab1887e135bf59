"""Looks that are shared: one at a time, and never one that began before it was asked for."""

from __future__ import annotations

import asyncio

import pytest

from schemas.errors import ServiceError
from service.sharing import Shared


class Book:
    """Counts what is looked up in it; each look waits for `go`."""

    def __init__(self) -> None:
        self.looks = 0
        self.at_once = 0
        self.go = asyncio.Semaphore(0)

    async def look(self) -> int:
        self.looks += 1
        self.at_once += 1
        assert self.at_once == 1
        await self.go.acquire()
        self.at_once -= 1
        return self.looks


async def test_who_asks_during_a_look_gets_the_next_one() -> None:
    shared, book = Shared(), Book()

    async def asked(many: int) -> list[asyncio.Task[int]]:
        asking = [asyncio.create_task(shared.of("job", book.look)) for _ in range(many)]
        for _ in range(5):
            await asyncio.sleep(0)
        return asking

    first, second = await asked(1), await asked(20)
    third = await asked(20)
    for _ in range(2):
        book.go.release()
    assert await asyncio.gather(*first, *second, *third) == [1] + [2] * 40
    book.go.release()
    assert await shared.of("job", book.look) == 3
    assert not shared._next and not len(shared._turns)


async def test_what_differs_is_not_waited_for() -> None:
    shared, slow, quick = Shared(), Book(), Book()
    waiting = asyncio.create_task(shared.of("slow", slow.look))
    await asyncio.sleep(0)
    quick.go.release()
    assert await shared.of("quick", quick.look) == 1
    slow.go.release()
    assert await waiting == 1


async def test_an_error_is_told_to_all_who_asked_and_to_nobody_else() -> None:
    shared, tries = Shared(), iter([ServiceError("away"), None])

    async def look() -> str:
        if (error := next(tries)) is not None:
            raise error
        return "back"

    told = await asyncio.gather(*(shared.of("job", look) for _ in range(3)), return_exceptions=True)
    assert [str(one) for one in told] == ["away"] * 3
    assert await shared.of("job", look) == "back"


async def test_who_goes_away_takes_the_look_from_nobody() -> None:
    shared, book = Shared(), Book()
    first, second = (asyncio.create_task(shared.of("job", book.look)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    book.go.release()
    assert await second == 1
