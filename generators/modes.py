"""The modes of a recipe."""

from __future__ import annotations

from collections.abc import Mapping

from generators.magpie import Magpie
from generators.mode import Mode
from generators.translation import Translation
from languages.pack import LanguagePack
from schemas.errors import RecipeError
from schemas.modes import MagpieMode, ModeSpec, TranslationMode, language_of
from schemas.recipe import Recipe


def open_modes(recipe: Recipe, packs: Mapping[str, LanguagePack], id_prefix: str) -> tuple[Mode, ...]:
    """The modes that the recipe asks for, in its order. A draft's id is the prefix and its index."""
    return tuple(_open(spec, recipe, packs, id_prefix) for spec in recipe.modes)


def _open(spec: ModeSpec, recipe: Recipe, packs: Mapping[str, LanguagePack], id_prefix: str) -> Mode:
    pack = packs[language_of(spec, recipe.language)]
    if isinstance(spec, MagpieMode):
        return Magpie(spec, pack, recipe.seed, id_prefix)
    if isinstance(spec, TranslationMode):
        return Translation(spec, pack, recipe.seed, id_prefix)
    raise RecipeError(f"modes: {spec.mode} cannot be built yet")
