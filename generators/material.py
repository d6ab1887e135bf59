"""What drafts are made from, in the modes that begin with a text that is there already."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.conversation import Source
from schemas.verdict import Drop


@dataclass(frozen=True, slots=True)
class Material:
    """One passage or one prompt (a single text), or the turns of a conversation, the user's first.

    One with a fault is nothing to make a draft from: the draft ends with it, at Gate.MATERIAL.
    """

    number: int
    source: Source
    texts: tuple[str, ...]
    fault: Drop | None = None


def needed(material: Material | None) -> Material:
    """The material of a mode that cannot do without one. Raises ValueError where none is given."""
    if material is None:
        raise ValueError("this mode makes no draft without a material")
    return material
