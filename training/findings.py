"""Warnings from what is known: the findings of Sainz et al. (EMNLP 2025), with their figures.

The figures are of their 8B variants: first the mean of 14 Basque tasks, then the arena's score, where people compared
replies, overall unless another is named.
"""

from __future__ import annotations

from collections.abc import Iterable

from schemas.training import ConversationSource, TrainingRecipe
from schemas.training_grid import TrainingGrid

_PAPER = "(the mean of 14 Basque tasks in per cent, and the arena's score; Sainz et al. 2025)"
NO_CORPUS = (
    "no documents in the language; the instructed backbone with all instructions came to 57.51 and 936 without a "
    f"corpus, to 64.20 and 1050 with one {_PAPER}"
)
NO_REPLAY = (
    "instructions in {language} alone; English ones, sampled from the same backbone, act as replay. Beside the corpus "
    "a base model came to 58.97 and 985 with Basque ones alone, to 60.89 and 1017 with English ones alone; the "
    f"instructed one to 63.72 and 1050 with Basque ones alone, to 64.20 and 1050 with both {_PAPER}"
)
NO_INSTRUCTIONS = (
    "no instructions; documents alone wear down the chat ability of an instructed model, which came to 62.73 and 942, "
    f"and to 64.19 and 1038 with English instructions sampled from it beside them {_PAPER}"
)
NO_CHAT = (
    "without a chat template of its own, as base models are; with a corpus and English instructions a base model came "
    f"to 60.89 and 1017, the instructed one to 64.19 and 1038 {_PAPER}"
)
ONLY_TRANSLATED = (
    "all instructions in {language} are translated, and the model is a base one; with such alone the language of its "
    "replies scored 1002 in the arena, with English ones alone 1027 (Sainz et al. 2025)"
)


def warnings_of(recipe: TrainingRecipe) -> tuple[str, ...]:
    """What the findings say against a recipe, a line each that begins with the field.

    A model that is given a chat template is taken for a base one: an instructed model has its own. Nothing is said of a
    recipe in English alone.
    """
    if set(recipe.languages) == {"en"}:
        return ()
    taught = _languages(recipe.data.conversations, recipe)
    alone = next(iter(taught)) if len(taught) == 1 and taught != {"en"} else None
    base = recipe.model.chat_template is not None
    found = []
    if taught and not recipe.data.corpus:
        found.append(f"data.corpus: {NO_CORPUS}")
    if alone:
        found.append(f"data.conversations: {NO_REPLAY.format(language=alone)}")
    if not taught and not base:
        found.append(f"data.conversations: {NO_INSTRUCTIONS}")
    if taught and base:
        found.append(f"model.chat_template: {NO_CHAT}")
        if alone and all(source.modes == ("translation",) for source in recipe.data.conversations):
            found.append(f"data.conversations: {ONLY_TRANSLATED.format(language=alone)}")
    return tuple(found)


def warnings_of_grid(grid: TrainingGrid) -> tuple[str, ...]:
    """What the findings say against a whole grid, whose variants differ on purpose: what none of them has."""
    in_language, in_other = (grid.instructions.get(one) for one in (grid.language, grid.other_language))
    found = []
    if not grid.corpus:
        found.append(f"corpus: {NO_CORPUS}")
    if in_language and not in_other:
        found.append(f"instructions.{grid.other_language}: {NO_REPLAY.format(language=grid.language)}")
    if not in_language and not in_other and grid.backbones.instructed:
        found.append(f"instructions: {NO_INSTRUCTIONS}")
    if (in_language or in_other) and not grid.backbones.instructed:
        found.append(f"backbones.instructed: every variant is {NO_CHAT}")
    return tuple(found)


def _languages(sources: Iterable[ConversationSource], recipe: TrainingRecipe) -> set[str]:
    return {language for source in sources for language in source.languages or recipe.languages}
