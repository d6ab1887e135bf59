"""Mode `magpie`: the backbone writes both sides of the conversation, after Magpie (arXiv 2406.08464)."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator

from generators.backbone import Backbone
from generators.material import Material
from generators.mode import Step
from generators.sanitising import Sanitiser
from generators.steering import Preference, draw_steering, reply_system, user_system
from generators.turns import Side, converse
from languages.pack import LanguagePack
from schemas.conversation import Draft
from schemas.modes import MagpieMode


class Magpie:
    """The prompt of a user turn is all that the chat template writes before it; the model has nothing to answer yet.

    Steering is shown while user turns are sampled; a reply sees the turns and, when asked for, a system prompt of its
    own.
    """

    name = "magpie"

    def __init__(self, spec: MagpieMode, pack: LanguagePack, seed: int, id_prefix: str) -> None:
        self._spec = spec
        self._pack = pack
        self._seed = seed
        self._id_prefix = id_prefix
        self._sanitiser = Sanitiser.open(pack.markers)

    @property
    def language(self) -> str:
        return self._pack.code

    def begin(self, index: int, material: Material | None, preference: Preference) -> Draft:
        spec = self._spec
        rng = random.Random(f"{self._seed}/{index}/{self.name}")
        exchanges = rng.randint(spec.exchanges.min, spec.exchanges.max)
        return Draft(
            id=f"{self._id_prefix}-{index:08d}",
            index=index,
            mode=self.name,
            language=self._pack.code,
            planned=exchanges,
            steering=draw_steering(spec.steering, self._pack.steering, rng),
        )

    def steps(self, draft: Draft, material: Material | None, backbone: Backbone) -> AsyncGenerator[Step, None]:
        spec, heading = self._spec, self._pack.steering.examples_heading
        return converse(
            draft,
            backbone,
            Side("user", draft.language, user_system(draft.steering, heading), spec.user_sampling, self._sanitiser),
            Side("assistant", draft.language, reply_system(draft.steering), spec.reply_sampling, self._sanitiser),
        )
