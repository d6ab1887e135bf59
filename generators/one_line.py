"""Other people's errors in one line."""

from __future__ import annotations

from pydantic import ValidationError

from schemas.problems import first_problem


def one_line(error: BaseException) -> str:
    """The first line that says something, or the error's kind."""
    text = str(error)
    if isinstance(error, ValidationError):
        where, what = first_problem(error)
        text = f"{where}: {what}" if where else what
    lines = text.strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
