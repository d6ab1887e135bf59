"""The port, and who may reach it."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from schemas.errors import SettingsError
from schemas.keys import Scope
from service.serving import serve
from tests.support.service_keys import change_key, made_key
from tests.support.service_servers import settings


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104
def test_without_a_key_only_loopback_is_served(tmp_path: Path, database: str, host: str) -> None:
    with pytest.raises(SettingsError, match=r"`iturri keys create`, set ITURRI_API_KEY, or serve 127\.0\.0\.1"):
        serve(settings(tmp_path, database), host, 0)


async def test_a_live_key_in_the_database_is_one(tmp_path: Path, database: str) -> None:
    """The address is another machine's, so that serving it fails by itself where keys let it."""
    await made_key(database, "ane", [Scope.READ])
    with pytest.raises(SettingsError, match=r"192\.0\.2\.1 port 8000 cannot be served"):
        await asyncio.to_thread(serve, settings(tmp_path, database), "192.0.2.1", 8000)
    for end in ("expires = now()", "expires = NULL, revoked = now()"):
        change_key(database, "ane", end)
        with pytest.raises(SettingsError, match="without an API key only this machine itself is served"):
            await asyncio.to_thread(serve, settings(tmp_path, database), "192.0.2.1", 8000)


def test_a_port_in_use_is_noticed_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            SettingsError, match=rf"port {port} is in use on 127\.0\.0\.1; choose another one with --port"
        ):
            serve(settings(tmp_path, None), "127.0.0.1", port)
    assert not (tmp_path / "data").exists()


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"192\.0\.2\.1 port 8000 cannot be served"):
        serve(settings(tmp_path, None, api_key="a-key-that-is-long"), "192.0.2.1", 8000)


def test_backbones_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ITURRI_BACKBONES"):
        serve(settings(tmp_path, None, backbones=tmp_path / "none.yaml"), "127.0.0.1", 0)


def test_a_database_that_is_not_there_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ITURRI_DATABASE_URL is no PostgreSQL address"):
        serve(settings(tmp_path, "mysql://nobody nowhere"), "127.0.0.1", 0)
