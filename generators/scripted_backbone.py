"""A backbone of replies written beforehand: for tests and dry runs."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self

from generators.backbone import Completion, SampleRequest
from schemas.backbones import ScriptedBackbone as ScriptedSpec
from schemas.conversation import FinishReason, Message
from schemas.errors import BackboneError

Answer = Callable[[SampleRequest], Awaitable[str]]

_END = 0xE000
_ROLES = {"system": 0xE001, "user": 0xE002, "assistant": 0xE003}
_LAYOUT = "role mark, text, end mark; token ids are code points"


class ScriptedTemplate:
    """A chat template whose token ids are code points; private-use code points mark roles and the end of a turn."""

    hash = hashlib.sha256(_LAYOUT.encode()).hexdigest()
    stop_token_ids = (_END,)
    stop_texts: tuple[str, ...] = ()
    has_system_role = True

    def user_prefix(self, messages: Sequence[Message], opener: str | None = None) -> list[int]:
        return [*self._turns(messages), _ROLES["user"], *map(ord, opener or "")]

    def reply_prefix(self, messages: Sequence[Message]) -> list[int]:
        return [*self._turns(messages), _ROLES["assistant"]]

    @staticmethod
    def _turns(messages: Sequence[Message]) -> list[int]:
        return [id_ for message in messages for id_ in (_ROLES[message.role], *map(ord, message.content), _END)]


class ScriptedBackbone:
    """Gives the script's turns in order of the numbers in a request's id, so the same request gets the same text.

    `answer`, when given, is asked instead of the script; it may wait, and raise what a backbone raises. One token is
    one character, so `max_tokens` cuts a text at as many characters.
    """

    name = "scripted"
    revision = None
    licence = None
    device = "cpu"
    window = 64
    identity = None
    template = ScriptedTemplate()

    def __init__(self, spec: ScriptedSpec, answer: Answer | None = None) -> None:
        self._spec = spec
        self._answer = answer or self._script
        self._entered = False

    async def sample(self, request: SampleRequest) -> Completion:
        if not self._entered:
            raise BackboneError("the scripted backbone is not running; enter it first")
        if self._spec.delay_s:
            await asyncio.sleep(self._spec.delay_s)
        text = await self._answer(request)
        most = request.sampling.max_tokens
        if (at := await self._cut_at(request, text[:most])) is not None:
            text = text[:at]
            return Completion(text, tuple(map(ord, text)), "length", len(request.prompt_token_ids), at, cut=True)
        finish: FinishReason = "length" if len(text) > most else "stop"
        text = text[:most]
        return Completion(
            text=text,
            token_ids=tuple(map(ord, text)),
            finish_reason=finish,
            prompt_tokens=len(request.prompt_token_ids),
            completion_tokens=len(text) + (finish == "stop"),
        )

    @staticmethod
    async def _cut_at(request: SampleRequest, text: str) -> int | None:
        """How much of the text there is when the watch cuts it off."""
        at = request.watch_from
        while request.watch is not None and at < len(text):
            if await request.watch(text[:at]):
                return at
            at *= 2
        return None

    async def _script(self, request: SampleRequest) -> str:
        number = sum(map(int, re.findall(r"\d+", request.id)))
        texts = self._spec.user_turns if request.role == "user" else self._spec.replies
        return texts[number % len(texts)]

    async def __aenter__(self) -> Self:
        self._entered = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered = False
