"""Language packs and their profiles."""

from __future__ import annotations

import json

from cli.checks.finding import Finding, ok, problem
from languages.loader import available_languages, load_pack
from schemas.errors import IturriError
from schemas.settings import Settings

_PROFILE_FIELDS = {"freq", "n_words", "name"}


def check_languages(settings: Settings) -> list[Finding]:
    """Every pack can be loaded, and its profile read."""
    try:
        codes = available_languages(settings.languages)
    except IturriError as error:
        return [problem("languages", str(error), "set ITURRI_LANGUAGES to a folder with language packs, or unset it")]
    return [_check_pack(code, settings) for code in codes]


def _check_pack(code: str, settings: Settings) -> Finding:
    subject = f"language {code}"
    try:
        pack = load_pack(code, settings.languages)
    except IturriError as error:
        return problem(subject, str(error), "mend the pack")
    if pack.profile is None:
        return ok(subject, f"{pack.name}, told by langdetect's own profile")
    try:
        fields = set(json.loads(pack.profile.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        return problem(subject, f"{pack.profile} cannot be read: {error}", "make it with `python -m languages.profile`")
    if not fields >= _PROFILE_FIELDS:
        return problem(
            subject, f"{pack.profile} is no langdetect profile", "make it with `python -m languages.profile`"
        )
    return ok(subject, f"{pack.name}, pack and profile can be read")
