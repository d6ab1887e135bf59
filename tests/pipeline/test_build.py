"""A build with a scripted backbone: reaches its target exactly, stops, resumes, gives up, refuses."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from generators.backbone import Completion, SampleRequest
from generators.opening import open_backbone
from pipeline.build import Outcome, Progress, build, check_directory
from pipeline.reader import BuildReader
from publishers.shard import read_shard
from schemas.backbones import ScriptedBackbone
from schemas.conversation import Conversation
from schemas.errors import BackboneError, BuildDirectoryError, BuildError, LanguageError
from schemas.manifest import Manifest
from schemas.recipe import Recipe
from schemas.settings import Settings
from tests.support.builds import recipe, run


def published_rows(directory: Path, manifest: Manifest) -> list[Conversation]:
    return [row for shard in manifest.shards for row in read_shard(directory / shard.path)]


async def test_the_target_is_reached_exactly_and_everything_is_sealed(tmp_path: Path) -> None:
    result = await run(recipe(), tmp_path)
    assert result.outcome is Outcome.COMPLETE
    assert result.manifest.complete
    rows = published_rows(tmp_path, result.manifest)
    assert len(rows) == len({row.id for row in rows}) == 20
    assert [shard.rows for shard in result.manifest.shards] == [8, 8, 4]
    assert {row.exchanges for row in rows} == {1, 2}
    assert result.manifest.funnel.accepted == 20
    assert result.manifest.funnel.tokens_per_accepted is not None
    for row in rows:
        assert [message.role for message in row.messages] == ["user", "assistant"] * row.exchanges
        assert "steering" in json.loads(row.sampling)


async def test_a_finished_build_run_again_does_nothing_and_a_higher_target_extends_it(tmp_path: Path) -> None:
    first = await run(recipe(), tmp_path)
    again = await run(recipe(), tmp_path)
    assert again.manifest.shards == first.manifest.shards
    more = await run(recipe(target={"conversations": 33}), tmp_path)
    assert more.manifest.shards[:3] == first.manifest.shards, "sealed files are never rewritten"
    rows = published_rows(tmp_path, more.manifest)
    assert len({row.id for row in rows}) == 33


async def test_another_recipe_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    await run(recipe(), tmp_path)
    with pytest.raises(BuildDirectoryError, match="seed"):
        await run(recipe(seed=4), tmp_path)
    assert BuildReader(tmp_path).recipe().seed == 3


async def test_another_recipe_is_known_before_a_backbone_runs(tmp_path: Path) -> None:
    check_directory(recipe(), tmp_path, Settings())
    await run(recipe(), tmp_path)
    check_directory(recipe(target={"conversations": 99}), tmp_path, Settings())
    with pytest.raises(BuildDirectoryError, match="differs in seed;"):
        check_directory(recipe(seed=4), tmp_path, Settings())


async def test_two_builds_of_one_recipe_share_no_ids(tmp_path: Path) -> None:
    builds = [await run(recipe(), tmp_path / name) for name in ("one", "other")]
    ids = [{row.id for row in published_rows(build.directory, build.manifest)} for build in builds]
    assert not ids[0] & ids[1]


async def test_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    with FileLock(tmp_path / "build.lock"), pytest.raises(BuildDirectoryError, match="in use by another run"):
        await run(recipe(), tmp_path)


async def test_a_run_that_took_over_fences_the_one_thought_dead(tmp_path: Path) -> None:
    slow = recipe(backbone=slowed(0.05), target={"conversations": 400})
    first = asyncio.create_task(run(slow, tmp_path))
    await until_accepted(tmp_path, 5)
    second = await run(slow.model_copy(update={"target": recipe().target}), tmp_path, take_over=True)
    with pytest.raises(Exception, match="taken this build over"):
        await first
    rows = published_rows(tmp_path, second.manifest)
    assert len(rows) == len({row.id for row in rows}) >= 20


def slowed(delay_s: float) -> dict[str, Any]:
    scripted = recipe().backbone
    assert isinstance(scripted, ScriptedBackbone)
    return {**scripted.model_dump(), "delay_s": delay_s}


async def until_accepted(directory: Path, wanted: int) -> None:
    for _ in range(600):
        await asyncio.sleep(0.05)
        try:
            if BuildReader(directory).funnel().accepted >= wanted:
                return
        except BuildDirectoryError:
            continue
    raise AssertionError("nothing was accepted")


async def test_stopping_keeps_what_has_ended_and_the_next_run_goes_on(tmp_path: Path) -> None:
    slow = recipe(backbone=slowed(0.05), target={"conversations": 60})
    stop = asyncio.Event()
    task = asyncio.create_task(run(slow, tmp_path, stop=stop))
    await until_accepted(tmp_path, 3)
    stop.set()
    stopped = await task
    assert stopped.outcome is Outcome.STOPPED
    assert not stopped.manifest.complete
    before = [row.id for _, row in BuildReader(tmp_path).accepted(limit=1000)]
    assert 3 <= len(before) < 60
    finished = await run(recipe(target={"conversations": 60}), tmp_path)
    rows = published_rows(tmp_path, finished.manifest)
    assert [row.id for row in rows][: len(before)] == before
    assert len({row.id for row in rows}) == 60


async def test_tokens_of_drafts_given_up_in_flight_are_accounted_for(tmp_path: Path) -> None:
    spec = recipe().backbone
    assert isinstance(spec, ScriptedBackbone)
    backbone, stop = open_backbone("scripted", spec), asyncio.Event()
    sample, spent = backbone.sample, 0

    async def replies_hang(request: SampleRequest) -> Completion:
        nonlocal spent
        if request.role == "assistant":
            stop.set()
            await asyncio.Event().wait()
        completion = await sample(request)
        spent += completion.completion_tokens
        return completion

    backbone.sample = replies_hang  # type: ignore[method-assign]
    async with backbone:
        result = await build(recipe(), tmp_path, backbone, settings=Settings(workers=1), stop=stop)
    assert result.manifest.funnel.unfinished_completion_tokens == spent > 0
    assert result.manifest.funnel.drafts == 0


async def test_cancelling_the_task_keeps_what_has_ended_too(tmp_path: Path) -> None:
    slow = recipe(backbone=slowed(0.05), target={"conversations": 60})
    task = asyncio.create_task(run(slow, tmp_path))
    await until_accepted(tmp_path, 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    finished = await run(recipe(target={"conversations": 60}), tmp_path)
    assert len({row.id for row in published_rows(tmp_path, finished.manifest)}) == 60


async def test_drops_are_counted_sampled_and_explained(tmp_path: Path) -> None:
    mixed = recipe(
        backbone={**slowed(0), "user_turns": ["Zer da hau?", "Aukeratu bat zerrenda honetatik:"]},
        modes=[{"mode": "magpie", "exchanges": {"min": 1, "max": 1}}],
    )
    result = await run(mixed, tmp_path)
    reasons = result.manifest.funnel.reasons()
    assert set(reasons) == {"shape.colon"}
    (row,) = [row for row in result.manifest.funnel.rows if row.reason == "shape.colon"]
    assert row.gate == "user_turn", "no reply was sampled for a bad user turn"
    samples = BuildReader(tmp_path).dropped("shape.colon")
    assert samples
    assert all(sample.messages[-1].content.endswith(":") for _, sample in samples)
    assert BuildReader(tmp_path).dropped("no.such.reason") == []


async def test_a_dry_run_judges_but_drops_nothing(tmp_path: Path) -> None:
    turns = {**slowed(0), "user_turns": ["Aukeratu bat zerrenda honetatik:"]}
    result = await run(recipe(backbone=turns, filters={"dry": True}, target={"conversations": 10}), tmp_path)
    assert (result.manifest.funnel.accepted, result.manifest.funnel.dropped) == (10, 0)


async def test_duplicates_end_a_build_that_cannot_reach_its_target(tmp_path: Path) -> None:
    filters = {"language": {"enabled": False}}
    with pytest.raises(BuildError, match=r"gave up at target\.max_drafts: .*duplicates\.exact"):
        await run(recipe(filters=filters, target={"conversations": 100, "max_drafts": 120}), tmp_path)
    reader = BuildReader(tmp_path)
    rows = [row for _, row in reader.accepted(limit=1000)]
    firsts = {row.messages[0].content for row in rows}
    assert len(rows) == len(firsts) <= 40
    manifest = reader.manifest()
    assert manifest is not None
    assert not manifest.complete
    assert manifest.rows == len(rows), "what was accepted is sealed all the same"
    assert reader.funnel().drafts == 120


async def test_duplicates_are_remembered_across_runs(tmp_path: Path) -> None:
    filters = {"language": {"enabled": False}}
    await run(recipe(filters=filters, target={"conversations": 15}), tmp_path)
    await run(recipe(filters=filters, target={"conversations": 25}), tmp_path)
    rows = [row for _, row in BuildReader(tmp_path).accepted(limit=1000)]
    assert len({row.messages[0].content for row in rows}) == 25


async def test_the_language_filter_runs_in_its_own_process_and_drops(tmp_path: Path) -> None:
    english = "The weather is nice today and we would like to walk along the river with our friends."
    turns = {**slowed(0), "user_turns": [english, "Zergatik gustatzen zaio jendeari mendian lagunekin ibiltzea?"]}
    filters = {"duplicates": {"enabled": False}}
    result = await run(recipe(backbone=turns, filters=filters, target={"conversations": 10}), tmp_path)
    assert "language.foreign" in result.manifest.funnel.reasons()
    assert all("mendian" in row.messages[0].content for row in published_rows(tmp_path, result.manifest))


async def test_a_dying_backbone_ends_the_run_and_the_build_can_go_on(tmp_path: Path) -> None:
    spec = recipe().backbone
    assert isinstance(spec, ScriptedBackbone)
    backbone = open_backbone("scripted", spec)
    sample, calls = backbone.sample, 0

    async def dying(request: SampleRequest) -> Completion:
        nonlocal calls
        calls += 1
        if calls > 50:
            raise BackboneError("the engine has died")
        return await sample(request)

    backbone.sample = dying  # type: ignore[method-assign]
    async with backbone:
        with pytest.raises(BackboneError, match="has died"):
            await build(recipe(target={"conversations": 100}), tmp_path, backbone, settings=Settings(workers=1))
    kept = BuildReader(tmp_path).funnel().accepted
    assert 0 < kept < 100
    result = await run(recipe(target={"conversations": 100}), tmp_path)
    assert len({row.id for row in published_rows(tmp_path, result.manifest)}) == 100


async def test_progress_is_reported_and_ends_at_the_target(tmp_path: Path) -> None:
    seen: list[Progress] = []
    await run(recipe(backbone=slowed(0.02), target={"conversations": 40}), tmp_path, on_progress=seen.append)
    assert seen[-1].funnel.accepted == 40
    assert seen[-1].tokens_per_second > 0
    assert seen[-1].seconds_left == 0


async def test_no_barrier_a_slow_draft_holds_back_nobody(tmp_path: Path) -> None:
    """One reply takes as long as all other drafts together; with a window of two, they all end before it."""
    spec = recipe().backbone
    assert isinstance(spec, ScriptedBackbone)
    backbone = open_backbone("scripted", spec)
    sample, hung, others = backbone.sample, asyncio.Event(), 0
    all_others = asyncio.Event()

    async def one_hangs(request: SampleRequest) -> Completion:
        nonlocal others
        if request.role == "assistant" and not hung.is_set():
            hung.set()
            await all_others.wait()
        elif request.role == "user":
            others += 1
            if others > 20:
                all_others.set()
        return await sample(request)

    backbone.sample = one_hangs  # type: ignore[method-assign]
    one_exchange = recipe(
        window=2, modes=[{"mode": "magpie", "exchanges": {"min": 1, "max": 1}}], target={"conversations": 21}
    )
    async with backbone, asyncio.timeout(60):
        result = await build(one_exchange, tmp_path, backbone, settings=Settings(workers=1))
    rows = published_rows(tmp_path, result.manifest)
    assert len(rows) == 21
    assert int(rows[-1].id.rsplit("-", 1)[1]) == 0, "the slow draft came last, after all the others"


async def test_short_conversations_are_not_preferred(tmp_path: Path) -> None:
    """The window is wider than the target, and long drafts end last; they are not cut off by the short ones."""
    wide = recipe(backbone=slowed(0.02), window=500, target={"conversations": 40})
    result = await run(wide, tmp_path)
    indices = {int(row.id.rsplit("-", 1)[1]) for row in published_rows(tmp_path, result.manifest)}
    assert indices == set(range(40))
    assert result.manifest.funnel.unfinished_completion_tokens == 0


async def test_an_unknown_language_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(LanguageError, match="xx"):
        await run(Recipe.model_validate({**recipe().model_dump(), "language": "xx"}), tmp_path / "new")
    assert not (tmp_path / "new").exists()


async def test_the_split_depends_on_the_row_alone(tmp_path: Path) -> None:
    output = {"validation_share": 0.3, "shard_rows": 100}
    result = await run(recipe(output=output, target={"conversations": 60}), tmp_path)
    rows = {shard.split: shard.rows for shard in result.manifest.shards}
    assert set(rows) == {"train", "validation"}
    assert sum(rows.values()) == 60


async def test_pages_of_accepted_rows_meet_across_shards_and_ledger(tmp_path: Path) -> None:
    slow = recipe(backbone=slowed(0.02), target={"conversations": 60})
    stop = asyncio.Event()
    task = asyncio.create_task(run(slow, tmp_path, stop=stop))
    await until_accepted(tmp_path, 20)
    stop.set()
    await task
    reader, after, pages = BuildReader(tmp_path), 0, []
    while page := reader.accepted(after, limit=7):
        pages += page
        after = page[-1][0]
    numbers = [number for number, _ in pages]
    assert numbers == sorted(set(numbers))
    assert len({row.id for _, row in pages}) == reader.funnel().accepted
