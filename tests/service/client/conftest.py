"""A scripted server, a client of it, and pauses that take no time but are written down."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.client.client import Client
from tests.support.scripted_http import ScriptedServer, scripted_server


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[Client]:
    with Client(server.url, timeout=20.0) as client:
        yield client


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client would have waited, in their order."""
    waited: list[float] = []
    monkeypatch.setattr("service.client.transport.sleep", waited.append)
    return waited
