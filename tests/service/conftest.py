"""One PostgreSQL for all tests of the service, and a fresh database for each."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from service.postgres import EmbeddedPostgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL that lives as long as the tests."""
    # Not below pytest's own folder: as root the server runs under another user, who cannot get in there.
    folder = Path(tempfile.mkdtemp(prefix="iturri-tests-"))
    server = EmbeddedPostgres(folder / "postgres")
    try:
        yield server.start()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(postgres: str) -> Iterator[str]:
    """The address of an empty database."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield make_conninfo(postgres, dbname=name)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the embedded server can use also when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="iturri-tests-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
