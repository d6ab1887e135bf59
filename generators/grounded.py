"""Mode `grounded`: a conversation about a passage of a corpus, which both sides see while they are sampled."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from generators.backbone import Backbone
from generators.material import Material, needed
from generators.mode import Step
from generators.pack_mode import PackMode
from generators.reverse import with_document
from generators.steering import Preference
from generators.turns import Side, converse
from schemas.conversation import Draft, Gate, Message, Steering
from schemas.modes import GroundedMode


class Grounded(PackMode[GroundedMode]):
    """User turns are sampled under a system message that holds the passage, replies under another one.

    The replies' own is published before the turns, where the recipe says so: training then sees what the model saw.
    A draft's material is one text, the passage, which is judged before anything is sampled.
    """

    name = "grounded"

    def begin(self, index: int, material: Material | None, preference: Preference) -> Draft:
        spec, texts = self._spec, self._pack.modes
        choices = self._choices(index, preference)
        given = needed(material)
        passage = given.texts[0]
        exchanges = choices.rng.randint(spec.exchanges.min, spec.exchanges.max)
        user_prompt = choices.take("prompt", texts.grounded_user_prompts)
        reply_prompt = choices.take("reply_prompt", texts.grounded_reply_prompts)
        return Draft(
            id=self._id(index),
            index=index,
            mode=self.name,
            language=self.language,
            preamble=(_system(reply_prompt, passage),) if spec.show_passage else (),
            planned=exchanges,
            # As the pack has them: the passage is told once, by its source.
            steering=Steering(system_prompt=user_prompt, reply_prompt=reply_prompt),
            arms=choices.used,
            passage=passage,
            source=given.source,
        )

    async def steps(self, draft: Draft, material: Material | None, backbone: Backbone) -> AsyncGenerator[Step, None]:
        yield Step(draft, Gate.MATERIAL)
        spec, passage = self._spec, needed(material).texts[0]
        asking, answering = draft.steering.system_prompt, draft.steering.reply_prompt
        user = Side("user", self.language, (_system(asking, passage),), spec.user_sampling, self._sanitiser)
        reply = Side("assistant", self.language, (_system(answering, passage),), spec.reply_sampling, self._sanitiser)
        async for step in converse(draft, backbone, user, reply):
            yield step


def _system(prompt: str | None, passage: str) -> Message:
    return Message(role="system", content=with_document(prompt, passage))
