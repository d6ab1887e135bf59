"""What a check found."""

from __future__ import annotations

from enum import StrEnum

from schemas.base import Frozen


class Level(StrEnum):
    """How much a finding matters: a warning limits what works, a problem keeps something from working."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(Frozen):
    """One line of the doctor: what was looked at, how it is, and what to do about it."""

    level: Level
    subject: str
    text: str
    cure: str | None = None


def ok(subject: str, text: str) -> Finding:
    return Finding(level=Level.OK, subject=subject, text=text)


def warning(subject: str, text: str, cure: str) -> Finding:
    return Finding(level=Level.WARNING, subject=subject, text=text, cure=cure)


def problem(subject: str, text: str, cure: str) -> Finding:
    return Finding(level=Level.PROBLEM, subject=subject, text=text, cure=cure)
