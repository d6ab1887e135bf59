"""Turns a talk into the messages it is trained as: with the system prompts under which Iturri will sample it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import yaml

from demo.grammar.core import Talk, pick

PACK = Path(__file__).parent.parent / "languages" / "eu" / "pack.yaml"
Messages = list[dict[str, str]]


# The weights were trained with the first texts of each of the pack's lists; those added later would make others.
KNOWN = {"system_prompts": 3, "topic_prompts": 2, "reply_prompts": 1, "example_turns": 8, "openers": 15, "topics": 22}


class Dressing:
    """The language pack's steering texts, as far as the demo backbone knows them, dealt out as a build does."""

    def __init__(self, pack: Path = PACK) -> None:
        steering: dict[str, Any] = yaml.safe_load(pack.read_text())["steering"]
        steering |= {name: steering[name][:count] for name, count in KNOWN.items()}
        self._general: list[str] = steering["system_prompts"]
        self._topical: list[str] = steering["topic_prompts"]
        self._reply: list[str] = steering["reply_prompts"]
        self._heading: str = steering["examples_heading"]
        self._examples: list[str] = steering["example_turns"]
        self.openers: list[str] = steering["openers"]
        self.topics: list[str] = steering["topics"]

    def system(self, rng: random.Random, topic: str) -> str | None:
        """User turns are mostly sampled under a prompt that names the topic, replies under none or their own."""
        chance = rng.random()
        if chance < 0.3:
            return None
        if chance < 0.4:
            return pick(rng, self._reply)
        prompt = pick(rng, self._general) if chance < 0.52 else pick(rng, self._topical).format(topic=topic)
        if rng.random() < 0.06:
            shown = rng.sample(self._examples, rng.randint(2, 4))
            prompt = "\n".join([prompt, self._heading, *(f"- {example}" for example in shown)])
        return prompt

    def messages(self, rng: random.Random, talk: Talk) -> Messages:
        system = self.system(rng, talk.topic)
        messages = [] if system is None else [{"role": "system", "content": system}]
        roles = ("user", "assistant")
        return messages + [{"role": roles[i % 2], "content": turn} for i, turn in enumerate(talk.turns)]
