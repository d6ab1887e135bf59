"""Language packs: what they say, and the files that their language is told by."""

from __future__ import annotations

from cli.checks.finding import Finding, ok, problem, warning
from languages.completeness import untranslated
from languages.langdetect_detector import LangdetectDetector
from languages.loader import available_languages, load_pack
from languages.words import read_words
from schemas.errors import IturriError
from schemas.settings import Settings


def check_languages(settings: Settings) -> list[Finding]:
    """Every pack can be loaded, its profile and its words read, and its texts are in its language."""
    try:
        codes = available_languages(settings.languages)
    except IturriError as error:
        return [problem("languages", str(error), "set ITURRI_LANGUAGES to a folder with language packs, or unset it")]
    return [_check_pack(code, settings) for code in codes]


def _check_pack(code: str, settings: Settings) -> Finding:
    subject = f"language {code}"
    try:
        pack = load_pack(code, settings.languages)
        LangdetectDetector(code, pack.profile)
        if pack.words is not None:
            read_words(pack.words)
    except IturriError as error:
        return problem(subject, str(error), "mend the pack, its files with `iturri language new --update`")
    if fields := untranslated(pack):
        number = f"{len(fields)} field{'s' if len(fields) > 1 else ''}"
        text = f"{pack.name}, {number} to translate before a build that needs them; filtering works"
        return warning(subject, text, f"`iturri language check {code}` says which")
    return ok(subject, f"{pack.name}, pack, profile and words can be read")
