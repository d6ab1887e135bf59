"""Reviews: what people think of the conversations of a build."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from schemas.base import Frozen

Mark = Literal["good", "bad"]


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("holds a zero character, which no database takes")
    return value


Note = Annotated[str, Field(max_length=2_000), AfterValidator(_storable)]


class ReviewMark(Frozen):
    """What one person says of one conversation. None is not judged."""

    language: Mark | None = Field(default=None, description="whether it is written well")
    content: Mark | None = Field(default=None, description="whether what it says is right and of use")
    note: Note | None = Field(default=None, description="why, in free words; published with the mark")

    @model_validator(mode="after")
    def _says_something(self) -> ReviewMark:
        if self.language is None and self.content is None:
            raise ValueError("mark language or content as good or bad; DELETE takes a mark back")
        return self


class Review(Frozen):
    """A mark, and whose it is."""

    row_id: str
    reviewer: str = Field(description="the name of the key; in publications `reviewer-1`, `reviewer-2`, ...")
    language: Mark | None
    content: Mark | None
    note: str | None
    at: datetime = Field(description="when it was last changed")
