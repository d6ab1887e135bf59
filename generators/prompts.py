"""Mode `prompts`: first user turns that are given; what follows is sampled."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from generators.backbone import Backbone
from generators.material import Material, needed
from generators.mode import Step
from generators.pack_mode import PackMode
from generators.steering import Preference, draw_steering, reply_system, user_system
from generators.turns import Side, converse
from schemas.conversation import Draft, Turn
from schemas.modes import PromptsMode

# What steers user turns, all of it off.
_UNSTEERED = {"system_prompt": False, "examples": 0}


class Prompts(PackMode[PromptsMode]):
    """A given prompt is judged like any user turn, and costs no tokens; later user turns are sampled under steering.

    No topic is drawn, for the prompt has one. A draft's material is one text, the prompt.
    """

    name = "prompts"

    def begin(self, index: int, material: Material | None, preference: Preference) -> Draft:
        spec = self._spec
        choices = self._choices(index, preference)
        exchanges = choices.rng.randint(spec.exchanges.min, spec.exchanges.max)
        # What is not shown is not told.
        unseen = {"topics": 0.0, **(_UNSTEERED if exchanges == 1 else {})}
        steering = draw_steering(spec.steering.model_copy(update=unseen), self._pack.steering, choices)
        return Draft(
            id=self._id(index),
            index=index,
            mode=self.name,
            language=self.language,
            planned=exchanges,
            steering=steering,
            arms=choices.used,
            source=needed(material).source,
        )

    def steps(self, draft: Draft, material: Material | None, backbone: Backbone) -> AsyncGenerator[Step, None]:
        spec, heading = self._spec, self._pack.steering.examples_heading
        given = Turn(
            role="user",
            content=needed(material).texts[0].strip(),
            finish_reason="stop",
            language=draft.language,
            prompt_tokens=0,
            completion_tokens=0,
            origin="given",
        )
        return converse(
            draft,
            backbone,
            Side("user", draft.language, user_system(draft.steering, heading), spec.user_sampling, self._sanitiser),
            Side("assistant", draft.language, reply_system(draft.steering), spec.reply_sampling, self._sanitiser),
            first=given,
        )
