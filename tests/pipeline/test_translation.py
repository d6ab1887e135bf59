"""A given dataset is translated: what goes wrong is dropped where it goes wrong, and costs nothing after."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from generators.backbone import SampleRequest
from generators.scripted_backbone import ScriptedBackbone
from pipeline.build import build
from pipeline.reader import BuildReader
from publishers.shard import read_shard
from schemas.errors import BuildError
from schemas.recipe import Recipe
from schemas.settings import Settings
from tests.support.translations import SPEC, asked_for

REPLY = "First of all the water has to be heated, and then the herbs are put in for five minutes."
BASQUE_REPLY = "Lehenik eta behin ura berotu behar da, eta gero belarrak bost minutuz sartzen dira bertan."
QUESTION = "How do people in the mountains make a good tea with herbs, as {name} asked?"
BASQUE_QUESTION = "Nola egiten du mendiko jendeak belar-te ona, {name} jaunak galdetu bezala?"
PROTECTED = "How do people in the mountains make a good tea with herbs, as ⟦1⟧ asked?"
SPANISH = "¿Cómo se hace en las montañas un buen té con hierbas, como ha preguntado {name} esta mañana?"
# What becomes of the first user turn, by the word that stands for `tea` in a row's question.
FAULTS = {
    "coffee": ("How do people in the mountains make a good coffee with herbs, as ⟦1⟧ asked?", "translation.leftover"),
    "soup": (BASQUE_QUESTION.replace("{name}", "Xabier"), "translation.placeholders"),
    "bread": (BASQUE_QUESTION.replace("{name}", "⟦1⟧ eta ⟦2⟧"), "translation.placeholders"),
    "wine": (SPANISH.replace("{name}", "⟦1⟧"), "language.foreign"),
    "salt": ("", "shape.empty"),
    "oil": (BASQUE_QUESTION.replace("{name}", "⟦1⟧") + " Eta gero zer gertatzen da horrekin?" * 9, "shape.cut_off"),
    "milk": ("Nola? ⟦1⟧", "translation.length"),
}
GOOD = ("tea", "jam", "rice")


def source(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.write_text(
        "".join(
            json.dumps(
                {"id": f"r{n}", "messages": [{"role": "user", "content": u}, {"role": "assistant", "content": a}]}
            )
            + "\n"
            for n, (u, a) in enumerate(rows)
        ),
        encoding="utf-8",
    )
    return path


def recipe(path: Path, target: int, language: str = "en") -> Recipe:
    return Recipe.model_validate(
        {
            "name": "itzulia",
            "language": "eu",
            "backbone": SPEC.model_dump(),
            "modes": [
                {
                    "mode": "translation",
                    "source": {"dataset": str(path), "id_column": "id", "licence": "cc0-1.0"},
                    "source_language": language,
                    "translation_sampling": {"temperature": 0.3, "max_tokens": 200},
                }
            ],
            "filters": {"duplicates": {"enabled": False}, "watch": {"enabled": False}},
            "target": {"conversations": target},
        }
    )


class Translator(ScriptedBackbone):
    def __init__(self) -> None:
        super().__init__(SPEC, self._give)
        self.asked: list[str] = []

    async def _give(self, request: SampleRequest) -> str:
        text = asked_for(request)
        assert text is not None
        self.asked.append(text)
        if text == REPLY:
            return BASQUE_REPLY
        found = next((given for word, (given, _) in FAULTS.items() if f"good {word} " in text), None)
        return BASQUE_QUESTION.replace("{name}", "⟦1⟧") if found is None else found


async def test_each_fault_ends_its_draft_at_the_turn_where_it_is(tmp_path: Path) -> None:
    words = [*FAULTS, *GOOD]
    rows = [(QUESTION.replace("tea", word), REPLY) for word in words]
    rows.insert(4, (SPANISH, "Primero hay que calentar el agua, y después se ponen las hierbas durante cinco minutos."))
    path = source(tmp_path / "source.jsonl", rows)
    backbone = Translator()
    async with backbone:
        result = await build(recipe(path, len(GOOD)), tmp_path / "build", backbone, settings=Settings(workers=1))
    funnel = result.manifest.funnel
    dropped = {(row.gate, row.reason): row.drafts for row in funnel.rows if row.gate != "accepted"}
    assert dropped == {
        ("material", "language.foreign"): 1,
        ("user_turn", "translation.leftover"): 1,
        ("user_turn", "translation.placeholders"): 2,
        ("user_turn", "language.foreign"): 1,
        ("user_turn", "shape.empty"): 1,
        ("user_turn", "shape.cut_off"): 1,
        ("user_turn", "translation.length"): 1,
    }
    assert backbone.asked.count(REPLY) == len(GOOD), "a bad instruction costs no reply"
    assert len(backbone.asked) == len(words) + len(GOOD), "a source in another language costs nothing"
    foreign = next(one for _, one in BuildReader(tmp_path / "build").dropped() if one.gate == "material")
    assert foreign.messages[0].content == SPANISH
    kept = [row for shard in result.manifest.shards for row in read_shard(tmp_path / "build" / shard.path)]
    for row in kept:
        assert [message.content for message in row.messages] == [BASQUE_QUESTION, BASQUE_REPLY]
        assert json.loads(row.source or "")["dataset"] == "source.jsonl"
    assert {row.source_document for row in kept} == {
        f"r{n}" for n, row in enumerate(rows) if any(w in row[0] for w in GOOD)
    }


async def test_a_source_without_a_language_pack_is_told_by_the_detector_alone(tmp_path: Path) -> None:
    french = (
        "Comment est-ce que les gens de la montagne préparent un bon thé avec des herbes, {name} ?",
        "Avec de l'eau.",
    )
    path = source(tmp_path / "source.jsonl", [(QUESTION, REPLY), french])
    backbone = Translator()
    async with backbone:
        with pytest.raises(BuildError, match="used up"):
            await build(recipe(path, 5, "fr"), tmp_path / "build", backbone, settings=Settings(workers=1))
    assert not any(PROTECTED in text for text in backbone.asked)
    assert any("montagne" in text for text in backbone.asked)
