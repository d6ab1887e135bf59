"""Sampling turns: one by one, and exchange after exchange."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal

from generators.backbone import Backbone, Completion, SampleRequest
from generators.mode import Step
from generators.sanitising import Sanitiser
from schemas.conversation import Draft, Gate, Message, Turn
from schemas.sampling import Sampling

TurnRole = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a conversation: in which language, under which system message, and how it is sampled."""

    role: TurnRole
    language: str
    system: tuple[Message, ...]
    sampling: Sampling
    sanitiser: Sanitiser

    async def sample(
        self, draft: Draft, messages: Sequence[Message], backbone: Backbone, opener: str = ""
    ) -> Turn | None:
        """The next turn, after the messages; None when the context has no room for one."""
        seen = (*self.system, *messages)
        template = backbone.template
        asked = self.role == "user"
        prompt = template.user_prefix(seen, opener or None) if asked else template.reply_prefix(seen)
        stops = template.stop_texts if asked else ()
        completion = await complete(backbone, draft, self.role, prompt, self.sampling, self.language, stops)
        return None if no_room(completion) else self.turn(opener + completion.text, completion)

    def turn(self, text: str, completion: Completion) -> Turn:
        """The turn that a completion makes, without what the model added to it."""
        cleaned = self.sanitiser.clean(text, self.role)
        return Turn(
            role=self.role,
            content=cleaned.text,
            # Where the model played on, the turn itself had come to its end.
            finish_reason="stop" if cleaned.played_on else completion.finish_reason,
            language=self.language,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
            sanitised=cleaned.labelled or cleaned.played_on,
        )


async def converse(
    draft: Draft, backbone: Backbone, user: Side, reply: Side, first: Turn | None = None
) -> AsyncGenerator[Step, None]:
    """Samples as many exchanges as the draft is to have; `first` is the first user turn where it is given.

    A side sees its own system message and all turns so far. Where the context is full, the conversation ends with the
    reply before; a first exchange that has no room gives an empty turn, for the filters to drop.
    """
    for number in range(draft.planned):
        opener = (draft.steering.opener or "") if number == 0 else ""
        asked = first if first is not None and number == 0 else await user.sample(draft, _said(draft), backbone, opener)
        if asked is None and number:
            break
        with_user = draft.with_turn(asked or empty_turn(user))
        yield Step(with_user, Gate.USER_TURN)
        replied = await reply.sample(with_user, _said(with_user), backbone)
        if replied is None and number:
            break
        draft = with_user.with_turn(replied or empty_turn(reply))
        yield Step(draft, Gate.REPLY)
    yield Step(draft, Gate.CONVERSATION)


async def complete(
    backbone: Backbone,
    draft: Draft,
    role: TurnRole,
    prompt: Sequence[int],
    sampling: Sampling,
    language: str | None,
    stop_texts: Sequence[str] = (),
) -> Completion:
    """One completion for a draft's next turn."""
    request = SampleRequest(
        id=f"{draft.id}.{len(draft.turns)}",
        prompt_token_ids=prompt,
        sampling=sampling,
        stop_token_ids=backbone.template.stop_token_ids,
        role=role,
        language=language,
        stop_texts=stop_texts,
    )
    return await backbone.sample(request)


def no_room(completion: Completion) -> bool:
    """Whether the prompt alone filled the context."""
    return completion.finish_reason == "length" and completion.completion_tokens == 0


def empty_turn(side: Side) -> Turn:
    """A turn that the context had no room for."""
    return Turn(
        role=side.role,
        content="",
        finish_reason="length",
        language=side.language,
        prompt_tokens=0,
        completion_tokens=0,
    )


def _said(draft: Draft) -> tuple[Message, ...]:
    return tuple(turn.message() for turn in draft.turns)
