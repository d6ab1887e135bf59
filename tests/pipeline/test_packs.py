"""The language packs of a build: which there are, and that they have the texts that its modes need."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from languages.loader import PACK_FILE, pack_folders
from pipeline.packs import load_packs
from schemas.errors import LanguageError
from schemas.recipe import Recipe
from schemas.settings import Settings
from tests.support.builds import recipe


def of(*modes: dict[str, Any]) -> Recipe:
    return recipe(modes=list(modes))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A Basque pack without texts for code, translation and cross-lingual replies."""
    folder = pack_folders(None)["eu"]
    shutil.copytree(folder, tmp_path / "eu")
    pack = yaml.safe_load((folder / PACK_FILE).read_text(encoding="utf-8"))
    for name in ("code_prompts", "translate_prompts", "cross_lingual_prompts"):
        del pack["modes"][name]
    (tmp_path / "eu" / PACK_FILE).write_text(yaml.safe_dump(pack, allow_unicode=True), encoding="utf-8")
    return Settings(languages=tmp_path)


def test_the_recipe_s_language_comes_first(settings: Settings) -> None:
    packs = load_packs(of({"mode": "magpie", "language": "en"}, {"mode": "magpie"}), settings)
    assert [(code, pack.code) for code, pack in packs.items()] == [("eu", "eu"), ("en", "en")]


@pytest.mark.parametrize(
    ("mode", "field"),
    [
        ({"mode": "magpie", "categories": {"general": 1, "code": 1}}, "modes.code_prompts"),
        ({"mode": "translation", "source": {"dataset": "d.jsonl"}}, "modes.translate_prompts"),
        ({"mode": "cross_lingual", "instruction_language": "en"}, "modes.cross_lingual_prompts"),
    ],
)
def test_texts_that_a_mode_needs_are_asked_for(settings: Settings, mode: dict[str, Any], field: str) -> None:
    with pytest.raises(LanguageError) as caught:
        load_packs(of(mode), settings)
    assert field in str(caught.value)
    assert str(Path("eu", PACK_FILE)) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_texts_that_no_mode_needs_are_not(settings: Settings) -> None:
    load_packs(of({"mode": "magpie", "categories": {"general": 1, "math": 1}}), settings)
    load_packs(of({"mode": "prompts", "prompts": {"dataset": "g.jsonl"}}), settings)
