"""What a PromQL expression names: metrics, and the labels that it asks of each. No parser: enough for our own."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*(?:\{((?:[^{}\"]|\"(?:[^\"\\]|\\.)*\")*)\})?")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_WORDS = {"and", "or", "unless", "offset", "bool", "by", "without", "on", "ignoring"}


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """(metric, labels that are matched) for each metric that the expression reads."""
    rest = re.sub(r"\[[^\]]*\]", "", _GROUPING.sub("", expression))
    for found in _SELECTOR.finditer(re.sub(r"\b\d[\d.]*(e\d+)?\b", "", rest)):
        name, matchers = found.groups()
        if name in _WORDS or rest_is_call(found):
            continue
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", matchers or ""))


def rest_is_call(found: re.Match[str]) -> bool:
    """Whether what follows makes it a function."""
    return found.string[found.end() :].lstrip().startswith("(")


def grouped(expression: str) -> set[str]:
    """The labels that the expression groups by."""
    return {label.strip() for part in _GROUPING.findall(expression) for label in part.split(",") if label.strip()}
