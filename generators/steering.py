"""What steers the user turns of one draft, drawn from the language pack."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol

from languages.pack import SteeringTexts
from schemas.conversation import Message, Steering
from schemas.modes import SteeringSpec


class Preference(Protocol):
    """Which choices an adaptive build would rather make."""

    def weights(self, factor: str, arms: Sequence[str]) -> Sequence[float]:
        """A factor for the share of each arm, in the order of the arms; 1 for all where nothing is preferred."""


class Indifference:
    """No preference: every draft is a function of the recipe's seed and its index alone."""

    def weights(self, factor: str, arms: Sequence[str]) -> Sequence[float]:
        return [1.0] * len(arms)


INDIFFERENT = Indifference()


def draw_steering(spec: SteeringSpec, texts: SteeringTexts, rng: random.Random) -> Steering:
    """Draw a draft's steering. Every choice is drawn, wanted or not, so one setting does not shift the others."""
    topical = rng.random() < spec.topics
    topic = rng.choice(texts.topics)
    topic_prompt = rng.choice(texts.topic_prompts).replace("{topic}", topic)
    plain_prompt = rng.choice(texts.system_prompts)
    examples = tuple(rng.sample(texts.example_turns, len(texts.example_turns)))[: spec.examples]
    opener = rng.choice(texts.openers)
    opened = rng.random() < spec.openers
    reply_prompt = rng.choice(texts.reply_prompts)
    return Steering(
        system_prompt=(topic_prompt if topical else plain_prompt) if spec.system_prompt else None,
        examples=examples,
        opener=opener if opened else None,
        topic=topic if topical and spec.system_prompt else None,
        reply_prompt=reply_prompt if spec.reply_system_prompt else None,
    )


def user_system(steering: Steering, examples_heading: str) -> tuple[Message, ...]:
    """The system message that user turns are sampled under; none when nothing is to be said."""
    parts = [steering.system_prompt] if steering.system_prompt else []
    if steering.examples:
        parts.append("\n".join((examples_heading, *(f"- {example}" for example in steering.examples))))
    return (Message(role="system", content="\n\n".join(parts)),) if parts else ()


def reply_system(steering: Steering) -> tuple[Message, ...]:
    """The system message that replies are sampled under, if any."""
    return (Message(role="system", content=steering.reply_prompt),) if steering.reply_prompt else ()
