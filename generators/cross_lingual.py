"""Mode `cross_lingual`: user turns in one language, replies in another."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from generators.backbone import Backbone
from generators.material import Material
from generators.mode import Step
from generators.pack_mode import PackMode
from generators.sanitising import Sanitiser
from generators.steering import Preference, draw_steering, reply_system, user_system
from generators.turns import Side, converse
from languages.pack import LanguagePack
from schemas.conversation import Draft
from schemas.modes import CrossLingualMode


class CrossLingual(PackMode[CrossLingualMode]):
    """User turns are sampled as magpie's are, under `asking`, the pack of the instruction language.

    Replies are sampled under a system prompt of `replying`, the recipe's pack, that asks for its language.
    """

    name = "cross_lingual"

    def __init__(
        self, spec: CrossLingualMode, asking: LanguagePack, replying: LanguagePack, seed: int, id_prefix: str
    ) -> None:
        super().__init__(spec, replying, seed, id_prefix)
        self._asking = asking
        self._asking_sanitiser = Sanitiser.open(asking.markers)

    def begin(self, index: int, material: Material | None, preference: Preference) -> Draft:
        spec = self._spec
        choices = self._choices(index, preference)
        exchanges = choices.rng.randint(spec.exchanges.min, spec.exchanges.max)
        steering = draw_steering(spec.steering, self._asking.steering, choices)
        reply_prompt = choices.take("reply_prompt", self._pack.modes.cross_lingual_prompts)
        return Draft(
            id=self._id(index),
            index=index,
            mode=self.name,
            language=self.language,
            planned=exchanges,
            steering=steering.model_copy(update={"reply_prompt": reply_prompt}),
            arms=choices.used,
        )

    def steps(self, draft: Draft, material: Material | None, backbone: Backbone) -> AsyncGenerator[Step, None]:
        spec, asking = self._spec, self._asking
        steering = user_system(draft.steering, asking.steering.examples_heading)
        return converse(
            draft,
            backbone,
            Side("user", asking.code, steering, spec.user_sampling, self._asking_sanitiser),
            Side("assistant", draft.language, reply_system(draft.steering), spec.reply_sampling, self._sanitiser),
        )
