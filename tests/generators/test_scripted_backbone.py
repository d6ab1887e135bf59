"""The scripted backbone keeps the protocol's promises."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from generators.backbone import Backbone, SampleRequest
from generators.scripted_backbone import ScriptedBackbone
from schemas.backbones import ScriptedBackbone as Spec
from schemas.conversation import Message
from schemas.errors import BackboneError
from schemas.sampling import Sampling

SPEC = Spec(
    kind="scripted", user_turns=("Zer da hau?", "Nola egiten da?"), replies=("Hau da.", "Horrela.", "Ez dakit.")
)
REQUEST = SampleRequest("0-00000000.0", [1, 2], Sampling(), (0xE000,), "user")


async def test_the_script_follows_the_request() -> None:
    backbone: Backbone = ScriptedBackbone(SPEC)
    async with backbone:
        texts = [(await backbone.sample(replace(REQUEST, id=f"0-{i:08d}.0"))).text for i in range(3)]
        replies = [
            (await backbone.sample(replace(REQUEST, id=f"0-{i:08d}.1", role="assistant"))).text for i in range(3)
        ]
        again = await backbone.sample(REQUEST)
    assert texts == ["Zer da hau?", "Nola egiten da?", "Zer da hau?"]
    assert replies == ["Horrela.", "Ez dakit.", "Hau da."]
    assert again.text == texts[0]
    assert again.token_ids == tuple(map(ord, again.text))
    assert (again.finish_reason, again.prompt_tokens, again.completion_tokens) == ("stop", 2, len(again.text) + 1)


async def test_max_tokens_cuts() -> None:
    async with ScriptedBackbone(SPEC) as backbone:
        cut = await backbone.sample(replace(REQUEST, sampling=Sampling(max_tokens=3)))
    assert (cut.text, cut.finish_reason, cut.completion_tokens) == ("Zer", "length", 3)


async def test_an_answer_of_ones_own() -> None:
    async def answer(request: SampleRequest) -> str:
        if request.role == "assistant":
            raise BackboneError("hilda")
        return "Bai"

    async with ScriptedBackbone(SPEC, answer) as backbone:
        assert (await backbone.sample(REQUEST)).text == "Bai"
        with pytest.raises(BackboneError, match="hilda"):
            await backbone.sample(replace(REQUEST, role="assistant"))


async def test_the_delay_can_be_cancelled() -> None:
    async with ScriptedBackbone(SPEC.model_copy(update={"delay_s": 3600})) as backbone:
        waiting = asyncio.ensure_future(backbone.sample(REQUEST))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_it_must_be_entered() -> None:
    with pytest.raises(BackboneError, match="not running"):
        await ScriptedBackbone(SPEC).sample(REQUEST)


def test_the_template_writes_every_turn() -> None:
    template = ScriptedBackbone.template
    messages = [Message(role="system", content="S"), Message(role="user", content="U")]
    assert template.user_prefix(messages[:1], "Zer") == [0xE001, ord("S"), 0xE000, 0xE002, *map(ord, "Zer")]
    assert template.reply_prefix(messages) == [0xE001, ord("S"), 0xE000, 0xE002, ord("U"), 0xE000, 0xE003]
