"""Sanitising: what a model adds to a turn when it plays on is taken off, by the markers of the pack's language."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from generators.reasoning import strip_reasoning
from languages.markers import bare_role, first_step, role_label, template_field
from languages.pack import Markers


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A turn by itself, possibly empty, and what was taken off it.

    `labelled`: it began with what is not its own, its label or reasoning. `played_on`: the model went on with another.
    """

    text: str
    labelled: bool
    played_on: bool


@dataclass(frozen=True)
class Sanitiser:
    """Takes off the label that a turn begins with, and what follows from the first label of another turn on.

    A user turn also ends where the model begins to answer it: at `Erantzuna:` or `1. urratsa` on a line of its own.
    A reply may have such headings, and reasoning before it, which is taken off. Labels in code stay.
    """

    labels: dict[str, re.Pattern[str]]
    ends: dict[str, tuple[re.Pattern[str], ...]]

    @classmethod
    def open(cls, markers: Markers) -> Sanitiser:
        roles = role_label(markers, "user", "assistant", "system")
        plays_on = (roles, bare_role(), template_field(markers))
        return cls(
            labels={
                "user": role_label(markers, "user", "question"),
                "assistant": role_label(markers, "assistant", "answer"),
            },
            ends={
                "user": (*plays_on, role_label(markers, "answer"), first_step(markers)),
                "assistant": plays_on,
            },
        )

    def clean(self, text: str, role: Literal["user", "assistant"]) -> Cleaned:
        text, reasoned = strip_reasoning(text) if role == "assistant" else (text, False)
        text = text.strip()
        label = self.labels[role].match(text)
        if label is not None:
            text = text[label.end() :].lstrip()
        ends = [found for pattern in self.ends[role] if (found := _outside_code(pattern, text))]
        turn = text[: min(ends)].rstrip() if ends else text
        return Cleaned(turn, labelled=reasoned or label is not None, played_on=bool(ends))


def _outside_code(pattern: re.Pattern[str], text: str) -> int:
    """Where the pattern first matches behind the start and in no fenced block of code; 0 for nowhere."""
    starts = (match.start() for match in pattern.finditer(text))
    return next((start for start in starts if start and text.count("```", 0, start) % 2 == 0), 0)
