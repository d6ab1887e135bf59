"""Modes are drawn by weight, from the seed and the index."""

from __future__ import annotations

from collections import Counter
from contextlib import aclosing

from generators.magpie import Magpie
from generators.modes import ModeMixer, open_modes
from generators.opening import open_backbone
from languages.loader import load_pack
from schemas.backbones import ScriptedBackbone
from schemas.modes import MagpieMode
from schemas.recipe import Recipe, Target

PACK = load_pack("eu")
BACKBONE = ScriptedBackbone(kind="scripted", user_turns=("Zer?",), replies=("Hau.",))


def test_weights_are_shares() -> None:
    rare, common = Magpie(MagpieMode(), PACK, 0, "x"), Magpie(MagpieMode(), PACK, 0, "x")
    mixer = ModeMixer((rare, common), (1, 3), seed=5)
    drawn = [mixer.mode_of(index) for index in range(2000)]
    assert 0.2 < Counter(mode is rare for mode in drawn)[True] / 2000 < 0.3
    assert drawn == [ModeMixer((rare, common), (1, 3), seed=5).mode_of(index) for index in range(2000)]


async def test_a_recipe_s_modes_make_drafts() -> None:
    recipe = Recipe(
        name="proba",
        language="eu",
        seed=31,
        backbone=BACKBONE,
        modes=(MagpieMode(weight=2),),
        target=Target(conversations=1),
    )
    async with (
        open_backbone("proba", BACKBONE) as backbone,
        aclosing(open_modes(recipe, PACK, "1f").draft(4, backbone)) as steps,
    ):
        first = await anext(steps)
    assert first.draft.id == "1f-00000004"
    assert first.draft.mode == "magpie"
