"""The protocol of modes: the ways conversations are made."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from generators.backbone import Backbone
from generators.material import Material
from generators.steering import Preference
from schemas.conversation import Draft, Gate


@dataclass(frozen=True, slots=True)
class Step:
    """A draft that stands before a gate. Nothing more is sampled until the next step is asked for."""

    draft: Draft
    gate: Gate


class Mode(Protocol):
    """Makes one draft after another; each draft is an async generator that pauses at every gate.

    The caller judges each step's draft and closes the generator to drop it, so that no more tokens are spent. All
    randomness of the mode's own derives from (recipe seed, index) and the preference. The last step stands before
    Gate.CONVERSATION. A mode that needs a material is given one for each draft.
    """

    @property
    def name(self) -> str: ...

    @property
    def language(self) -> str:
        """Of its conversations."""

    def begin(self, index: int, material: Material | None, preference: Preference) -> Draft:
        """The draft before its first turn, with all that is drawn for it."""

    def steps(self, draft: Draft, material: Material | None, backbone: Backbone) -> AsyncGenerator[Step, None]:
        """Samples the draft that `begin` gave."""
