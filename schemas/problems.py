"""One line from a pydantic error: which field, and what is wrong with it."""

from __future__ import annotations

from pydantic import ValidationError


def first_problem(error: ValidationError) -> tuple[str, str]:
    """The first problem as (field path joined by dots, message)."""
    problem = error.errors(include_url=False)[0]
    return ".".join(str(part) for part in problem["loc"]), message(problem["type"], problem["msg"])


def message(kind: str, text: str) -> str:
    """pydantic's message in our words."""
    if kind == "extra_forbidden":
        return "there is no such field"
    if kind == "missing":
        return "this field is required"
    return text.removeprefix("Value error, ").replace("Input should be", "must be")
