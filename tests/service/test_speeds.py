"""How fast backbones are, as a mean in which what is recent weighs most."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from service.database import Pool, open_pool, prepare
from service.speeds import Speeds


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    await prepare(database)
    async with open_pool(database, "iturri-test") as pool:
        yield pool


async def measured(pool: Pool, backbone: str, seconds_ago: float) -> None:
    async with pool.connection() as connection:
        await connection.execute(
            "UPDATE backbone_speeds SET at = now() - make_interval(secs => %s) WHERE backbone = %s",
            [seconds_ago, backbone],
        )


async def test_the_first_measurement_is_the_mean(pool: Pool) -> None:
    speeds = Speeds(pool)
    assert await speeds.all() == {}
    await speeds.note("one", 100)
    await speeds.note("other", 7)
    await speeds.note("one", 0)
    assert await speeds.all() == {"one": 100, "other": 7}


async def test_what_is_old_fades(pool: Pool) -> None:
    speeds = Speeds(pool)
    await speeds.note("one", 100)
    await measured(pool, "one", 600)
    await speeds.note("one", 200)
    assert (await speeds.all())["one"] == pytest.approx(200 - 100 / 2.71828, rel=1e-3)
    await measured(pool, "one", 24 * 3600)
    await speeds.note("one", 50)
    assert (await speeds.all())["one"] == pytest.approx(50, rel=1e-6)


async def test_many_measurements_at_once_do_not_outweigh_what_was_before(pool: Pool) -> None:
    speeds = Speeds(pool)
    await speeds.note("one", 100)
    for _ in range(20):
        await speeds.note("one", 10_000)
    assert (await speeds.all())["one"] < 1_000
