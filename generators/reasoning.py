"""Reasoning that a model writes before its reply: its marks, the switches that keep it off, taking it off a reply.

Replies are published, reasoning is not. The marks are those that chat templates write; none is tied to a family.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

BLOCKS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel>thought", "<channel|>"),
)
"""What opens and what closes a block of reasoning."""

SWITCHES: Mapping[str, Any] = {
    "enable_thinking": False,
    "thinking": False,
    "enable_reasoning": False,
    "thinking_budget": 0,
}
"""Variables with which templates switch reasoning, at the value that keeps it off."""

EFFORT = "reasoning_effort"
EFFORTS = ("none", "no_think", "minimal", "low")
"""The least effort that a template may know of, the least first."""

_CLOSING = dict(BLOCKS)


def _any(marks: tuple[str, ...]) -> str:
    return "|".join(map(re.escape, marks))


_OPENS = re.compile(rf"\s*({_any(tuple(opening for opening, _ in BLOCKS))})")
# At the very start, or alone on a line as models write it; elsewhere it is spoken of.
_CLOSERS = _any(tuple(closing for _, closing in BLOCKS))
_CLOSES_AT_ONCE = re.compile(rf"\s*(?:{_CLOSERS})")
_CLOSES = re.compile(rf"^[ \t]*(?:{_CLOSERS})[ \t]*$", re.MULTILINE)
# Channels of the harmony format (github.com/openai/harmony), with their special tokens and where those are left out.
_CHANNEL = re.compile(r"\s*(?:<\|start\|>assistant)?<\|channel\|>")
_FINAL = re.compile(r"<\|channel\|>final\b")
_MESSAGE = re.compile(r"<\|message\|>")
_MESSAGE_ENDS = re.compile(r"<\|(?:end|return|start|channel)\|>|\Z")
_BARE_CHANNEL = re.compile(r"\s*(?:analysis|commentary).*?assistantfinal", re.DOTALL)


def strip_reasoning(text: str) -> tuple[str, bool]:
    """The reply without the reasoning that it begins with, and whether there was any.

    Nothing is left of a reply that is unfinished reasoning. Marks that are spoken of later, or in code, stay.
    """
    left: tuple[int, int] | None = None
    shorter = _without_first(text, 0, len(text))
    while shorter is not None:
        left = shorter
        shorter = _without_first(text, *left)
    return (text, False) if left is None else (text[slice(*left)].lstrip(), True)


def _without_first(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Where in the text the part is without its first piece of reasoning; None when it begins with none.

    Places and not texts, so that thousands of pieces stay cheap.
    """
    if opened := _OPENS.match(text, start, end):
        closing = _CLOSING[opened[1]]
        at = text.find(closing, opened.end(), end)
        return (end if at < 0 else at + len(closing), end)
    if _CHANNEL.match(text, start, end):
        final = _FINAL.search(text, start, end)
        message = _MESSAGE.search(text, final.end(), end) if final else None
        ends = _MESSAGE_ENDS.search(text, message.end(), end) if message else None
        return (message.end(), ends.start()) if message and ends else (end, end)
    if bare := _BARE_CHANNEL.match(text, start, end):
        return bare.end(), end
    closed = _CLOSES_AT_ONCE.match(text, start, end) or _CLOSES.search(text, start, end)
    # The prompt may have opened the block, so that the reply only closes it.
    if closed and not text.count("```", start, closed.start()) % 2 and not _spoken_of(text[start : closed.start()]):
        return closed.end(), end
    return None


def _spoken_of(text: str) -> bool:
    return any(opening in text for opening, _ in BLOCKS)


def left_open(text: str) -> str | None:
    """What closes the block of reasoning that the text leaves open; None when it leaves none open."""
    return next((closing for opening, closing in BLOCKS if text.rfind(opening) > text.rfind(closing)), None)
