"""The language packs of a build: the recipe's own, and those of the other languages that its turns are in."""

from __future__ import annotations

from generators.modes import needed_texts
from languages.completeness import load_translated_pack
from languages.pack import LanguagePack
from schemas.modes import CrossLingualMode, language_of
from schemas.recipe import Recipe
from schemas.settings import Settings


def load_packs(recipe: Recipe, settings: Settings) -> dict[str, LanguagePack]:
    """By code, the recipe's language first.

    Raises LanguageError for one that is missing, or lacks texts that the recipe's modes need.
    """
    needed: dict[str, frozenset[str]] = dict.fromkeys(languages_of(recipe), frozenset())
    for spec in recipe.modes:
        for code, fields in needed_texts(spec, recipe.language).items():
            needed[code] |= fields
    return {code: load_translated_pack(code, settings.languages, fields) for code, fields in needed.items()}


def languages_of(recipe: Recipe) -> tuple[str, ...]:
    """The languages that turns of the recipe's conversations are meant to be in, its own first."""
    modes = (language_of(spec, recipe.language) for spec in recipe.modes)
    asked = (spec.instruction_language for spec in recipe.modes if isinstance(spec, CrossLingualMode))
    return tuple(dict.fromkeys((recipe.language, *modes, *asked)))
