"""The backbone as one draft sees it: what is sampled for it is counted, and watched while it is sampled."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, cast

from generators.backbone import Backbone, Completion, SampleRequest
from generators.backbone_before import BackboneBefore
from generators.reasoning import strip_reasoning
from pipeline.judging import Gates
from schemas.conversation import Draft, Gate, Turn
from schemas.filters import WatchFilter
from schemas.verdict import Drop


class TurnCutError(Exception):
    """A turn was cut off while it was sampled: the draft with what there is of it, and why."""

    def __init__(self, draft: Draft, drop: Drop) -> None:
        super().__init__(drop.reason)
        self.draft = draft
        self.drop = drop


class DraftBackbone(BackboneBefore):
    """Samples for one draft; `draft` is kept up to date by whoever walks it through its gates.

    Beside what a backbone raises, `sample` raises TurnCutError.
    """

    def __init__(self, backbone: Backbone, draft: Draft, gates: Gates, watch: WatchFilter) -> None:
        super().__init__(backbone)
        self._gates = gates
        self._watch = watch
        self.draft = draft
        self.prompt_tokens = 0
        self.completion_tokens = 0

    async def sample(self, request: SampleRequest) -> Completion:
        watch = self._watch
        if not watch.enabled or request.language is None or request.sampling.max_tokens <= watch.from_tokens:
            return self._counted(await self._backbone.sample(request))
        dropped: list[Drop] = []

        async def look(text: str) -> bool:
            spoken, _ = strip_reasoning(text)  # in user turns too: some modes sample them as replies
            so_far = self.draft.with_turn(_turn(request, spoken, 0, 0))
            verdict = await self._gates.judge(so_far, Gate.SAMPLING)
            if isinstance(verdict, Drop):
                dropped.append(verdict)
            return isinstance(verdict, Drop)

        watched = replace(request, watch=look, watch_from=watch.from_tokens)
        completion = self._counted(await self._backbone.sample(watched))
        if completion.cut:
            turn = _turn(request, completion.text, completion.prompt_tokens, completion.completion_tokens)
            raise TurnCutError(self.draft.with_turn(turn), dropped[0])
        return completion

    def _counted(self, completion: Completion) -> Completion:
        self.prompt_tokens += completion.prompt_tokens
        self.completion_tokens += completion.completion_tokens
        return completion


def _turn(request: SampleRequest, text: str, prompt_tokens: int, completion_tokens: int) -> Turn:
    return Turn(
        role=cast(Literal["user", "assistant"], request.role),
        content=text,
        finish_reason="length",
        language=request.language or "",
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
    )
