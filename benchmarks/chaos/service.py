"""Kills servers and their workers at random moments while they run jobs, and checks that every job ends as it should.

Two servers share one PostgreSQL and one folder of builds; the engine, a paced server, lives in its own process. A kill
is a SIGKILL of a server with all that it has started, or of one of its processes alone; a server that has died is
started again after a moment. In the end every job must have succeeded with exactly its target, no row lost or there
twice, its ledger, shards and manifest in agreement. Prints JSON; the exit code is 1 when anything was wrong.

    python -m benchmarks.chaos.service [--kills 100] [--jobs 10] [--conversations 300] [--seed 1]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

from benchmarks.chaos.account import Account
from benchmarks.chaos.kills import CheckError, Found, must
from benchmarks.common import magpie_recipe
from benchmarks.paced import PacedServer, paced_server
from benchmarks.paced_server import Pace
from benchmarks.service_process import ServiceProcess, open_folder
from service.postgres import EmbeddedPostgres

_STUCK_S = 120.0
_WAIT_S = 0.25


class Chaos:
    """Servers that are killed and started again, and the jobs that they were given."""

    def __init__(self, servers: list[ServiceProcess], database: str, rng: random.Random) -> None:
        self._servers = servers
        self._database = database
        self._rng = rng
        self._due: dict[ServiceProcess, float] = {}
        self.kills: Counter[str] = Counter()

    def kill_one(self) -> None:
        """Kill something of a server that lives, and see to it that the server comes back after up to two seconds."""
        living = [one for one in self._servers if one.alive]
        if not living:
            return
        server = self._rng.choice(living)
        if self._rng.random() < 0.3 and (workers := server.children()):
            with suppress(psutil.NoSuchProcess):
                self._rng.choice(workers).send_signal(signal.SIGKILL)
                self.kills["worker"] += 1
            return
        server.kill()
        self.kills["server"] += 1
        self._due[server] = time.monotonic() + self._rng.uniform(0, 2)

    def start_what_is_due(self) -> None:
        for server in self._servers:
            if not server.alive and time.monotonic() >= self._due.get(server, 0):
                server.start()

    def jobs(self) -> list[dict[str, Any]]:
        """The rows of the table of jobs: there may be no server to ask."""
        with psycopg.connect(self._database) as connection:
            found = connection.execute("SELECT id, state, attempts, events, error FROM jobs ORDER BY number").fetchall()
        return [dict(zip(("id", "state", "attempts", "events", "error"), row, strict=True)) for row in found]

    def unfinished(self) -> int:
        return sum(job["state"] not in ("succeeded", "failed", "cancelled") for job in self.jobs())

    def await_the_end(self) -> None:
        """Until all jobs have ended, or none has got on for so long."""
        before, deadline = self.jobs(), time.monotonic() + _STUCK_S
        while self.unfinished() and time.monotonic() < deadline:
            self.start_what_is_due()
            time.sleep(_WAIT_S)
            if (now := self.jobs()) != before:
                before, deadline = now, time.monotonic() + _STUCK_S


def chaos(folder: Path, paced: PacedServer, *, kills: int, jobs: int, conversations: int, seed: int) -> Found:
    """The account of it. Raises CheckError when something is not as it must be."""
    rng = random.Random(seed)
    postgres = EmbeddedPostgres(folder / "postgres")
    database = postgres.start()
    servers = [ServiceProcess(folder, paced, database, name) for name in ("one", "two")]
    mayhem = Chaos(servers, database, rng)
    began = time.monotonic()
    try:
        for server in servers:
            server.start()
        for server in servers:
            server.wait_until_ready()
        for number in range(jobs):
            _submit(servers[number % 2], conversations, number)
        while sum(mayhem.kills.values()) < kills and mayhem.unfinished():
            time.sleep(rng.uniform(0, 3.5))
            mayhem.start_what_is_due()
            mayhem.kill_one()
        mayhem.await_the_end()
        found = mayhem.jobs()
        _check(found, jobs, conversations, folder / "builds")
    finally:
        for server in servers:
            server.end()
        postgres.stop()
    return {
        "kills": dict(mayhem.kills),
        "jobs": len(found),
        "conversations": jobs * conversations,
        "attempts": sum(job["attempts"] for job in found),
        "seconds": round(time.monotonic() - began, 1),
        "seed": seed,
    }


def _submit(server: ServiceProcess, conversations: int, number: int) -> None:
    """The same key however often it is asked: the server may be killed before it has answered."""
    recipe = magpie_recipe(
        conversations,
        {},
        user={"max_tokens": 256},
        reply={"max_tokens": 1024},
        backbone="paced",
        seed=number,
        window=16,
        output={"shard_rows": max(1, conversations // 4), "dropped_samples": 10_000},
    )
    answer = httpx.post(
        f"{server.url}/v1/jobs",
        json=recipe.model_dump(mode="json", exclude_unset=True),
        headers={"Idempotency-Key": f"job-{number}"},
        timeout=60,
    )
    answer.raise_for_status()


def _check(found: list[dict[str, Any]], jobs: int, conversations: int, builds: Path) -> None:
    must(len(found) == jobs, f"{len(found)} jobs, and {jobs} were asked for")
    stuck = [job for job in found if job["state"] != "succeeded"]
    must(not stuck, f"jobs that have not succeeded: {stuck}")
    for job in found:
        account = Account.read(builds / job["id"])
        account.check()
        ids = {row.id for row in account.rows}
        must(len(account.rows) == len(ids) == conversations, f"job {job['id']}: {len(ids)} rows of {conversations}")
        must(account.manifest is not None and account.manifest.complete, f"job {job['id']} is not complete")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=10)
    parser.add_argument("--conversations", type=int, default=300, help="of each job")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=60.0, help="tokens per second of one of 64 sequences")
    arguments = parser.parse_args()
    pace = Pace(64, arguments.speed, user_tokens=(16, 64), reply_tokens=(64, 256))
    try:
        with open_folder() as folder, paced_server(pace) as paced:
            told = chaos(
                folder,
                paced,
                kills=arguments.kills,
                jobs=arguments.jobs,
                conversations=arguments.conversations,
                seed=arguments.seed,
            )
    except CheckError as error:
        print(json.dumps({"wrong": str(error), "seed": arguments.seed}))
        return 1
    print(json.dumps({"load": os.getloadavg(), **told}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
