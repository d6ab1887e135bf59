"""Errors over HTTP, as problem details (RFC 9457)."""

from __future__ import annotations

from pydantic import Field

from schemas.base import Frozen


class FieldProblem(Frozen):
    """What is wrong with one field."""

    field: str = Field(description="path of the field, joined by dots", examples=["target.conversations"])
    message: str


class Problem(Frozen):
    """An error as RFC 9457 has it; `errors` names the fields."""

    type: str = "about:blank"
    title: str = Field(examples=["Unprocessable Content"])
    status: int
    detail: str
    errors: tuple[FieldProblem, ...] = ()
