"""Mode grounded: both sides see the passage while they are sampled, each under a prompt of its own."""

from __future__ import annotations

from generators.backbone import SampleRequest
from generators.grounded import Grounded
from generators.material import Material
from generators.mode import Step
from generators.scripted_backbone import ScriptedBackbone
from generators.steering import INDIFFERENT
from languages.loader import load_pack
from schemas.backbones import ScriptedBackbone as ScriptedSpec
from schemas.conversation import Gate, Source
from schemas.modes import GroundedMode
from tests.support.corpora import document

PACK = load_pack("eu")
PASSAGE = "Idatzi {document} hemen. " + document(3)
MATERIAL = Material(2, Source(dataset="corpus", document="d2"), (PASSAGE,))


def mode(**fields: object) -> Grounded:
    spec = {"mode": "grounded", "corpus": {"dataset": "corpus"}, "exchanges": {"min": 2, "max": 2}, **fields}
    return Grounded(GroundedMode.model_validate(spec), PACK, 3, "b")


async def walked(made: Grounded) -> tuple[list[Step], list[tuple[str, str]]]:
    """The steps, and (role, prompt) of what was sampled."""
    asked: list[tuple[str, str]] = []

    async def write(request: SampleRequest) -> str:
        asked.append((request.role, "".join(map(chr, request.prompt_token_ids))))
        return "Nola bizi dira?" if request.role == "user" else "Goizean goiz jaikitzen dira."

    spec = ScriptedSpec(kind="scripted", user_turns=("-",), replies=("-",))
    async with ScriptedBackbone(spec, write) as backbone:
        draft = made.begin(1, MATERIAL, INDIFFERENT)
        return [step async for step in made.steps(draft, MATERIAL, backbone)], asked


async def test_each_side_sees_the_passage_in_its_own_prompt() -> None:
    steps, asked = await walked(mode())
    turns = [Gate.USER_TURN, Gate.REPLY]
    assert [step.gate for step in steps] == [Gate.MATERIAL, *turns, *turns, Gate.CONVERSATION]
    assert (steps[0].draft.turns, steps[0].draft.passage) == ((), PASSAGE)
    steering = steps[-1].draft.steering
    user_prompt, reply_prompt = steering.system_prompt or "", steering.reply_prompt or ""
    assert user_prompt in PACK.modes.grounded_user_prompts
    assert reply_prompt in PACK.modes.grounded_reply_prompts
    assert [role for role, _ in asked] == ["user", "assistant"] * 2
    for role, prompt in asked:
        before, after = (user_prompt if role == "user" else reply_prompt).split("{document}")
        assert f"{before}{PASSAGE}{after}" in prompt, "a place in the passage itself stays"
        assert prompt.count(PASSAGE) == 1


async def test_what_replies_saw_is_published_before_the_turns() -> None:
    steps, _ = await walked(mode())
    draft = steps[-1].draft
    first, *others = draft.messages()
    assert first.role == "system"
    assert first.content == (draft.steering.reply_prompt or "").replace("{document}", PASSAGE, 1)
    assert [message.role for message in others] == ["user", "assistant"] * 2
    assert draft.source == MATERIAL.source


async def test_the_passage_may_be_kept_out() -> None:
    steps, asked = await walked(mode(show_passage=False))
    assert [message.role for message in steps[-1].draft.messages()] == ["user", "assistant"] * 2
    assert all(PASSAGE in prompt for _, prompt in asked)
    assert steps[-1].draft.passage == PASSAGE, "the filter still asks for it"


def test_how_many_exchanges_and_which_prompts_are_drawn_from_seed_and_index() -> None:
    drawn = [mode(exchanges={"min": 1, "max": 3}).begin(index, MATERIAL, INDIFFERENT) for index in range(60)]
    assert {draft.planned for draft in drawn} == {1, 2, 3}
    assert {draft.steering.system_prompt for draft in drawn} == set(PACK.modes.grounded_user_prompts)
    assert {draft.steering.reply_prompt for draft in drawn} == set(PACK.modes.grounded_reply_prompts)
    assert drawn[7] == mode(exchanges={"min": 1, "max": 3}).begin(7, MATERIAL, INDIFFERENT)
