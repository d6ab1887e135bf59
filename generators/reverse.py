"""Mode `reverse`: a passage of a corpus is the reply, and the backbone writes the instruction (arXiv 2409.12958)."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from generators.backbone import Backbone, Completion
from generators.material import Material, needed
from generators.mode import Step
from generators.pack_mode import PackMode
from generators.steering import Preference
from generators.turns import Side, complete, empty_turn, no_room
from generators.wrapping import unwrapped
from languages.pack import LanguagePack
from schemas.conversation import Draft, Gate, Message, Steering, Turn
from schemas.modes import ReverseMode


class Reverse(PackMode[ReverseMode]):
    """The instruction is what the backbone replies when it is asked for it; the passage is published as it stands.

    A draft's material is one text, the passage, which is judged before the instruction is sampled.
    """

    name = "reverse"

    def __init__(self, spec: ReverseMode, pack: LanguagePack, seed: int, id_prefix: str) -> None:
        super().__init__(spec, pack, seed, id_prefix)
        self._user = Side("user", pack.code, (), spec.user_sampling, self._sanitiser)

    def begin(self, index: int, material: Material | None, preference: Preference) -> Draft:
        choices = self._choices(index, preference)
        prompt = choices.take("instruction_prompt", self._pack.modes.reverse_prompts)
        given = needed(material)
        return Draft(
            id=self._id(index),
            index=index,
            mode=self.name,
            language=self.language,
            steering=Steering(instruction_prompt=prompt),
            arms=choices.used,
            passage=given.texts[0],
            source=given.source,
        )

    async def steps(self, draft: Draft, material: Material | None, backbone: Backbone) -> AsyncGenerator[Step, None]:
        """Where the passage does not fit into the context, the instruction is empty, for the filters to drop."""
        yield Step(draft, Gate.MATERIAL)
        passage = needed(material).texts[0]
        asking = Message(role="user", content=with_document(draft.steering.instruction_prompt, passage))
        prompt = backbone.template.reply_prefix((asking,))
        completion = await complete(backbone, draft, "user", prompt, self._user.sampling, draft.language)
        draft = draft.with_turn(empty_turn(self._user) if no_room(completion) else self._asked(completion))
        yield Step(draft, Gate.USER_TURN)
        draft = draft.with_turn(self._native(passage))
        yield Step(draft, Gate.REPLY)
        yield Step(draft, Gate.CONVERSATION)

    def _asked(self, completion: Completion) -> Turn:
        """The instruction: what the backbone gave as a reply, cleaned as one, and then as the user turn that it is."""
        replied = self._sanitiser.clean(completion.text, "assistant")
        turn = self._user.turn(replied.text, completion)
        text = unwrapped(turn.content, "")
        return turn.model_copy(
            update={
                "content": text,
                "finish_reason": "stop" if replied.played_on else turn.finish_reason,
                "sanitised": text != completion.text.strip(),
            }
        )

    def _native(self, passage: str) -> Turn:
        return Turn(
            role="assistant",
            content=passage,
            finish_reason="stop",
            language=self.language,
            prompt_tokens=0,
            completion_tokens=0,
            origin="native",
        )


def with_document(prompt: str | None, passage: str) -> str:
    """The pack's prompt with the passage in its place; what looks like a place in the passage itself stays."""
    return (prompt or "").replace("{document}", passage, 1)
