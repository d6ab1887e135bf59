"""Answers that are kept: the same for the same version, never one of another."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import BaseModel

from schemas.errors import ServiceError
from service import answers
from service.answers import Answers


class Found(BaseModel):
    text: str


class Source:
    """Counts how often it is asked; waits for `go`."""

    def __init__(self) -> None:
        self.asked = 0
        self.go = asyncio.Event()
        self.text = "one"

    async def make(self) -> Found:
        self.asked += 1
        await self.go.wait()
        if self.text == "broken":
            raise ServiceError("broken")
        return Found(text=self.text)


async def test_what_many_ask_for_is_made_once_and_anew_with_each_version() -> None:
    kept, source = Answers(), Source()
    asking = [asyncio.create_task(kept.of("job", 1, source.make)) for _ in range(50)]
    await asyncio.sleep(0)
    source.go.set()
    assert {bytes(answer.body) for answer in await asyncio.gather(*asking)} == {b'{"text":"one"}'}
    assert (await kept.of("job", 1, source.make)).media_type == "application/json"
    assert source.asked == 1
    source.text = "two"
    for version in (2, 2, 1):
        assert bytes((await kept.of("job", version, source.make)).body) == b'{"text":"two"}'
    assert source.asked == 3


async def test_an_error_is_told_to_all_and_not_kept() -> None:
    kept, source = Answers(), Source()
    source.text = "broken"
    asking = [asyncio.create_task(kept.of("job", 1, source.make)) for _ in range(3)]
    await asyncio.sleep(0)
    source.go.set()
    assert all(isinstance(error, ServiceError) for error in await asyncio.gather(*asking, return_exceptions=True))
    source.text = "mended"
    assert bytes((await kept.of("job", 1, source.make)).body) == b'{"text":"mended"}'


async def test_who_goes_away_takes_the_answer_from_nobody() -> None:
    kept, source = Answers(), Source()
    first, second = (asyncio.create_task(kept.of("job", 1, source.make)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    source.go.set()
    assert bytes((await second).body) == b'{"text":"one"}' and source.asked == 1


async def test_no_more_is_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_KEPT_BYTES", 2 * (answers._ENTRY_BYTES + 20))
    kept, source = Answers(), Source()
    source.go.set()
    for what in ("a", "b", "a", "c", "a", "b"):
        await kept.of(what, 1, source.make)
    assert source.asked == 4  # `b` was the one least asked for when `c` came, `a` was kept throughout
    source.text = "long " * 1000
    for _ in range(2):
        await kept.of("long", 1, source.make)
    assert source.asked == 6 and not kept._kept and not kept._kept_bytes
