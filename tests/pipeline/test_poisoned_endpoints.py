"""A build over endpoints that answer with everything but completions: none of it reaches a shard."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from generators.openai_backbone import OpenAIBackbone
from pipeline.build import Outcome, build
from publishers.shard import read_shard
from schemas.backbones import OpenAIBackbone as Spec
from schemas.settings import Settings
from tests.support.builds import REPLIES, recipe
from tests.support.generators_models import tokenizer
from tests.support.generators_server import Answer, completion, faulty_server
from tests.support.poisoned_answers import POISONED


async def test_no_poisoned_answer_reaches_a_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.endpoints.backoff_s", lambda attempt, after_s=0.0: 0.05)
    monkeypatch.setattr("generators.circuit._FIRST_S", 0.01)
    monkeypatch.setattr("generators.circuit._MOST_S", 0.05)
    monkeypatch.setattr("generators.patrol._TICK_S", 0.01)
    monkeypatch.setattr("generators.patrol._SILENT_S", 0.1)
    monkeypatch.setattr("generators.patrol._SILENT_FIRST_S", 0.1)
    monkeypatch.setattr("generators.patrol._EXAMINATION_S", 2.0)
    tokenizer("chatml").save_pretrained(tmp_path / "tokenizer")
    texts = (*recipe().backbone.user_turns, *REPLIES)  # type: ignore[union-attr]
    slow = [completion(text) for text in texts]
    for answer in slow:
        answer.wait_s = 0.02
    never = Answer(wait_s=3600)
    async with AsyncExitStack() as stack:
        well = await stack.enter_async_context(faulty_server(*slow * 20))
        poisoned = await stack.enter_async_context(faulty_server(*POISONED.values(), *POISONED.values()))
        silent = await stack.enter_async_context(faulty_server(never))
        urls = (poisoned.url, silent.url, well.url)
        spec = Spec(kind="openai", model="proba", endpoints=urls, tokenizer=str(tmp_path / "tokenizer"))
        backbone = await stack.enter_async_context(OpenAIBackbone(spec, "etxekoa"))
        silent.probe = None
        asked = recipe(backbone=spec.model_dump(), target={"conversations": 60})
        result = await build(asked, tmp_path / "build", backbone, settings=Settings(workers=1))
    assert result.outcome is Outcome.COMPLETE
    rows = [row for shard in result.manifest.shards for row in read_shard(tmp_path / "build" / shard.path)]
    assert len(rows) == 60
    assert {message.content for row in rows for message in row.messages} <= set(texts)
    assert len(poisoned.bodies) > 5
    assert silent.bodies
