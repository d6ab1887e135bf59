"""The one protocol through which a model is sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from generators.template import ChatTemplate
from schemas.conversation import FinishReason
from schemas.recipe import Sampling


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """One completion to sample.

    `stop_token_ids` end it and are not part of the text. `role` says for whom the turn is; only the scripted backbone
    and the metrics look at it.
    """

    id: str
    prompt_token_ids: Sequence[int]
    sampling: Sampling
    stop_token_ids: Sequence[int]
    role: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What was sampled. `token_ids` is None where a server gives text only."""

    text: str
    token_ids: tuple[int, ...] | None
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int


class Backbone(Protocol):
    """A model that can be sampled. An async context manager: entering starts it, leaving ends it.

    `sample` may be called any number of times at once; cancelling the awaiting task cancels the request in the engine.
    It raises BackboneError when the model cannot be reached or has died; after that every call raises.
    """

    @property
    def name(self) -> str:
        """The model's name, as rows record it."""

    @property
    def revision(self) -> str | None: ...

    @property
    def licence(self) -> str | None: ...

    @property
    def template(self) -> ChatTemplate: ...

    @property
    def window(self) -> int:
        """How many drafts in flight keep the engine full."""

    @property
    def device(self) -> str:
        """`cpu`, `cuda`, ... or `remote`; says what the hours of a build were hours of."""

    async def sample(self, request: SampleRequest) -> Completion: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
