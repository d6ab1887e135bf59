"""Mode `magpie`: the backbone writes both sides of the conversation, after Magpie (arXiv 2406.08464)."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator

from generators.backbone import Backbone
from generators.material import Material
from generators.mode import Step
from generators.pack_mode import PackMode
from generators.steering import Choices, Preference, draw_steering, reply_system, user_system
from generators.turns import Side, converse
from schemas.conversation import Draft, Steering
from schemas.modes import Category, MagpieMode


class Magpie(PackMode[MagpieMode]):
    """The prompt of a user turn is all that the chat template writes before it; the model has nothing to answer yet.

    Steering is shown while user turns are sampled; a reply sees the turns and, when asked for, a system prompt of its
    own. What makes a category other than `general` is a system prompt of the pack, which stands in the place of the
    steering's; no topic goes with it.
    """

    name = "magpie"

    def begin(self, index: int, material: Material | None, preference: Preference) -> Draft:
        spec, seed = self._spec, self._source_of_chance(index)
        # Its own generator, so that the weights of the categories leave all other choices as they are.
        (category,) = random.Random(f"{seed}/category").choices(list(spec.categories), list(spec.categories.values()))
        choices = Choices(seed, preference, within=None if category == "general" else category)
        exchanges = choices.rng.randint(spec.exchanges.min, spec.exchanges.max)
        steering = self._steering(category, choices)
        return Draft(
            id=self._id(index),
            index=index,
            mode=self.name,
            language=self._pack.code,
            planned=exchanges,
            steering=steering.model_copy(update={"category": category}),
            arms=choices.used,
        )

    def steps(self, draft: Draft, material: Material | None, backbone: Backbone) -> AsyncGenerator[Step, None]:
        spec, heading = self._spec, self._pack.steering.examples_heading
        return converse(
            draft,
            backbone,
            Side("user", draft.language, user_system(draft.steering, heading), spec.user_sampling, self._sanitiser),
            Side("assistant", draft.language, reply_system(draft.steering), spec.reply_sampling, self._sanitiser),
        )

    def _steering(self, category: Category, choices: Choices) -> Steering:
        spec, texts = self._spec.steering, self._pack.steering
        if category != "general":
            modes = self._pack.modes
            prompts = modes.math_prompts if category == "math" else modes.code_prompts
            spec = spec.model_copy(update={"system_prompt": True, "topics": 0.0})
            texts = texts.model_copy(update={"system_prompts": prompts})
        return draw_steering(spec, texts, choices)
