"""Every mode on the real engine: one recipe, one build, the demo backbone sampled by vLLM in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from datasets import load_dataset

from generators.opening import open_backbone
from pipeline.build import build
from pipeline.reader import BuildReader
from publishers.local import publish_to_folder
from schemas.conversation import Conversation
from schemas.manifest import Manifest
from schemas.recipe import Recipe
from schemas.settings import Settings, declared_backbones

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]
ROOT = Path(__file__).resolve().parent.parent.parent
SHORT = {"max_tokens": 40}
DOCUMENTS = (
    "Ura bizitzarako ezinbestekoa da. Ibaiek mendietan dute sorburua, eta itsasora iristen dira. Lurreko ur gehiena "
    "gazia da, itsasoetan dagoelako; geza, berriz, izotzetan, ibaietan eta lur azpian dago batez ere.",
    "Euskal Herriko baserriak mendi-hegaletan egin ohi ziren. Beheko solairuan ganadua edukitzen zen, eta goikoan "
    "familia bizi zen; ganbaran, aldiz, belarra eta uzta gordetzen ziren neguan zehar.",
)


def recipe(folder: Path) -> Recipe:
    """All modes; the filters judge and drop nothing, since the demo backbone follows no instructions."""
    corpus = folder / "corpus.jsonl"
    corpus.write_text("".join(json.dumps({"text": text, "title": "T"}) + "\n" for text in DOCUMENTS * 30))
    prompts = folder / "prompts.txt"
    prompts.write_text("".join(f"Zer da {thing}?\n" for thing in ("ura", "haizea", "mendia", "itsasoa") * 10))
    steering = {"system_prompt": False}
    two = {"exchanges": {"min": 2, "max": 2}, "user_sampling": SHORT, "reply_sampling": SHORT}
    return Recipe.model_validate(
        {
            "name": "all-modes",
            "language": "eu",
            "seed": 5,
            "backbone": "demo",
            "modes": [
                {"mode": "magpie", **two, "steering": steering, "categories": {"general": 1, "math": 1, "code": 1}},
                {"mode": "magpie", "language": "en", **two},
                {"mode": "translation", "translation_sampling": SHORT, "rewrite": True, "rewriting_sampling": SHORT},
                {"mode": "reverse", "corpus": {"dataset": str(corpus), "min_chars": 50}, "user_sampling": SHORT},
                {"mode": "grounded", "corpus": {"dataset": str(corpus), "min_chars": 50}, **two},
                {"mode": "cross_lingual", **two},
                {"mode": "prompts", "prompts": {"dataset": str(prompts)}, **two},
            ],
            "filters": {"dry": True},
            "target": {"conversations": 60},
            "output": {"shard_rows": 20},
            "publish": {"licence": "cc0-1.0"},
            "window": 32,
        }
    )


async def test_every_mode_makes_rows_that_say_how_they_were_made(tmp_path: Path) -> None:
    spec = declared_backbones(Settings(backbones=ROOT / "demo" / "backbones.yaml"))["demo"]
    async with open_backbone("demo", spec) as backbone:
        result = await build(recipe(tmp_path), tmp_path / "build", backbone, settings=Settings(workers=1))
    rows = [row for _, row in BuildReader(tmp_path / "build").accepted(limit=1000)]
    by_mode: dict[str, list[Conversation]] = {}
    for row in rows:
        by_mode.setdefault(f"{row.mode}-{row.language}", []).append(row)
    names = {"magpie-eu", "magpie-en", "translation-eu", "reverse-eu", "grounded-eu", "cross_lingual-eu", "prompts-eu"}
    assert by_mode.keys() == names
    assert {one.mode for one in result.manifest.funnel.modes} == names

    english = {row.id: row for row in by_mode["magpie-en"]}
    for row in by_mode["translation-eu"]:
        assert set(row.turn_origins) == {"translated"}
        assert row.source_document in english
        assert len(row.messages) <= len(english[row.source_document].messages)
    for row in by_mode["reverse-eu"]:
        assert row.turn_origins == ("sampled", "native")
        assert row.messages[1].content in DOCUMENTS
    for row in by_mode["grounded-eu"]:
        assert row.messages[0].role == "system"
        assert any(document in row.messages[0].content for document in DOCUMENTS)
    for row in by_mode["cross_lingual-eu"]:
        assert set(row.turn_languages[::2]) == {"en"}
        assert set(row.turn_languages[1::2]) == {"eu"}
    for row in by_mode["prompts-eu"]:
        assert row.turn_origins[0] == "given"
        assert row.messages[0].content.startswith("Zer da ")
    assert all(row.completion_tokens > 0 for row in rows)
    loads(tmp_path / "build", tmp_path / "published", result.manifest)


def loads(directory: Path, folder: Path, manifest: Manifest) -> None:
    publish_to_folder(directory, folder)
    for shard in manifest.shards:
        loaded = load_dataset(str(folder), shard.config, split=shard.split)
        assert loaded.num_rows >= shard.rows
        assert {"turn_origins", "turn_languages", "source"} <= set(loaded.column_names)
