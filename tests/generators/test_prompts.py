"""Mode prompts: the first user turn is given, what follows is sampled."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from generators.backbone import Completion, SampleRequest
from generators.material import Material
from generators.prompts import Prompts
from generators.scripted_backbone import ScriptedBackbone
from generators.steering import INDIFFERENT
from languages.loader import load_pack
from schemas.backbones import ScriptedBackbone as Spec
from schemas.conversation import Draft, Gate, Source
from schemas.modes import Exchanges, GivenPrompts, PromptsMode, SteeringSpec

PACK = load_pack("eu")
SOURCE = Source(dataset="galderak", document="17", licence="cc0-1.0")
MATERIAL = Material(17, SOURCE, (" Nola egiten da ogia?\n",))


class Recorder(ScriptedBackbone):
    def __init__(self) -> None:
        super().__init__(Spec(kind="scripted", user_turns=("Eta labea?",), replies=("Irina eta ura nahasi.",)))
        self.requests: list[SampleRequest] = []

    async def sample(self, request: SampleRequest) -> Completion:
        self.requests.append(request)
        return await super().sample(request)

    def systems(self, role: str) -> list[str]:
        prompts = ["".join(map(chr, one.prompt_token_ids)) for one in self.requests if one.role == role]
        return [prompt.split("\ue000")[0][1:] for prompt in prompts if prompt.startswith("\ue001")]


def mode(**spec: Any) -> Prompts:
    return Prompts(PromptsMode(mode="prompts", prompts=GivenPrompts(dataset="g.jsonl"), **spec), PACK, 0, "x")


async def finished(backbone: Recorder, **spec: Any) -> Draft:
    opened = mode(**spec)
    async with backbone:
        draft = opened.begin(5, MATERIAL, INDIFFERENT)
        return [step async for step in opened.steps(draft, MATERIAL, backbone)][-1].draft


async def test_the_given_turn_is_judged_before_anything_is_sampled() -> None:
    backbone, opened = Recorder(), mode()
    async with backbone:
        steps = opened.steps(opened.begin(5, MATERIAL, INDIFFERENT), MATERIAL, backbone)
        step = await anext(steps)
        await steps.aclose()
    assert backbone.requests == []
    assert step.gate is Gate.USER_TURN
    (turn,) = step.draft.turns
    assert (turn.content, turn.origin, turn.finish_reason) == ("Nola egiten da ogia?", "given", "stop")
    assert step.draft.completion_tokens == step.draft.prompt_tokens == 0
    assert step.draft.source == SOURCE


async def test_one_exchange_has_no_steering_to_tell_of() -> None:
    backbone = Recorder()
    draft = await finished(backbone, steering=SteeringSpec(examples=2))
    assert [turn.origin for turn in draft.turns] == ["given", "sampled"]
    assert draft.steering.model_dump(exclude_defaults=True) == {}
    assert draft.arms == ()
    assert backbone.systems("assistant") == []


async def test_replies_are_steered_where_asked() -> None:
    backbone = Recorder()
    draft = await finished(backbone, steering=SteeringSpec(reply_system_prompt=True))
    assert backbone.systems("assistant") == [draft.steering.reply_prompt]
    assert draft.steering.reply_prompt in PACK.steering.reply_prompts
    assert draft.arms == (f"reply_prompt={draft.steering.reply_prompt}",)


async def test_later_user_turns_are_steered_without_a_topic() -> None:
    backbone = Recorder()
    draft = await finished(backbone, exchanges=Exchanges(min=2, max=2))
    assert [turn.origin for turn in draft.turns] == ["given", "sampled", "sampled", "sampled"]
    assert [turn.content for turn in draft.turns if turn.role == "user"] == ["Nola egiten da ogia?", "Eta labea?"]
    assert backbone.systems("user") == [draft.steering.system_prompt]
    assert draft.steering.system_prompt in PACK.steering.system_prompts
    assert draft.steering.topic is None


def test_without_a_material_there_is_no_draft() -> None:
    with pytest.raises(ValueError, match="without a material"):
        mode().begin(0, None, INDIFFERENT)


@pytest.mark.parametrize(
    ("steering", "field"),
    [({"openers": 0.5}, "steering.openers"), ({"topics_from": {"dataset": "c.jsonl"}}, "steering.topics_from")],
)
def test_what_a_given_turn_leaves_no_room_for_is_refused(steering: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        mode(steering=SteeringSpec.model_validate(steering))
