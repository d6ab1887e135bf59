"""Dry runs: five drafts through the real pipeline, an estimate, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from generators.backbone import Completion, SampleRequest
from generators.scripted_backbone import ScriptedBackbone as Scripted
from pipeline.build import BuildResult, build
from schemas.backbones import ScriptedBackbone
from schemas.dry_run import DryRun
from schemas.errors import BackboneError, BuildError, InputError
from schemas.recipe import Recipe
from schemas.settings import Settings, declared_backbones
from schemas.verdict import Drop, Keep
from service import dry_run
from service.backbones import Backbones
from service.dry_run import DryRuns
from service.problems import ProblemError
from service.speeds import Speeds
from tests.support.corpora import MENU, document, write_corpus
from tests.support.service_jobs import Jobs, jobs_in
from tests.support.service_servers import ended, ready, settings, submission

# Two of the three replies are longer.
SHORT = {"shape": {"max_chars": 80}, "language": {"enabled": False}, "duplicates": {"enabled": False}}
LONG = {"kind": "scripted", "user_turns": ["Zer da hau?"], "replies": ["Mendi bat da."], "delay_s": 1000}


@dataclass(frozen=True, slots=True)
class Server:
    """What a server has for dry runs."""

    settings: Settings
    jobs: Jobs
    speeds: Speeds
    dry_runs: DryRuns

    def left_behind(self) -> list[Path]:
        return list((self.settings.data / "dry-runs").glob("*"))


@asynccontextmanager
async def server(folder: Path, database: str) -> AsyncIterator[Server]:
    configured = settings(folder, database)
    specs = {**declared_backbones(configured), "long": ScriptedBackbone.model_validate(LONG)}
    async with jobs_in(database) as jobs, Backbones(specs) as backbones:
        for name in specs:
            async with backbones.engine(name).lease(asyncio.Event()):
                pass
        speeds = Speeds(jobs.pool)
        async with DryRuns(configured, jobs.pool, backbones, speeds) as dry_runs:
            yield Server(configured, jobs, speeds, dry_runs)


def nobody(_tokens: int) -> None:
    """Whose tokens are not counted."""


def recipe(**changes: Any) -> Recipe:
    return Recipe.model_validate(submission(**changes))


async def test_five_drafts_with_what_became_of_them_and_what_the_target_takes(tmp_path: Path, database: str) -> None:
    async with server(tmp_path, database) as one:
        asked = recipe(target={"conversations": 1000}, filters=SHORT)
        spent: list[int] = []
        found = await one.dry_runs.run(asked, spent.append)
        assert spent == [found.tokens]
        assert one.left_behind() == []
    assert len(found.drafts) == 5
    accepted = [draft for draft in found.drafts if draft.accepted]
    dropped = [draft for draft in found.drafts if not draft.accepted]
    assert accepted and dropped
    assert all(isinstance(draft.verdict, Keep) and draft.gate == "accepted" for draft in accepted)
    for draft in dropped:
        assert isinstance(draft.verdict, Drop)
        assert (draft.verdict.reason, draft.gate, draft.mode) == ("shape.too_long", "reply", "magpie-eu")
        assert draft.verdict.turn is not None
        assert len(draft.messages[draft.verdict.turn].content) > 80
    assert all(draft.messages[0].role == "user" and draft.tokens > 0 for draft in found.drafts)
    assert sum(draft.tokens for draft in found.drafts) == found.tokens
    assert found.acceptance == len(accepted) / 5
    assert found.tokens_per_accepted == found.tokens / len(accepted)
    assert (found.measured, found.builds, found.no_estimate) == ("drafts", 0, None)
    assert found.estimate is not None and found.tokens_per_second is not None
    assert found.estimate.tokens == round(1000 * found.tokens_per_accepted)
    assert found.estimate.seconds == pytest.approx(found.estimate.tokens / found.tokens_per_second)
    assert Recipe.model_validate(found.recipe) == asked


async def test_where_all_are_dropped_it_says_why_there_is_no_estimate(tmp_path: Path, database: str) -> None:
    async with server(tmp_path, database) as one:
        found = await one.dry_runs.run(
            recipe(filters={"shape": {"min_chars": 1000}, "language": {"enabled": False}}), nobody
        )
    assert (found.acceptance, found.tokens_per_accepted, found.estimate) == (0, None, None)
    assert len(found.drafts) == 5 and not any(draft.accepted for draft in found.drafts)
    assert found.no_estimate is not None
    assert found.no_estimate.startswith("none of 5 drafts was accepted, most often for shape.")


async def test_earlier_builds_of_the_same_conversations_count(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database)) as client:
        asked = [submission(), submission(filters=SHORT), submission(backbone="slow", target={"conversations": 2})]
        jobs = [await ended(client, (await client.post("/v1/jobs", json=one)).json()["id"]) for one in asked]
        assert [job["state"] for job in jobs] == ["succeeded"] * 3
    async with server(tmp_path, database) as one:
        await one.speeds.note("quick", 10)
        speed = (await one.speeds.all())["quick"]
        found = await one.dry_runs.run(recipe(target={"conversations": 1000}), nobody)
        other = await one.dry_runs.run(recipe(modes=[{"mode": "magpie", "exchanges": {"min": 2, "max": 2}}]), nobody)
    same = jobs[0]["progress"]
    assert (found.builds, found.measured, found.tokens_per_second) == (1, "jobs", speed)
    each = (found.tokens + same["tokens"]) / (5 + 20)
    assert found.tokens_per_accepted == each
    assert found.estimate is not None and found.estimate.tokens == round(1000 * each)
    assert (other.builds, other.measured, other.tokens_per_accepted) == (0, "jobs", other.tokens / 5)


async def test_a_backbone_that_does_not_run_is_a_matter_of_time(tmp_path: Path, database: str) -> None:
    backbones = Backbones(declared_backbones(settings(tmp_path, database)))  # not entered, so none ever starts
    async with jobs_in(database) as jobs:
        dry_runs = DryRuns(settings(tmp_path, database), jobs.pool, backbones, Speeds(jobs.pool))
        with pytest.raises(ProblemError, match="the backbone quick cannot be used now: it is starting") as caught:
            await dry_runs.run(recipe(), nobody)
    assert caught.value.status_code == 503
    assert caught.value.headers is not None and int(caught.value.headers["Retry-After"]) > 0


async def test_after_its_time_a_dry_run_is_given_up(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with server(tmp_path, database) as one:
        monkeypatch.setattr(dry_run, "LIMIT_S", 0.5)
        with pytest.raises(ProblemError, match="no 5 drafts had ended after") as caught:
            await one.dry_runs.run(recipe(backbone="long"), nobody)
        spent: list[int] = []
        with pytest.raises(ProblemError, match="no 5 drafts had ended after"):
            modes = [{"mode": "magpie", "exchanges": {"min": 9, "max": 9}}]
            await one.dry_runs.run(recipe(backbone="slow", modes=modes), spent.append)
        assert sum(spent) > 0
        assert caught.value.status_code == 503
        assert caught.value.headers is not None and int(caught.value.headers["Retry-After"]) > 0
    assert one.left_behind() == []


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set once a backbone is asked for something, by when the directory is there."""
    event, sample = asyncio.Event(), Scripted.sample

    async def telling(backbone: Scripted, request: SampleRequest) -> Completion:
        event.set()
        return await sample(backbone, request)

    monkeypatch.setattr(Scripted, "sample", telling)
    return event


async def test_whoever_asked_may_go_away(tmp_path: Path, database: str, begun: asyncio.Event) -> None:
    async with server(tmp_path, database) as one:
        asking = asyncio.create_task(one.dry_runs.run(recipe(backbone="long"), nobody))
        await begun.wait()
        assert len(one.left_behind()) == 1
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert one.left_behind() == []


async def test_a_server_that_closes_ends_them(tmp_path: Path, database: str, begun: asyncio.Event) -> None:
    async with server(tmp_path, database) as one:
        asking = asyncio.create_task(one.dry_runs.run(recipe(backbone="long"), nobody))
        await begun.wait()
        assert len(one.left_behind()) == 1
    with pytest.raises(ProblemError, match="this server is closing"):
        await asking
    assert one.left_behind() == []


async def test_two_at_a_time(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    go, two, running, most = asyncio.Event(), asyncio.Event(), 0, 0

    async def held(*arguments: Any, **options: Any) -> BuildResult:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 2:
            two.set()
        await go.wait()
        running -= 1
        return await build(*arguments, **options)

    monkeypatch.setattr(dry_run, "build", held)
    async with server(tmp_path, database) as one:
        asked = [asyncio.create_task(one.dry_runs.run(recipe(), nobody)) for _ in range(4)]
        await two.wait()
        go.set()
        found = await asyncio.gather(*asked)
    assert most == 2
    assert [len(run.drafts) for run in found] == [5, 5, 5, 5]


@pytest.mark.parametrize("error", [BackboneError("it died"), BuildError("a process of the filters has died")])
async def test_what_fails_on_the_way_is_a_matter_of_time(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def failing(_: Recipe, folder: Path, *arguments: Any, **options: Any) -> BuildResult:
        await asyncio.to_thread(folder.mkdir, parents=True)
        raise error

    monkeypatch.setattr(dry_run, "build", failing)
    async with server(tmp_path, database) as one:
        with pytest.raises(ProblemError, match=str(error)) as caught:
            await one.dry_runs.run(recipe(), nobody)
        assert caught.value.status_code == 503
        assert one.left_behind() == []


async def test_drafts_are_made_from_what_a_dataset_has(tmp_path: Path, database: str) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("Zer da mendia?\nNon dago itsasoa?\nNola egiten da ogia?\n", encoding="utf-8")
    modes = [{"mode": "prompts", "prompts": {"dataset": str(prompts)}}]
    async with server(tmp_path, database) as one:
        found = await one.dry_runs.run(recipe(modes=modes, target={"conversations": 300}), nobody)
        assert [draft.messages[0].content for draft in found.drafts] == prompts.read_text().splitlines()
        assert found.acceptance == 1 and found.estimate is not None

        missing = [{"mode": "prompts", "prompts": {"dataset": str(tmp_path / "none.txt")}}]
        with pytest.raises(InputError, match=r"^modes\.0\.prompts: "):
            await one.dry_runs.run(recipe(modes=missing), nobody)
        assert one.left_behind() == []


async def test_unfit_materials_are_shown_where_there_is_room(tmp_path: Path, database: str) -> None:
    write_corpus(tmp_path / "good.jsonl", [*[MENU] * 10, *[document(number) for number in range(20)]])
    write_corpus(tmp_path / "bad.jsonl", [MENU] * 10)

    def asked(name: str) -> Recipe:
        return recipe(modes=[{"mode": "reverse", "corpus": {"dataset": str(tmp_path / name), "min_chars": 20}}])

    async with server(tmp_path, database) as one:
        good = await one.dry_runs.run(asked("good.jsonl"), nobody)
        bad = await one.dry_runs.run(asked("bad.jsonl"), nobody)
    assert len(good.drafts) == 5 and not any(draft.gate == "material" for draft in good.drafts)
    assert {draft.gate for draft in bad.drafts} == {"material"}
    assert (bad.acceptance, bad.tokens, bad.estimate) == (None, 0, None)
    assert bad.no_estimate is not None and bad.no_estimate.startswith("nothing was sampled: all that drafts were to be")


async def test_what_killed_servers_left_is_cleared_away_in_time(tmp_path: Path, database: str) -> None:
    folder = settings(tmp_path, database).data / "dry-runs"
    for name, age in (("old", 7200), ("young", 60)):
        (folder / name).mkdir(parents=True)
        then = time.time() - age
        os.utime(folder / name, (then, then))
    async with server(tmp_path, database) as one:
        assert [path.name for path in one.left_behind()] == ["young"]


async def test_over_http_it_makes_no_job(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database)) as client:
        answer = await client.post("/v1/jobs", params={"dry_run": 1}, json=submission(filters=SHORT))
        assert answer.status_code == 200, answer.text
        found = DryRun.model_validate(answer.json())
        assert len(found.drafts) == 5
        segments = [(draft, draft.segment) for draft in found.drafts if draft.segment is not None]
        assert segments, "what is too long is marked"
        for draft, segment in segments:
            assert isinstance(draft.verdict, Drop) and draft.verdict.turn is not None
            assert segment.end <= len(draft.messages[draft.verdict.turn].content)
        assert (await client.post("/v1/jobs", params={"dry_run": 1}, json={})).status_code == 422
        assert (await client.get("/v1/jobs")).json()["items"] == []
