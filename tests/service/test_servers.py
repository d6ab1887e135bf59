"""Servers of one database find out whether they have the same builds folder."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cli.checks.finding import Level
from cli.checks.servers import check_servers
from schemas.errors import SettingsError
from schemas.settings import Settings
from service import servers, storage
from service.database import open_pool, prepare
from service.servers import LIVING, Servers
from tests.support.service_servers import LIMIT_S


@pytest.fixture
async def address(database: str) -> str:
    await prepare(database)
    return database


@asynccontextmanager
async def server(address: str, builds: Path, name: str) -> AsyncIterator[Servers]:
    """A server that is one of them."""
    async with open_pool(address, name) as pool:
        one = Servers(pool, builds, name)
        async with one.registered():
            yield one


async def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def rows(address: str, query: str = "SELECT name FROM servers ORDER BY name") -> list[Any]:
    with psycopg.connect(address) as connection:
        return [row[0] for row in connection.execute(query)]


def doctor(address: str, builds: Path) -> list[tuple[Level, str]]:
    found = check_servers(Settings(database_url=address, builds=builds))
    return [(finding.level, finding.text) for finding in found]


async def test_servers_that_share_a_folder_see_each_other(address: str, tmp_path: Path) -> None:
    builds = tmp_path / "builds"
    async with server(address, builds, "one") as one, server(address, builds, "two") as two:
        assert await one.unseen_servers() == await two.unseen_servers() == {}
        assert one.problems == two.problems == {}
        assert rows(address) == ["one", "two"]
        ((level, text),) = await asyncio.to_thread(doctor, address, builds)
        assert level is Level.OK and text.startswith("2 of that database share")
        await until(lambda: one.free_bytes is not None)
    assert rows(address) == []
    assert list((builds / ".servers").iterdir()) == []
    ((level, text),) = await asyncio.to_thread(doctor, address, builds)
    assert level is Level.OK and text.startswith("none runs")


async def test_a_server_with_another_folder_does_not_start(address: str, tmp_path: Path) -> None:
    async with server(address, tmp_path / "shared", "one") as one:
        with pytest.raises(SettingsError, match=r"ITURRI_BUILDS: .*own is not the builds folder of the server one on"):
            async with server(address, tmp_path / "own", "two"):
                raise AssertionError("it must not")
        assert rows(address) == ["one"]
        assert await one.unseen_servers() == {}
        ((level, text),) = await asyncio.to_thread(doctor, address, tmp_path / "own")
        assert level is Level.PROBLEM and "one" in text


@pytest.mark.parametrize("file", ["lock", "ledger.sqlite"])
async def test_a_lock_that_does_not_reach_here_is_found(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.setattr(servers, "_BEAT_S", 600)
    async with server(address, tmp_path, "one") as one:
        await until(lambda: one.free_bytes is not None)
        marker = tmp_path / ".servers" / "one" / file
        marker.unlink()
        marker.touch()  # seen, and held by nobody: as on a storage that locks on each host by itself
        with pytest.raises(SettingsError, match=r"the locks that the server one on .* do not reach this machine"):
            async with server(address, tmp_path, "two"):
                raise AssertionError("it must not")


async def test_a_folder_that_goes_away_is_told_and_its_return_too(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "_BEAT_S", 0.01)
    builds = tmp_path / "builds"
    async with server(address, builds, "one") as one, server(address, builds, "two"):
        await until(lambda: one.free_bytes is not None)
        builds.rename(tmp_path / "away")
        builds.write_text("no folder", encoding="utf-8")
        await until(lambda: "builds" in one.problems)
        assert "cannot be written" in one.problems["builds"]
        builds.unlink()
        (tmp_path / "away").rename(builds)
        await until(lambda: one.problems == {})


async def test_a_marker_that_somebody_removed_comes_back(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "_BEAT_S", 0.01)
    async with server(address, tmp_path, "one"):
        marker = tmp_path / ".servers" / "one"
        shutil.rmtree(marker)
        await until(marker.exists)
        async with server(address, tmp_path, "two") as two:
            assert await two.unseen_servers() == {}


async def test_a_full_disk_and_a_storage_that_hangs_are_told(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "_BEAT_S", 0.01)
    async with server(address, tmp_path, "one") as one:
        monkeypatch.setattr(storage, "NO_ROOM_BYTES", 1 << 62)
        await until(lambda: "builds" in one.problems)
        assert "make room" in one.problems["builds"]
        monkeypatch.setattr(servers, "_SILENT_S", -1)
        assert "has not answered for" in one.problems["builds"]


async def test_dead_servers_are_not_living_and_what_they_left_is_cleared_away(address: str, tmp_path: Path) -> None:
    builds = tmp_path / "builds"
    async with AsyncExitStack() as stack:
        hanging = await stack.enter_async_context(open_pool(address, "hanging"))
        async with hanging.connection() as connection:
            await connection.execute(
                "INSERT INTO servers (name, host, seen) VALUES ('killed', 'a', now()),"
                " ('hanging', 'b', now() - interval '1 minute'), ('forgotten', 'c', now() - interval '1 day')"
            )
        assert rows(address, LIVING) == []
        (builds / ".servers" / "killed").mkdir(parents=True)
        (builds / ".servers" / "killed" / "lock").touch()
        starting = storage.Marker(builds, "starting")
        starting.write()
        await stack.enter_async_context(server(address, builds, "one"))
        assert {path.name for path in (builds / ".servers").iterdir()} == {"one", "starting"}
        starting.remove()
        assert rows(address) == ["hanging", "killed", "one"]
        assert rows(address, LIVING) == ["one"]


async def test_a_folder_that_is_none_is_bad_input(address: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"ITURRI_BUILDS: .*file cannot be written"):
        async with server(address, tmp_path / "file", "one"):
            raise AssertionError("it must not")


def test_the_doctor_says_nothing_where_there_is_one_machine_or_no_database() -> None:
    assert check_servers(Settings()) == []
    assert check_servers(Settings(database_url="postgresql://127.0.0.1:9/x")) == []


def test_the_doctor_takes_a_database_that_no_server_has_used(database: str, tmp_path: Path) -> None:
    ((level, text),) = doctor(database, tmp_path)
    assert level is Level.OK and text.startswith("none runs")
