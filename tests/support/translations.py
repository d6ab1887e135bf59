"""A backbone that asks in English and translates into Basque: it knows a few sentences by heart."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from generators.backbone import SampleRequest
from generators.scripted_backbone import Answer, ScriptedBackbone
from languages.loader import load_pack
from pipeline.build import BuildResult, build
from schemas.backbones import ScriptedBackbone as Spec
from schemas.recipe import Recipe
from schemas.settings import Settings
from tests.support.builds import DEEDS, REPLIES, SUBJECTS

PLACES = (
    "in the mountains",
    "on the beach",
    "in the house",
    "at school",
    "at work",
    "at the market",
    "in the library",
    "in the garden",
)
PASTIMES = ("walking with friends", "reading a book", "cooking a dinner", "learning Basque", "listening to music")
ANSWERS = (
    "Yes, that is a question well thought out; first of all it has to be taken calmly.",
    "In my opinion it is best to do a little every day, and to rest once a week.",
    "Nothing special is needed for that: the will, a little time and some good help.",
)
QUESTIONS = [f"Why do people like {pastime} {place}?" for place in PLACES for pastime in PASTIMES]
BASQUE = {
    **dict(
        zip(
            QUESTIONS,
            [f"Zergatik gustatzen zaio jendeari {subject} {deed}?" for subject in SUBJECTS for deed in DEEDS],
            strict=True,
        )
    ),
    **dict(zip(ANSWERS, REPLIES, strict=True)),
}
PACK = load_pack("eu")
SPEC = Spec(kind="scripted", user_turns=("unused",), replies=("unused",))
Translate = Callable[[str], str]


def messages(request: SampleRequest) -> list[str]:
    """The messages of a prompt as the scripted template writes them, without their roles."""
    text = "".join(map(chr, request.prompt_token_ids))
    return [message[1:] for message in text.split("\ue000")[:-1]]


def asked_for(request: SampleRequest, prompts: tuple[str, ...] = PACK.modes.translate_prompts) -> str | None:
    """What a request asks to have translated; None where it asks for something else."""
    last = (messages(request) or [""])[-1]
    for prompt in prompts:
        before, after = prompt.split("{text}")
        if last.startswith(before) and last.endswith(after):
            return last[len(before) : len(last) - len(after)]
    return None


def by_heart(text: str) -> str:
    return BASQUE[text]


def answer(translate: Translate = by_heart) -> Answer:
    """Questions and answers in English, and their translations."""

    async def answered(request: SampleRequest) -> str:
        text = asked_for(request)
        if text is not None:
            return translate(text)
        number = sum(map(int, re.findall(r"\d+", request.id.rpartition("-")[2])))
        known = QUESTIONS if request.role == "user" else ANSWERS
        return known[number % len(known)]

    return answered


def recipe(**changes: Any) -> Recipe:
    """English by mode magpie, and as much of it in Basque."""
    fields: dict[str, Any] = {
        "name": "itzulia",
        "language": "eu",
        "seed": 5,
        "backbone": SPEC.model_dump(),
        "modes": [
            {"mode": "magpie", "language": "en", "exchanges": {"min": 1, "max": 2}},
            {"mode": "translation", "source_language": "en"},
        ],
        "filters": {"language": {"enabled": False}, "duplicates": {"enabled": False}},
        "target": {"conversations": 40},
        "output": {"shard_rows": 8},
        "publish": {"licence": "cc0-1.0"},
        "window": 8,
    }
    return Recipe.model_validate({**fields, **changes})


async def run(
    recipe: Recipe, directory: Path, translate: Translate = by_heart, delay_s: float = 0.02, **options: Any
) -> BuildResult:
    spec = SPEC.model_copy(update={"delay_s": delay_s})
    async with ScriptedBackbone(spec, answer(translate)) as backbone:
        return await build(recipe, directory, backbone, settings=Settings(workers=1), **options)
