"""Mode magpie: what is shown to whom, the gates, and what derives from the seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from generators.backbone import Completion, SampleRequest
from generators.magpie import Magpie
from generators.mode import Step
from generators.scripted_backbone import ScriptedBackbone
from generators.steering import INDIFFERENT
from languages.loader import load_pack
from schemas.backbones import ScriptedBackbone as Spec
from schemas.conversation import Draft, Gate
from schemas.modes import Exchanges, MagpieMode, SteeringSpec

PACK = load_pack("eu")
SPEC = Spec(kind="scripted", user_turns=(" da hau?\n",), replies=("\nHau da.",))
BARE = SteeringSpec(system_prompt=False, topics=0)
TWO = Exchanges(min=2, max=2)


class Recorder(ScriptedBackbone):
    """Remembers the requests; `completion` may answer instead of the script."""

    def __init__(self, completion: Callable[[SampleRequest], Awaitable[Completion] | None] = lambda _: None) -> None:
        super().__init__(SPEC)
        self.requests: list[SampleRequest] = []
        self._completion = completion

    async def sample(self, request: SampleRequest) -> Completion:
        self.requests.append(request)
        own = self._completion(request)
        return await own if own else await super().sample(request)

    def prompts(self, role: str) -> list[str]:
        return ["".join(map(chr, r.prompt_token_ids)) for r in self.requests if r.role == role]


async def run(backbone: ScriptedBackbone, index: int = 0, seed: int = 0, **spec: Any) -> list[Step]:
    mode = Magpie(MagpieMode(**spec), PACK, seed, "x")
    async with backbone:
        return [step async for step in mode.steps(mode.begin(index, None, INDIFFERENT), None, backbone)]


async def test_two_exchanges_pass_every_gate() -> None:
    backbone = Recorder()
    steps = await run(backbone, exchanges=TWO, steering=BARE)
    assert [step.gate for step in steps] == [
        Gate.USER_TURN,
        Gate.REPLY,
        Gate.USER_TURN,
        Gate.REPLY,
        Gate.CONVERSATION,
    ]
    assert [len(step.draft.turns) for step in steps] == [1, 2, 3, 4, 4]
    last = steps[-1].draft
    assert [turn.content for turn in last.turns] == ["da hau?", "Hau da."] * 2
    assert [turn.role for turn in last.turns] == ["user", "assistant"] * 2
    assert {turn.language for turn in last.turns} == {"eu"}
    assert last.completion_tokens == sum(len(" da hau?\n") + 1 + len("\nHau da.") + 1 for _ in range(2))
    assert [request.id for request in backbone.requests] == [f"{last.id}.{turn}" for turn in range(4)]


async def test_nothing_is_sampled_before_it_is_asked_for() -> None:
    backbone = Recorder()
    async with backbone:
        mode = Magpie(MagpieMode(exchanges=TWO), PACK, 0, "x")
        steps = mode.steps(mode.begin(0, None, INDIFFERENT), None, backbone)
        await anext(steps)
        assert len(backbone.requests) == 1
        await steps.aclose()
        assert len(backbone.requests) == 1


async def test_steering_is_shown_to_user_turns_only() -> None:
    backbone = Recorder()
    steering = SteeringSpec(topics=1, examples=3, openers=1)
    draft = (await run(backbone, exchanges=TWO, steering=steering))[-1].draft
    shown = draft.steering
    assert shown.system_prompt is not None
    assert shown.topic is not None
    assert shown.topic in shown.system_prompt
    assert "{topic}" not in shown.system_prompt
    assert len(shown.examples) == 3
    system = f"{shown.system_prompt}\n\n{PACK.steering.examples_heading}\n" + "\n".join(
        f"- {e}" for e in shown.examples
    )
    first, second = backbone.prompts("user")
    assert first == f"\ue001{system}\ue000\ue002{shown.opener}"
    assert draft.turns[0].content == f"{shown.opener} da hau?"
    assert second.startswith(f"\ue001{system}\ue000\ue002{draft.turns[0].content}\ue000")
    assert second.endswith("\ue002")  # only the first turn has an opener
    for prompt in backbone.prompts("assistant"):
        assert "\ue001" not in prompt
        assert prompt.startswith(f"\ue002{draft.turns[0].content}\ue000")


async def test_replies_have_a_system_prompt_of_their_own() -> None:
    backbone = Recorder()
    steering = SteeringSpec(system_prompt=False, reply_system_prompt=True)
    draft = (await run(backbone, steering=steering))[-1].draft
    assert draft.steering.system_prompt is None
    assert draft.steering.topic is None
    assert all("\ue001" not in prompt for prompt in backbone.prompts("user"))
    for prompt in backbone.prompts("assistant"):
        assert prompt.split("\ue000")[0].removeprefix("\ue001") in PACK.steering.reply_prompts


async def test_no_steering_is_the_bare_prefix() -> None:
    backbone = Recorder()
    await run(backbone, steering=BARE, exchanges=Exchanges(min=1, max=1))
    assert backbone.prompts("user") == ["\ue002"]


async def full(role: str, number: int) -> Draft:
    """The draft of three exchanges whose turn `number` finds no room in the context."""

    async def no_room() -> Completion:
        return Completion("", (), "length", 9, 0)

    backbone = Recorder(lambda request: no_room() if request.id.endswith(f".{number}") else None)
    steps = await run(backbone, exchanges=Exchanges(min=3, max=3), steering=BARE)
    assert steps[-1].gate is Gate.CONVERSATION
    assert backbone.requests[-1].role == role
    return steps[-1].draft


async def test_a_full_context_ends_the_conversation_with_a_reply() -> None:
    assert [turn.role for turn in (await full("user", 2)).turns] == ["user", "assistant"]
    assert [turn.role for turn in (await full("assistant", 3)).turns] == ["user", "assistant"]
    assert (await full("user", 4)).exchanges == 2


async def test_a_context_full_from_the_start_is_for_the_filters() -> None:
    async def no_room() -> Completion:
        return Completion("", (), "length", 9, 0)

    steps = await run(Recorder(lambda _: no_room()), steering=BARE)
    assert steps[0].draft.last.content == ""
    assert steps[0].draft.last.finish_reason == "length"


async def test_a_draft_is_the_same_in_every_run() -> None:
    steering = SteeringSpec(topics=0.5, examples=2, openers=0.5)
    spec = {"steering": steering, "exchanges": Exchanges(min=1, max=4)}
    first = [(await run(ScriptedBackbone(SPEC), index, 7, **spec))[-1].draft for index in range(20)]
    again = [(await run(ScriptedBackbone(SPEC), index, 7, **spec))[-1].draft for index in range(20)]
    other = [(await run(ScriptedBackbone(SPEC), index, 8, **spec))[-1].draft for index in range(20)]
    assert first == again
    assert [draft.steering for draft in first] != [draft.steering for draft in other]
    assert {draft.exchanges for draft in first} == {1, 2, 3, 4}
    assert {draft.steering.opener is None for draft in first} == {True, False}
    assert {draft.steering.topic is None for draft in first} == {True, False}


async def test_one_setting_leaves_the_others_choices_alone() -> None:
    with_openers = [
        (await run(ScriptedBackbone(SPEC), i, steering=SteeringSpec(openers=1)))[-1].draft for i in range(9)
    ]
    without = [(await run(ScriptedBackbone(SPEC), i, steering=SteeringSpec()))[-1].draft for i in range(9)]
    assert [d.steering.system_prompt for d in with_openers] == [d.steering.system_prompt for d in without]
    assert [d.exchanges for d in with_openers] == [d.exchanges for d in without]


async def test_an_id_is_the_prefix_and_the_index() -> None:
    (step, *_) = await run(ScriptedBackbone(SPEC), 12)
    assert step.draft.id == "x-00000012"


async def test_categories_are_drawn_by_weight_and_have_their_own_prompts() -> None:
    mode = Magpie(MagpieMode(categories={"general": 2, "math": 1, "code": 1}), PACK, 11, "x")
    drafts = [mode.begin(index, None, INDIFFERENT) for index in range(2000)]
    counts = Counter(draft.steering.category for draft in drafts)
    assert abs(counts["general"] / 2000 - 0.5) < 0.04
    assert abs(counts["math"] / 2000 - 0.25) < 0.04
    own = {"math": PACK.modes.math_prompts, "code": PACK.modes.code_prompts}
    for draft in drafts:
        category, prompt = draft.steering.category, draft.steering.system_prompt
        if category == "general":
            assert draft.steering.topic is not None
            assert f"topic={draft.steering.topic}" in draft.arms
        else:
            assert draft.steering.topic is None
            assert prompt in own[category or ""]
            assert {f"{category}.style=plain", f"{category}.prompt={prompt}"} == set(draft.arms)
    assert {draft.steering.system_prompt for draft in drafts} >= set(PACK.modes.math_prompts)


async def test_a_category_s_prompt_is_shown_where_steering_has_none() -> None:
    backbone = Recorder()
    draft = (await run(backbone, categories={"code": 1}, steering=BARE, exchanges=TWO))[-1].draft
    assert draft.steering.category == "code"
    assert backbone.prompts("user")[0] == f"\ue001{draft.steering.system_prompt}\ue000\ue002"
    assert draft.steering.system_prompt in PACK.modes.code_prompts


def test_more_categories_leave_the_general_drafts_as_they_are() -> None:
    alone = Magpie(MagpieMode(), PACK, 11, "x")
    mixed = Magpie(MagpieMode(categories={"general": 1, "math": 1}), PACK, 11, "x")
    general = 0
    for index in range(100):
        draft = mixed.begin(index, None, INDIFFERENT)
        if draft.steering.category == "general":
            general += 1
            assert draft == alone.begin(index, None, INDIFFERENT)
    assert 30 < general < 70
