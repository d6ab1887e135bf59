"""The embedded PostgreSQL: found again, never half-made, stopped by its last user only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from schemas.errors import ServiceError
from service.postgres import EmbeddedPostgres


def pid_of(folder: Path) -> int:
    return int((folder / "postmaster.pid").read_text().split()[0])


def test_it_is_found_again_and_stopped_by_its_last_user(open_folder: Path) -> None:
    folder = open_folder / "data" / "postgres"
    first, second = EmbeddedPostgres(folder), EmbeddedPostgres(folder)
    address = first.start()
    pid = pid_of(folder)
    assert second.start() == address and pid_of(folder) == pid
    with psycopg.connect(address) as connection:
        first.stop()
        assert connection.execute("SELECT 1").fetchone() == (1,)
    second.stop()
    assert not (folder / "postmaster.pid").exists()
    second.stop()
    third = EmbeddedPostgres(folder)
    assert third.start()
    third.stop()


def test_a_path_too_long_for_a_socket(open_folder: Path) -> None:
    server = EmbeddedPostgres(open_folder / ("a" * 60) / ("b" * 60) / "postgres")
    try:
        with psycopg.connect(server.start()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()


def test_what_a_killed_start_leaves_is_made_anew(open_folder: Path) -> None:
    half = open_folder / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(open_folder / "postgres")
    server.start()
    server.stop()
    assert not half.exists()


def test_the_number_of_a_dead_server_may_be_another_programs(open_folder: Path) -> None:
    folder = open_folder / "postgres"
    server = EmbeddedPostgres(folder)
    server.start()
    lines = (folder / "postmaster.pid").read_text().splitlines()
    server.stop()
    (folder / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    again = EmbeddedPostgres(folder)
    with psycopg.connect(again.start()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    again.stop()


def test_data_of_another_version_is_left_alone(open_folder: Path) -> None:
    folder = open_folder / "postgres"
    folder.mkdir()
    (folder / "PG_VERSION").write_text("15\n")
    with pytest.raises(ServiceError, match=r"holds data of PostgreSQL 15.*ITURRI_DATABASE_URL"):
        EmbeddedPostgres(folder).start()


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError, match="does not start"):
        EmbeddedPostgres(tmp_path / "file" / "postgres").start()


def test_importing_it_warns_nobody() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
    program = "from service import postgres; postgres._library()"
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, env=environment)
