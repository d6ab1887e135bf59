"""Recipes, settings and servers for the tests of the service."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import yaml
from fastapi import FastAPI

from schemas.settings import Settings
from service.app import create_app
from tests.support.builds import DEEDS, REPLIES, SUBJECTS

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 120
PROGRAM = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, format="%(name)s %(message)s")
from schemas.settings import read_settings
from service.serving import serve
serve(read_settings(), "127.0.0.1", int(sys.argv[1]))
"""


def declare(path: Path, **delays: float) -> Path:
    """A file that declares scripted backbones: by name, the seconds that each sample takes."""
    turns = [f"Zergatik gustatzen zaio jendeari {subject} {deed}?" for subject in SUBJECTS for deed in DEEDS]
    script = {"kind": "scripted", "user_turns": turns, "replies": list(REPLIES)}
    path.write_text(yaml.safe_dump({name: {**script, "delay_s": delay} for name, delay in delays.items()}))
    return path


def settings(folder: Path, database: str | None, **changes: Any) -> Settings:
    """Settings whose files all lie in the folder: the backbones `quick`, and `slow` with 0.05 s a sample."""
    fields: dict[str, Any] = {
        "backbones": declare(folder / "backbones.yaml", quick=0.0, slow=0.05),
        "builds": folder / "builds",
        "publications": folder / "publications",
        "data": folder / "data",
        "database_url": database,
        "workers": 1,
    }
    return Settings(**{**fields, **changes})


def submission(**changes: Any) -> dict[str, Any]:
    """A recipe as it is posted."""
    return {
        "name": "scripted",
        "language": "eu",
        "backbone": "quick",
        "modes": [{"mode": "magpie", "exchanges": {"min": 1, "max": 2}}],
        "filters": {"language": {"enabled": False}, "duplicates": {"enabled": False}},
        "target": {"conversations": 20},
        "output": {"shard_rows": 8},
        "publish": {"licence": "cc0-1.0"},
        "window": 4,
        **changes,
    }


@asynccontextmanager
async def client_of(app: FastAPI, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The running app, asked without a network."""
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", **options) as client:
            yield client


@asynccontextmanager
async def ready(settings: Settings, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A running app whose backbones have started."""
    async with client_of(create_app(settings), **options) as client:
        deadline = time.monotonic() + LIMIT_S
        while (answer := await client.get("/readyz")).status_code != 200:
            assert time.monotonic() < deadline, answer.text
            await asyncio.sleep(0.02)
        yield client


async def ended(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    """The job, once it has ended."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        job: dict[str, Any] = (await client.get(f"/v1/jobs/{job_id}")).json()
        if job["state"] in ("succeeded", "failed", "cancelled"):
            return job
        assert time.monotonic() < deadline, job
        await asyncio.sleep(0.05)


async def begun(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    """The job, once it has accepted something."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        job: dict[str, Any] = (await client.get(f"/v1/jobs/{job_id}")).json()
        if (job["funnel"] or {}).get("accepted"):
            return job
        assert job["state"] in ("queued", "running") and time.monotonic() < deadline, job
        await asyncio.sleep(0.02)


class ServerProcess:
    """A server of its own on a free loopback port, with warnings as errors unless the environment says otherwise.

    What it says is in `log`.
    """

    def __init__(self, settings: Settings, log: Path, **environment: str) -> None:
        self.log = log
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        given = settings.model_dump(exclude_none=True, exclude={"database_url", "api_key", "log_level"})
        variables = {f"ITURRI_{name.upper()}": str(value) for name, value in given.items()}
        for name in ("database_url", "api_key"):
            if (secret := getattr(settings, name)) is not None:
                variables[f"ITURRI_{name.upper()}"] = secret.get_secret_value()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ITURRI_", "HF_"))}
        # Not in the environment: the processes that it starts would inherit it.
        warnings = environment.pop("PYTHONWARNINGS", "error")
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-W", warnings, "-c", PROGRAM, str(self.port)],
                cwd=ROOT,
                env={**inherited, **variables, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + LIMIT_S
        while True:
            assert self._process.poll() is None and time.monotonic() < deadline, self.said()
            try:
                if self.client.get("/readyz").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)

    def job(self, job_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get(f"/v1/jobs/{job_id}").raise_for_status().json()
        return answer

    def submit(self, recipe: dict[str, Any]) -> str:
        answer = self.client.post("/v1/jobs", json=recipe)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def begun(self, job_id: str) -> dict[str, Any]:
        return self._once(job_id, lambda job: bool(job["funnel"]["accepted"]))

    def ended(self, job_id: str) -> dict[str, Any]:
        return self._once(job_id, lambda job: job["state"] in ("succeeded", "failed", "cancelled"))

    def _once(self, job_id: str, reached: Any) -> dict[str, Any]:
        deadline = time.monotonic() + LIMIT_S
        while not reached(job := self.job(job_id)):
            assert time.monotonic() < deadline, (job, self.said())
            time.sleep(0.05)
        return job

    def signal(self, number: int) -> None:
        """Send the signal, and go on."""
        self._process.send_signal(number)

    def end(self, number: int) -> int:
        """Send the signal; the exit status."""
        self.client.close()
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(LIMIT_S)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


@contextmanager
def serving(settings: Settings, log: Path, **environment: str) -> Iterator[ServerProcess]:
    """A server process that is ready, ended at the latest at the end."""
    server = ServerProcess(settings, log, **environment)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.end(signal.SIGKILL)


def everything(database: str) -> str:
    """All rows of all tables of the database, as text."""
    with psycopg.connect(database) as connection:
        tables = connection.execute(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert tables
        rows = [connection.execute(f"SELECT t::text FROM {table} t").fetchall() for (table,) in tables]  # noqa: S608
    return repr(rows)
