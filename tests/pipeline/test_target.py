"""What becomes of the drafts in flight when the target is reached."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from generators.backbone import SampleRequest
from generators.scripted_backbone import ScriptedBackbone
from pipeline.build import build
from pipeline.reader import BuildReader
from schemas.backbones import ScriptedBackbone as Spec
from schemas.funnel import Funnel
from schemas.recipe import Recipe
from schemas.settings import Settings
from tests.support.builds import recipe


async def paced(made: Recipe, directory: Path, slow: int = 5) -> Funnel:
    """A build in which the longer a draft is, the later it ends, and every `slow`-th one is much later."""
    assert isinstance(made.backbone, Spec)
    spec = made.backbone

    async def answer(request: SampleRequest) -> str:
        draft, turn = request.id.rsplit("-", 1)[1].split(".")
        number = int(draft)
        await asyncio.sleep(0.05 if number % slow == 0 and turn != "0" else 0.001)
        texts = spec.user_turns if request.role == "user" else spec.replies
        return f"{texts[(number + int(turn)) % len(texts)]} {number}"

    async with ScriptedBackbone(spec, answer) as backbone:
        return (await build(made, directory, backbone, settings=Settings(workers=1))).manifest.funnel


def made(**changes: Any) -> Recipe:
    target = {"conversations": 30, **changes}
    return recipe(modes=[{"mode": "magpie", "exchanges": {"min": 1, "max": 3}}], target=target, window=16)


async def test_drafts_cut_off_at_the_target_are_counted_as_not_needed(tmp_path: Path) -> None:
    filters = {"language": {"enabled": False}, "duplicates": {"enabled": True, "threshold": 1.0}}
    many = made().model_copy(update={"filters": made().filters.model_validate(filters)})
    funnel = await paced(many, tmp_path)
    assert funnel.accepted == 30
    assert funnel.unfinished_completion_tokens == 0
    rows = [row for row in funnel.rows if row.gate == "not_needed"]
    assert funnel.not_needed == sum(row.drafts for row in rows)
    assert funnel.drafts == funnel.accepted + funnel.dropped
    before = funnel.not_needed
    # A higher target goes on where this one ended: what was cut off is run again.
    more = many.model_copy(update={"target": many.target.model_copy(update={"conversations": 31})})
    after = await paced(more, tmp_path)
    assert after.accepted == 31
    assert after.not_needed >= before


async def test_a_drained_build_keeps_what_was_in_flight(tmp_path: Path) -> None:
    drained = await paced(made(drain=True), tmp_path)
    assert drained.accepted >= 30
    assert drained.not_needed == 0
    rows = [row for _, row in BuildReader(tmp_path).accepted(limit=1000)]
    started = {int(row.id.rsplit("-", 1)[1]) for row in rows}
    assert started == set(range(len(rows))), "every draft that was begun has ended"


async def test_a_drained_build_goes_on_to_a_higher_target_without_gaps(tmp_path: Path) -> None:
    first = await paced(made(drain=True), tmp_path)
    second = await paced(made(drain=True, conversations=first.accepted + 7), tmp_path)
    assert second.accepted >= first.accepted + 7
    rows = [row for _, row in BuildReader(tmp_path).accepted(limit=1000)]
    assert len({row.id for row in rows}) == len(rows) == second.accepted
