"""langdetect profiles: those it ships, and our own, built from plain text.

A profile is langdetect's own JSON: `name` (language code), `freq` (counts of character 1- to 3-grams) and `n_words`
(total 1-, 2- and 3-grams). It holds counts only, no text. As a command:

    python -m languages.profile CODE OUT TEXT...
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import langdetect
from langdetect.utils.lang_profile import LangProfile

from schemas.errors import InputError, IturriError, LanguageError

# Fewer characters than this give a profile that mistakes its language for its neighbours.
MIN_CHARACTERS = 5_000


@cache
def shipped_profiles() -> dict[str, Path]:
    """The profiles that come with langdetect, by language code."""
    folder = Path(langdetect.__file__).parent / "profiles"
    return {path.name: path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")}


def build_profile(code: str, lines: Iterable[str]) -> str:
    """The profile of a language, as JSON, from lines of plain text; the same text gives the same bytes.

    Raises LanguageError when there is too little text.
    """
    profile = LangProfile(code)
    characters = 0
    for line in lines:
        profile.update(line)
        characters += len(line)
    if characters < MIN_CHARACTERS:
        raise LanguageError(
            f"a profile for {code!r} needs at least {MIN_CHARACTERS:,} characters of text, there are {characters:,}: "
            "give more text files"
        )
    profile.omit_less_freq()
    data = {"name": code, "n_words": profile.n_words, "freq": dict(sorted(profile.freq.items()))}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"


def _lines(paths: Sequence[Path]) -> Iterator[str]:
    for path in paths:
        try:
            with path.open(encoding="utf-8") as file:
                yield from (line.rstrip("\n") for line in file)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot be read as UTF-8 text: {error}") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: write the profile of CODE to OUT. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m languages.profile", description="Build a langdetect profile.")
    parser.add_argument("code", help="language code, such as eu")
    parser.add_argument("out", type=Path, help="the profile to write, such as languages/eu/profile.json")
    parser.add_argument("text", type=Path, nargs="+", help="plain text of the language, UTF-8")
    options = parser.parse_args(arguments)
    try:
        profile = build_profile(options.code, _lines(options.text))
        try:
            options.out.write_text(profile, encoding="utf-8")
        except OSError as error:
            raise InputError(f"{options.out}: cannot be written: {error}") from error
    except IturriError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"{options.out}: {len(profile.encode()):,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
