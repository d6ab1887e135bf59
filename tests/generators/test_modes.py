"""The modes of a recipe are opened in their languages."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import pytest
from pydantic import TypeAdapter

from generators.material import Material
from generators.modes import needed_texts, open_modes
from generators.opening import open_backbone
from generators.steering import INDIFFERENT
from languages.completeness import STEERING, missing_texts
from languages.loader import load_pack
from schemas.backbones import ScriptedBackbone
from schemas.conversation import Source
from schemas.modes import CrossLingualMode, MagpieMode, ModeSpec
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


def needed(mode: str, **fields: Any) -> dict[str, frozenset[str]]:
    return needed_texts(TypeAdapter(ModeSpec).validate_python({"mode": mode, **fields}), "eu")


def test_each_mode_says_which_texts_of_which_packs_it_needs() -> None:
    corpus = {"dataset": "c.jsonl"}
    math = frozenset({"modes.math_prompts"})
    assert needed("magpie") == {"eu": STEERING}
    assert needed("magpie", language="gl", categories={"general": 1, "math": 1}) == {"gl": STEERING | math}
    assert needed("magpie", steering={"topics_from": corpus}) == {"eu": STEERING - {"steering.topics"}}
    assert needed("cross_lingual") == {"eu": frozenset({"modes.cross_lingual_prompts"}), "en": STEERING}
    assert needed("translation") == {"eu": frozenset({"modes.translate_prompts"})}
    both = frozenset({"modes.translate_prompts", "modes.rewrite_prompts"})
    assert needed("translation", rewrite=True) == {"eu": both}
    assert needed("reverse", corpus=corpus) == {"eu": frozenset({"modes.reverse_prompts"})}
    grounded = frozenset({"modes.grounded_user_prompts", "modes.grounded_reply_prompts"})
    assert needed("grounded", corpus=corpus) == {"eu": grounded}
    assert needed("prompts", prompts=corpus) == {"eu": frozenset()}
    replies = frozenset({"steering.reply_prompts"})
    assert needed("prompts", prompts=corpus, steering={"reply_system_prompt": True}) == {"eu": replies}
    assert needed("prompts", prompts=corpus, exchanges={"min": 1, "max": 2}) == {"eu": STEERING}


def test_what_a_mode_needs_are_fields_of_a_pack() -> None:
    pack = load_pack("eu")
    corpus = {"dataset": "c.jsonl"}
    asked = (
        needed("magpie", categories={"math": 1, "code": 1}),
        needed("cross_lingual"),
        needed("translation", rewrite=True),
        needed("reverse", corpus=corpus),
        needed("grounded", corpus=corpus),
        needed("prompts", prompts=corpus, exchanges={"min": 2, "max": 2}, steering={"reply_system_prompt": True}),
    )
    assert all(missing_texts(pack, fields["eu"]) == () for fields in asked)


def test_topics_of_a_corpus_stand_in_the_place_of_the_pack_s() -> None:
    recipe = Recipe(
        name="proba",
        language="eu",
        backbone=BACKBONE,
        modes=(MagpieMode(), CrossLingualMode(mode="cross_lingual")),
        target=Target(conversations=1),
    )
    packs = {code: load_pack(code) for code in ("eu", "en")}
    own, asked = open_modes(recipe, packs, "1f", {1: ("whales",)})
    assert {asked.begin(index, None, INDIFFERENT).steering.topic for index in range(20)} == {"whales"}
    assert own.begin(0, None, INDIFFERENT).steering.topic in packs["eu"].steering.topics


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ({"mode": "reverse", "corpus": {"dataset": "c"}}, {"instruction_prompt": "instruction_prompt"}),
        (
            {"mode": "grounded", "corpus": {"dataset": "c"}},
            {"prompt": "system_prompt", "reply_prompt": "reply_prompt"},
        ),
        (
            {"mode": "translation", "source": {"dataset": "c"}, "rewrite": True},
            {"translate_prompt": "translate_prompt", "rewrite_prompt": "rewrite_prompt"},
        ),
    ],
)
def test_prompts_of_modes_without_steering_are_arms_too(mode: dict[str, Any], told: dict[str, str]) -> None:
    spec = TypeAdapter(ModeSpec).validate_python(mode)
    recipe = Recipe(name="proba", language="eu", backbone=BACKBONE, modes=(spec,), target=Target(conversations=1))
    (opened,) = open_modes(recipe, {"eu": load_pack("eu")}, "1f")
    material = Material(0, Source(dataset="c", document="0"), ("Galdera bat?", "Erantzun bat."))
    draft = opened.begin(0, material, INDIFFERENT)
    assert dict(arm.split("=", 1) for arm in draft.arms) == {
        factor: getattr(draft.steering, name) for factor, name in told.items()
    }
