"""Words that carry grammar, of the languages that leak into smaller ones."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent


@cache
def function_words() -> dict[str, frozenset[str]]:
    """Function words by language code, lower case: those listed here, and those of the packs that ship."""
    lists = _read(HERE / "function_words.yaml")
    packs = {path.parent.name: _read(path)["function_words"] for path in HERE.glob("*/pack.yaml")}
    return {code: frozenset(words) for code, words in {**lists, **packs}.items()}


@cache
def grammar() -> dict[str, frozenset[str]]:
    """The languages in which a word carries grammar."""
    languages: dict[str, set[str]] = {}
    for code, words in function_words().items():
        for word in words:
            languages.setdefault(word, set()).add(code)
    return {word: frozenset(codes) for word, codes in languages.items()}


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))
