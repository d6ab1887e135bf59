"""The protocol of modes: the ways conversations are made."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from generators.backbone import Backbone
from schemas.conversation import Draft, Gate


@dataclass(frozen=True, slots=True)
class Step:
    """A draft that stands before a gate. Nothing more is sampled until the next step is asked for."""

    draft: Draft
    gate: Gate


class Mode(Protocol):
    """Makes one draft after another; each draft is an async generator that pauses at every gate.

    The caller judges each step's draft and closes the generator to drop it, so that no more tokens are spent.
    All randomness of the mode's own derives from (recipe seed, index). The last step stands before Gate.CONVERSATION.
    """

    @property
    def name(self) -> str: ...

    def draft(self, index: int, backbone: Backbone) -> AsyncGenerator[Step, None]: ...
