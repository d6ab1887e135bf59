"""Other people's errors in one line."""

from __future__ import annotations


def one_line(error: BaseException) -> str:
    """The first line that says something; pydantic's first line only counts the problems."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    if len(lines) > 1 and "validation error" in lines[0]:
        return " ".join(lines[1:3]) if len(lines[1]) < 40 else lines[1]
    return lines[0]
