"""langdetect profiles: those it ships, and our own, built from plain text.

A profile is langdetect's own JSON: `name` (language code), `freq` (counts of character 1- to 3-grams) and `n_words`
(total 1-, 2- and 3-grams). It holds counts only, no text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import langdetect
from langdetect.utils.lang_profile import LangProfile

# Fewer characters than this give a profile that mistakes its language for its neighbours.
MIN_CHARACTERS = 5_000


@cache
def shipped_profiles() -> dict[str, Path]:
    """The profiles that come with langdetect, by language code."""
    folder = Path(langdetect.__file__).parent / "profiles"
    return {path.name: path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")}


def build_profile(code: str, lines: Iterable[str]) -> str:
    """The profile of a language, as JSON, from lines of plain text; the same text gives the same bytes."""
    profile = LangProfile(code)
    for line in lines:
        profile.update(line)
    profile.omit_less_freq()
    data = {"name": code, "n_words": profile.n_words, "freq": dict(sorted(profile.freq.items()))}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"
