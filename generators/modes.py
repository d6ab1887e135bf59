"""The modes of a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generators.cross_lingual import CrossLingual
from generators.grounded import Grounded
from generators.magpie import Magpie
from generators.mode import Mode
from generators.prompts import Prompts
from generators.reverse import Reverse
from generators.translation import Translation
from languages.completeness import STEERING
from languages.pack import LanguagePack
from schemas.modes import (
    CrossLingualMode,
    MagpieMode,
    ModeSpec,
    PromptsMode,
    ReverseMode,
    SteeringSpec,
    TranslationMode,
    language_of,
)
from schemas.recipe import Recipe

Needed = dict[str, frozenset[str]]
"""Fields of language packs, by the language's code."""

_GROUNDED = frozenset({"modes.grounded_user_prompts", "modes.grounded_reply_prompts"})
_CATEGORIES = {"math": "modes.math_prompts", "code": "modes.code_prompts"}


def open_modes(
    recipe: Recipe,
    packs: Mapping[str, LanguagePack],
    id_prefix: str,
    topics: Mapping[int, Sequence[str]] | None = None,
) -> tuple[Mode, ...]:
    """The modes that the recipe asks for, in its order. A draft's id is the prefix and its index.

    `topics` are those of steering.topics_from, by the mode's place in the recipe.
    """
    topics = topics or {}
    return tuple(_open(spec, recipe, packs, id_prefix, topics.get(place)) for place, spec in enumerate(recipe.modes))


def needed_texts(spec: ModeSpec, language: str) -> Needed:
    """The fields of language packs that a mode of a recipe of `language` cannot do without."""
    own = language_of(spec, language)
    if isinstance(spec, MagpieMode):
        categories = {_CATEGORIES[name] for name in spec.categories if name != "general"}
        return {own: _steering(spec.steering) | categories}
    if isinstance(spec, CrossLingualMode):
        asking = _steering(spec.steering)
        return {own: frozenset({"modes.cross_lingual_prompts"}), spec.instruction_language: asking}
    if isinstance(spec, PromptsMode):
        replies = {"steering.reply_prompts"} if spec.steering.reply_system_prompt else set[str]()
        return {own: frozenset(replies) | (STEERING if spec.exchanges.max > 1 else frozenset())}
    if isinstance(spec, TranslationMode):
        rewriting = {"modes.rewrite_prompts"} if spec.rewrite else set[str]()
        return {own: frozenset({"modes.translate_prompts", *rewriting})}
    return {own: frozenset({"modes.reverse_prompts"}) if isinstance(spec, ReverseMode) else _GROUNDED}


def _steering(spec: SteeringSpec) -> frozenset[str]:
    return STEERING if spec.topics_from is None else STEERING - {"steering.topics"}


def _open(
    spec: ModeSpec, recipe: Recipe, packs: Mapping[str, LanguagePack], id_prefix: str, topics: Sequence[str] | None
) -> Mode:
    pack = packs[language_of(spec, recipe.language)]
    if isinstance(spec, MagpieMode):
        return Magpie(spec, _with_topics(pack, topics), recipe.seed, id_prefix)
    if isinstance(spec, TranslationMode):
        return Translation(spec, pack, recipe.seed, id_prefix)
    if isinstance(spec, CrossLingualMode):
        asking = _with_topics(packs[spec.instruction_language], topics)
        return CrossLingual(spec, asking, pack, recipe.seed, id_prefix)
    if isinstance(spec, PromptsMode):
        return Prompts(spec, pack, recipe.seed, id_prefix)
    if isinstance(spec, ReverseMode):
        return Reverse(spec, pack, recipe.seed, id_prefix)
    return Grounded(spec, pack, recipe.seed, id_prefix)


def _with_topics(pack: LanguagePack, topics: Sequence[str] | None) -> LanguagePack:
    """The pack with topics of a corpus in the place of its own."""
    if topics is None:
        return pack
    return pack.model_copy(update={"steering": pack.steering.model_copy(update={"topics": tuple(topics)})})
