"""A backbone that stands before another one and is it in all but what it changes."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from generators.backbone import Backbone
from generators.template import ChatTemplate


class BackboneBefore:
    """All of a backbone but `sample`, which whoever derives from this writes."""

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone

    @property
    def name(self) -> str:
        return self._backbone.name

    @property
    def revision(self) -> str | None:
        return self._backbone.revision

    @property
    def licence(self) -> str | None:
        return self._backbone.licence

    @property
    def template(self) -> ChatTemplate:
        return self._backbone.template

    @property
    def window(self) -> int:
        return self._backbone.window

    @property
    def device(self) -> str:
        return self._backbone.device

    @property
    def identity(self) -> dict[str, Any] | None:
        return self._backbone.identity

    async def __aenter__(self) -> Self:
        await self._backbone.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._backbone.__aexit__(kind, error, trace)
