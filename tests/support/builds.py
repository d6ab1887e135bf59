"""Scripted recipes and finished builds for tests of every room above the pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generators.opening import open_backbone
from pipeline.build import BuildResult, build
from schemas.backbones import ScriptedBackbone
from schemas.recipe import Recipe
from schemas.settings import Settings

SUBJECTS = ("mendian", "hondartzan", "etxean", "eskolan", "lantokian", "azokan", "liburutegian", "baratzean")
DEEDS = ("lagunekin ibiltzea", "liburu bat irakurtzea", "afaria prestatzea", "euskara ikastea", "musika entzutea")
REPLIES = (
    "Bai, ondo pentsatutako galdera da; lehenik eta behin patxadaz hartu behar da hori.",
    "Nire ustez egunero pixka bat egitea da onena, eta astean behin atseden hartzea.",
    "Horretarako ez da ezer berezirik behar: gogoa, denbora pixka bat eta laguntza ona.",
)


def recipe(directory: Path | None = None, **changes: Any) -> Recipe:
    """A recipe whose backbone is scripted: forty different first turns, replies in good Basque."""
    turns = [f"Zergatik gustatzen zaio jendeari {subject} {deed}?" for subject in SUBJECTS for deed in DEEDS]
    fields: dict[str, Any] = {
        "name": "scripted",
        "language": "eu",
        "seed": 3,
        "backbone": {"kind": "scripted", "user_turns": turns, "replies": REPLIES},
        "modes": [{"mode": "magpie", "exchanges": {"min": 1, "max": 2}}],
        "filters": {"language": {"enabled": False}, "duplicates": {"enabled": False}},
        "target": {"conversations": 20},
        "output": {"directory": directory, "shard_rows": 8},
        "publish": {"licence": "cc0-1.0"},
        "window": 8,
    }
    return Recipe.model_validate({**fields, **changes})


async def run(recipe: Recipe, directory: Path, **options: Any) -> BuildResult:
    """Build with the recipe's own scripted backbone."""
    assert isinstance(recipe.backbone, ScriptedBackbone)
    async with open_backbone("scripted", recipe.backbone) as backbone:
        return await build(recipe, directory, backbone, settings=Settings(workers=1), **options)
