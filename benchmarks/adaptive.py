"""What the adaptive mixer saves: python -m benchmarks.adaptive [--conversations N] [--seeds N] [--topics N] [--even]

Pairs of builds of one recipe and seed, with `adaptive` on and off, of a backbone whose yield depends on the steering:
replies about every other topic loop, and user turns without a topic are all alike. Everything else is the
real build. Tokens are exact; no time is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from generators.backbone import SampleRequest
from generators.scripted_backbone import ScriptedBackbone
from languages.loader import PACK_FILE, load_pack, pack_folders
from pipeline.build import build
from pipeline.reader import BuildReader
from schemas.backbones import ScriptedBackbone as Spec
from schemas.recipe import Recipe
from schemas.settings import Settings

SPEC = Spec(kind="scripted", user_turns=("-",), replies=("-",))
PLAIN = load_pack("eu").steering.system_prompts
_INDEX = re.compile(r"-(\d{8})\.\d+$")


def main() -> None:
    parser = argparse.ArgumentParser(description="What the adaptive mixer saves.")
    parser.add_argument("--conversations", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--topics", type=int, default=40, help="how many of the Basque pack's topics there are")
    parser.add_argument(
        "--even", action="store_true", help="the control: replies loop in half of the drafts, whatever steers them"
    )
    arguments = parser.parse_args()
    pairs = [
        pair(seed, arguments.conversations, arguments.topics, even=arguments.even) for seed in range(arguments.seeds)
    ]
    print(json.dumps({**vars(arguments), "ratio": median(one["ratio"] for one in pairs), "pairs": pairs}))


def pair(seed: int, conversations: int, topics: int, *, even: bool = False) -> dict[str, Any]:
    """One recipe with the mixer and without: what each spent, and how diverse its rows are."""
    adaptive, fixed = (asyncio.run(measured(seed, conversations, topics, on, even=even)) for on in (True, False))
    ratio = adaptive["tokens_per_accepted"] / fixed["tokens_per_accepted"]
    return {"seed": seed, "ratio": round(ratio, 3), "adaptive": adaptive, "fixed": fixed}


async def measured(seed: int, conversations: int, topics: int, adaptive: bool, *, even: bool = False) -> dict[str, Any]:
    """Tokens for each accepted conversation of one build, and the topics of its rows."""
    planned = recipe(seed, conversations, adaptive)
    with tempfile.TemporaryDirectory() as folder:
        directory, languages = Path(folder, "build"), Path(folder, "languages")
        settings = Settings(workers=1, languages=languages)
        async with TopicalBackbone(write_pack(languages, topics), even=even) as backbone:
            result = await build(planned, directory, backbone, settings=settings)
        rows = [row for _, row in BuildReader(directory).accepted(limit=conversations)]
    steerings = [json.loads(row.sampling)["steering"] for row in rows]
    shown = Counter(steering["topic"] for steering in steerings if "topic" in steering)
    funnel = result.manifest.funnel
    return {
        "tokens_per_accepted": round(funnel.tokens_per_accepted or 0),
        "acceptance": round(funnel.acceptance, 3),
        "topics": len(shown),
        "largest_topic": round(max(shown.values()) / len(rows), 3),
        "distinct": round(funnel.diversity.distinct or 0, 3) if funnel.diversity else None,
    }


def recipe(seed: int, conversations: int, adaptive: bool) -> Recipe:
    fields: dict[str, Any] = {
        "name": "adaptive",
        "language": "eu",
        "seed": seed,
        "backbone": SPEC.model_dump(),
        "modes": [{"mode": "magpie", "exchanges": {"min": 1, "max": 1}, "steering": {"topics": 0.6, "openers": 0.3}}],
        "filters": {"language": {"enabled": False}},
        "target": {"conversations": conversations},
        "adaptive": adaptive,
    }
    return Recipe.model_validate(fields)


def write_pack(languages: Path, topics: int) -> tuple[str, ...]:
    """The Basque pack with so many of its topics only; these."""
    folder = pack_folders(None)["eu"]
    shutil.copytree(folder, languages / "eu")
    pack = yaml.safe_load((folder / PACK_FILE).read_text(encoding="utf-8"))
    chosen = pack["steering"]["topics"] = pack["steering"]["topics"][:topics]
    (languages / "eu" / PACK_FILE).write_text(yaml.safe_dump(pack, allow_unicode=True), encoding="utf-8")
    return tuple(chosen)


class TopicalBackbone(ScriptedBackbone):
    """Replies about every other topic loop; without a topic a user turn is one of four. `even`: a coin decides."""

    def __init__(self, topics: tuple[str, ...], *, even: bool = False) -> None:
        super().__init__(SPEC, self._say)
        self._topics = topics
        self._hard = frozenset(topics[::2])
        self._even = even
        self._topic_of: dict[str, str | None] = {}

    async def _say(self, request: SampleRequest) -> str:
        await asyncio.sleep(0)
        found = _INDEX.search(request.id)
        assert found
        rng = random.Random(f"{found[1]}/{request.role}")
        if request.role == "user":
            shown = "".join(map(chr, request.prompt_token_ids))
            plain = any(prompt in shown for prompt in PLAIN)
            # The longest, since one topic may be a part of another.
            topic = None if plain else max((one for one in self._topics if one in shown), key=len)
            self._topic_of[found[1]] = topic
            if topic is None and not self._even:
                rng = random.Random(rng.randrange(4))
            return f" {_words(rng, 9)} {topic or _words(rng, 2)}?"
        topic = self._topic_of.pop(found[1])
        if rng.random() < 0.5 if self._even else topic in self._hard:
            return "eta gero berriz ere hori bera " * 12
        return f"{_words(rng, 40)}."


def _words(rng: random.Random, count: int) -> str:
    """Words that no other draft is likely to have in this order."""
    return " ".join("".join(rng.choices("aeioubdgkltnrsz", k=rng.randint(3, 8))) for _ in range(count))


if __name__ == "__main__":
    main()
