"""The one protocol through which a model is sampled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from generators.template import ChatTemplate
from schemas.conversation import FinishReason
from schemas.sampling import Sampling

Watch = Callable[[str], Awaitable[bool]]
"""Looks at the text so far of a completion that is being sampled; True cuts it off."""


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """One completion to sample.

    `stop_token_ids` and `stop_texts` end it and are not part of the text. `role` says for whom the turn is; only the
    scripted backbone and the metrics look at it. `language` is the one that the text should be in; None where it has
    none, or several.
    `watch` is asked once `watch_from` tokens are sampled and again each time they have doubled, as nearly as the
    backbone can; when it says so, the request is cancelled and no more tokens are spent on it.
    """

    id: str
    prompt_token_ids: Sequence[int]
    sampling: Sampling
    stop_token_ids: Sequence[int]
    role: str
    language: str | None = None
    watch: Watch | None = None
    watch_from: int = 32
    stop_texts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    """What was sampled. `token_ids` is None where a server gives text only; `cut`: the watch ended it."""

    text: str
    token_ids: tuple[int, ...] | None
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    cut: bool = False


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
        """How many drafts in flight keep the engine full; it may change while the backbone runs."""

    @property
    def device(self) -> str:
        """`cpu`, `cuda`, ... or `remote`; says what the hours of a build were hours of."""

    @property
    def identity(self) -> dict[str, Any] | None:
        """JSON values from which another model under the same name can be told (generators/model_probe.py); None where
        the revision says it all."""

    async def sample(self, request: SampleRequest) -> Completion: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
