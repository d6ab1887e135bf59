"""Mode `magpie`: the backbone writes both sides of the conversation, after Magpie (arXiv 2406.08464)."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal

from generators.backbone import Backbone, Completion, SampleRequest
from generators.mode import Step
from generators.sanitising import Sanitiser
from generators.steering import draw_steering, system_message
from languages.pack import LanguagePack
from schemas.conversation import Draft, Gate, Message, Role, Steering, Turn
from schemas.recipe import MagpieMode, Sampling


@dataclass(frozen=True, slots=True)
class Plan:
    """What is drawn for one draft before anything is sampled. Each system prompt is one message or none."""

    exchanges: int
    steering: Steering
    user_system: tuple[Message, ...]
    reply_system: tuple[Message, ...]


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

    def plan(self, index: int) -> Plan:
        """All that is random about a draft and ours, from the recipe's seed and the draft's index alone."""
        spec, texts = self._spec, self._pack.steering
        rng = random.Random(f"{self._seed}/{index}/{self.name}")
        exchanges = rng.randint(spec.exchanges.min, spec.exchanges.max)
        steering = draw_steering(spec.steering, texts, rng)
        reply_prompt = Message(role="system", content=rng.choice(texts.reply_prompts))
        return Plan(
            exchanges=exchanges,
            steering=steering,
            user_system=system_message(steering, texts.examples_heading),
            reply_system=(reply_prompt,) if spec.steering.reply_system_prompt else (),
        )

    async def draft(self, index: int, backbone: Backbone) -> AsyncGenerator[Step, None]:
        spec, plan = self._spec, self.plan(index)
        draft = Draft(
            id=f"{self._id_prefix}-{index:08d}",
            index=index,
            mode=self.name,
            language=self._pack.code,
            steering=plan.steering,
        )
        template = backbone.template
        messages: tuple[Message, ...] = ()
        for number in range(plan.exchanges):
            opener = plan.steering.opener if number == 0 else None
            prompt = template.user_prefix((*plan.user_system, *messages), opener)
            asked = await _sample(backbone, draft, "user", prompt, spec.user_sampling)
            if number and _no_room(asked):
                break
            with_user = draft.with_turn(self._turn("user", (opener or "") + asked.text, asked))
            yield Step(with_user, Gate.USER_TURN)
            messages = (*messages, with_user.last.message())

            prompt = template.reply_prefix((*plan.reply_system, *messages))
            replied = await _sample(backbone, with_user, "assistant", prompt, spec.reply_sampling)
            if number and _no_room(replied):
                break  # the conversation ends with the reply before
            draft = with_user.with_turn(self._turn("assistant", replied.text, replied))
            yield Step(draft, Gate.REPLY)
            messages = (*messages, draft.last.message())
        yield Step(draft, Gate.CONVERSATION)

    def _turn(self, role: Literal["user", "assistant"], text: str, completion: Completion) -> Turn:
        cleaned = self._sanitiser.clean(text, role)
        return Turn(
            role=role,
            content=cleaned.text,
            # Where the model played on, the turn itself had come to its end.
            finish_reason="stop" if cleaned.played_on else completion.finish_reason,
            language=self._pack.code,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
            sanitised=cleaned.labelled or cleaned.played_on,
        )


async def _sample(
    backbone: Backbone, draft: Draft, role: Role, prompt: Sequence[int], sampling: Sampling
) -> Completion:
    request = SampleRequest(
        id=f"{draft.id}.{len(draft.turns)}",
        prompt_token_ids=prompt,
        sampling=sampling,
        stop_token_ids=backbone.template.stop_token_ids,
        role=role,
        stop_texts=backbone.template.stop_texts if role == "user" else (),
    )
    return await backbone.sample(request)


def _no_room(completion: Completion) -> bool:
    """Whether the prompt alone filled the context."""
    return completion.finish_reason == "length" and completion.completion_tokens == 0
