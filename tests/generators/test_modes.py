"""The modes of a recipe are opened in their languages."""

from __future__ import annotations

from contextlib import aclosing

from generators.modes import open_modes
from generators.opening import open_backbone
from generators.steering import INDIFFERENT
from languages.loader import load_pack
from schemas.backbones import ScriptedBackbone
from schemas.modes import MagpieMode
from schemas.recipe import Recipe, Target

BACKBONE = ScriptedBackbone(kind="scripted", user_turns=("Zer?",), replies=("Hau.",))


async def test_a_recipe_s_modes_make_drafts() -> None:
    recipe = Recipe(
        name="proba",
        language="eu",
        seed=31,
        backbone=BACKBONE,
        modes=(MagpieMode(weight=2), MagpieMode(language="gl")),
        target=Target(conversations=1),
    )
    basque, galician = open_modes(recipe, {code: load_pack(code) for code in ("eu", "gl")}, "1f")
    assert [(mode.name, mode.language) for mode in (basque, galician)] == [("magpie", "eu"), ("magpie", "gl")]
    async with open_backbone("proba", BACKBONE) as backbone:
        for mode in (basque, galician):
            draft = mode.begin(4, None, INDIFFERENT)
            assert (draft.id, draft.mode, draft.language) == ("1f-00000004", "magpie", mode.language)
            async with aclosing(mode.steps(draft, None, backbone)) as steps:
                assert (await anext(steps)).draft.last.language == mode.language
