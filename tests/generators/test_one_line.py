"""Errors of others in one line."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError, model_validator

from generators.one_line import one_line


class Model(BaseModel):
    number: int = 0

    @model_validator(mode="after")
    def _small(self) -> Model:
        if self.number > 9:
            raise ValueError("too many")
        return self


@pytest.mark.parametrize(
    ("error", "line"),
    [(ValueError("\n  one \ntwo"), "one"), (TimeoutError(), "TimeoutError"), (OSError("  "), "OSError")],
)
def test_the_first_line_that_says_something(error: Exception, line: str) -> None:
    assert one_line(error) == line


@pytest.mark.parametrize(("number", "line"), [("x", "number: must be a valid integer"), (10, "too many")])
def test_pydantic_s_first_problem(number: object, line: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Model(number=number)
    assert one_line(raised.value).startswith(line)
