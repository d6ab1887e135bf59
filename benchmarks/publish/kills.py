"""Pushes that are killed at random instants, and what the repositories hold once they are finished."""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections import Counter
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

from huggingface_hub import constants

from benchmarks.chaos.kills import Aim, Apart, Life, Runs, must
from publishers import hub as publishing
from publishers.publication import read_publication
from tests.support.hub_faults import LATE_S, When
from tests.support.hub_history import added_again, named
from tests.support.hub_process import HubProcess
from tests.support.hub_server import HubServer
from tests.support.publishers_builds import make_build

# A push of five commits, so that kills fall between them too.
_SHARDS, _ROWS, _FILES_PER_COMMIT = 12, 300, 3
# Kills of one repository before it is finished.
_FEWEST, _MOST = 2, 9


def kills(number: int, seed: int, folder: Path) -> dict[str, Any]:
    """So many kills, over as many repositories as it takes; the account of them."""
    build = folder / "build"
    Apart(lambda: bool(make_build(build, _SHARDS, _ROWS))).result()
    with HubProcess(folder) as hub:
        account = _Killed(hub, build, folder)
        account.measure()
        rng = random.Random(seed)
        while sum(account.kills.values()) < number:
            left = number - sum(account.kills.values())
            account.repository(rng, min(left, rng.randint(_FEWEST, _MOST)))
    return account.told()


class _Killed:
    def __init__(self, hub: HubProcess, build: Path, folder: Path) -> None:
        self._hub = hub
        self._build = build
        self._runs = Runs(folder / "pushes.log")
        self._nowhere = folder / "nowhere"
        self._whole = Life(0, 0.0, 0)
        self._requests = 0
        self._commits: list[int] = []
        self._wrong: Counter[str] = Counter()
        self._survived = 0
        self.kills: Counter[str] = Counter()

    def measure(self) -> None:
        """How long a push takes, and how many requests, when nothing interrupts it."""
        repo = f"{HubServer.namespace}/osorik"
        before = self._hub.state()["requests"]
        self._whole = self._finish(repo)
        self._requests = self._hub.state()["requests"] - before
        self._check(repo)
        self._commits.clear()

    def repository(self, rng: random.Random, kills: int) -> None:
        """Kill pushes to a new repository so often, or until one gets through; then finish and check it."""
        repo = f"{HubServer.namespace}/hilda-{len(self._commits):03d}"
        for _ in range(kills):
            if not self._kill(repo, rng):
                self._survived += 1
                break
        self._finish(repo)
        time.sleep(2 * LATE_S)  # a commit of a killed push may come after all others
        self._check(repo)

    def told(self) -> dict[str, Any]:
        counts = {name: self._wrong[name] for name in ("lost", "doubled", "broken", "torn")}
        return {
            "kills": sum(self.kills.values()),
            "killed": dict(sorted(self.kills.items())),
            "ended_before_the_kill": self._survived,
            "repositories": len(self._commits),
            **counts,
            "commits": {str(number): count for number, count in sorted(Counter(self._commits).items())},
            "seconds_of_a_push": round(self._whole.seconds, 2),
            "requests_of_a_push": self._requests,
        }

    def _kill(self, repo: str, rng: random.Random) -> bool:
        """A push that is to be killed: whether it was, before it came to its end."""
        push = partial(_push, self._build, repo, self._hub.endpoint)
        if rng.random() < 0.5:
            name = "at any moment"
            life = self._runs.run(push, self._nowhere, Aim(rng.uniform(0, self._whole.seconds * 1.1), 0, group=False))
        else:
            name = rng.choice(get_args(When))
            skip = rng.randrange(self._requests)

            def armed() -> None:
                self._hub.kill_at(os.getpid(), skip, name)
                push()

            life = self._runs.run(armed, self._nowhere)
            self._hub.kill_none()
        if not life.killed:
            must(life.code == 0, f"a push to {repo} failed: {self._runs.last_words()}")
            return False
        self.kills[name] += 1
        return True

    def _finish(self, repo: str) -> Life:
        life = self._runs.run(partial(_push, self._build, repo, self._hub.endpoint), self._nowhere)
        must(life.code == 0, f"a push to {repo} failed: {self._runs.last_words()}")
        return life

    def _check(self, repo: str) -> None:
        expected: dict[str, str] = Apart(partial(_expected, self._build, repo)).result()
        told = self._hub.state(repo)
        found = {path: hashlib.sha256(self._hub.content(repo, path)).hexdigest() for path in told["files"]}
        self._wrong["lost"] += len(expected.keys() - found.keys())
        self._wrong["broken"] += sum(found[path] != expected[path] for path in expected.keys() & found.keys())
        self._wrong["doubled"] += len(found.keys() - expected.keys()) + len(found) - len(set(found.values()))
        commits = told["commits"]
        for before, after in pairwise([{"files": {}}, *commits]):
            self._wrong["doubled"] += len(added_again(before["files"], after["files"], after["added"]))
        for commit in commits:
            head = ("README.md", "manifest.json")
            contents = (
                self._hub.content(repo, name, commit["oid"]) if name in commit["files"] else None for name in head
            )
            self._wrong["torn"] += not named(*contents) <= commit["files"].keys()
        self._commits.append(len(commits))


def _push(build: Path, repo: str, endpoint: str) -> None:
    constants.HF_HUB_DISABLE_XET = True
    publishing.FILES_PER_COMMIT = _FILES_PER_COMMIT
    publishing.publish_to_hub(build, repo, private=False, token=HubServer.token, endpoint=endpoint)


def _expected(build: Path, repo: str) -> dict[str, str]:
    return {file.path: file.sha256 for file in read_publication(build, repo).files()}
