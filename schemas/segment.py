"""A stretch of a text."""

from __future__ import annotations

from pydantic import Field

from schemas.base import Frozen


class Segment(Frozen):
    """From `start`, up to and without `end`, in characters (Unicode code points)."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)
