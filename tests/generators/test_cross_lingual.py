"""Mode cross_lingual: who is steered, asked, sanitised and judged in which language."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from generators.backbone import Completion, SampleRequest
from generators.cross_lingual import CrossLingual
from generators.mode import Step
from generators.scripted_backbone import ScriptedBackbone
from generators.steering import INDIFFERENT
from languages.loader import load_pack
from schemas.backbones import ScriptedBackbone as Spec
from schemas.conversation import Gate
from schemas.modes import CrossLingualMode, Exchanges, SteeringSpec

ENGLISH, BASQUE = load_pack("en"), load_pack("eu")


class Recorder(ScriptedBackbone):
    def __init__(self, user: str, reply: str) -> None:
        super().__init__(Spec(kind="scripted", user_turns=(user,), replies=(reply,)))
        self.requests: list[SampleRequest] = []

    async def sample(self, request: SampleRequest) -> Completion:
        self.requests.append(request)
        return await super().sample(request)


async def run(backbone: Recorder, **spec: object) -> list[Step]:
    mode = CrossLingual(CrossLingualMode(mode="cross_lingual", **spec), ENGLISH, BASQUE, 3, "x")
    assert (mode.name, mode.language) == ("cross_lingual", "eu")
    async with backbone:
        return [step async for step in mode.steps(mode.begin(0, None, INDIFFERENT), None, backbone)]


async def test_user_turns_are_english_and_replies_basque() -> None:
    backbone = Recorder("How do I cook rice?", "Ura irakiten jarri lehenik.")
    steps = await run(backbone, exchanges=Exchanges(min=2, max=2), steering=SteeringSpec(topics=1, openers=1))
    assert [step.gate for step in steps][-1] is Gate.CONVERSATION
    draft = steps[-1].draft
    assert (draft.mode, draft.language) == ("cross_lingual", "eu")
    assert [(turn.role, turn.language) for turn in draft.turns] == [("user", "en"), ("assistant", "eu")] * 2
    assert [request.language for request in backbone.requests] == ["en", "eu", "en", "eu"]
    assert draft.steering.topic in ENGLISH.steering.topics
    assert draft.steering.opener in ENGLISH.steering.openers
    assert draft.steering.reply_prompt in BASQUE.modes.cross_lingual_prompts
    assert f"reply_prompt={draft.steering.reply_prompt}" in draft.arms
    for request in backbone.requests:
        shown = "".join(map(chr, request.prompt_token_ids)).split("\ue000")[0].removeprefix("\ue001")
        wanted = draft.steering.system_prompt if request.role == "user" else draft.steering.reply_prompt
        assert shown == wanted


async def test_each_side_is_sanitised_by_its_own_markers() -> None:
    backbone = Recorder(
        f"What is rice?\n{ENGLISH.markers.answer[0]}: a grain", f"Zereala da.\n{BASQUE.markers.user[0]}: eta garia?"
    )
    draft = (await run(backbone))[-1].draft
    assert [turn.content for turn in draft.turns[:2]] == ["What is rice?", "Zereala da."]
    assert all(turn.sanitised for turn in draft.turns)


def test_a_second_reply_prompt_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"steering\.reply_system_prompt: .*leave it out"):
        CrossLingualMode(mode="cross_lingual", steering=SteeringSpec(reply_system_prompt=True))
