"""What steers the user turns of one draft, drawn from the language pack."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol

from languages.pack import SteeringTexts
from schemas.conversation import Message, Steering
from schemas.modes import SteeringSpec

_BARE = "bare"


class Preference(Protocol):
    """Which choices an adaptive build would rather make."""

    def weights(self, factor: str, arms: Sequence[str]) -> Sequence[float]:
        """A factor for the share of each arm, in the order of the arms; 1 for all where nothing is preferred."""


class Indifference:
    """No preference: every draft is a function of the recipe's seed and its index alone."""

    def weights(self, factor: str, arms: Sequence[str]) -> Sequence[float]:
        return [1.0] * len(arms)


INDIFFERENT = Indifference()


class Choices:
    """Draws the choices of one draft, and takes note of those that it really uses.

    All is drawn from `rng` first; what is preferred is drawn again, from a generator of its own. So a preference for
    one choice leaves the others as the seed has them. `within` is what only drafts of its kind are compared by, such as
    magpie's category math.
    """

    def __init__(self, seed: str, preference: Preference, within: str | None = None) -> None:
        self.rng = random.Random(seed)
        self._bent = random.Random(f"{seed}/preferred")
        self._preference = preference
        self._within = f"{within}." if within else ""
        self._used: list[str] = []

    @property
    def used(self) -> tuple[str, ...]:
        """The arms of the draft, as `factor=arm`."""
        return tuple(self._used)

    def use(self, factor: str, arm: str) -> None:
        self._used.append(f"{self._within}{factor}={arm}")

    def choose(self, factor: str, arms: Sequence[str]) -> str:
        """One of the arms, evenly where none is preferred."""
        return self.bend(factor, arms, self.rng.choice(arms))

    def take(self, factor: str, arms: Sequence[str]) -> str:
        """One of the arms, which the draft uses."""
        arm = self.choose(factor, arms)
        self.use(factor, arm)
        return arm

    def bend(self, factor: str, arms: Sequence[str], drawn: str, shares: Sequence[float] | None = None) -> str:
        """What was drawn by the arms' shares (even ones when left out), or another arm where one is preferred."""
        weights = self._preference.weights(self._within + factor, arms)
        if min(weights) == max(weights):
            return drawn
        if shares is not None:
            weights = [share * weight for share, weight in zip(shares, weights, strict=True)]
        return self._bent.choices(arms, weights)[0]


def draw_steering(spec: SteeringSpec, texts: SteeringTexts, choices: Choices) -> Steering:
    """Draw a draft's steering. Every choice is drawn, wanted or not, so one setting does not shift the others."""
    rng = choices.rng
    topical = rng.random() < spec.topics
    topic = choices.choose("topic", texts.topics)
    topic_prompt = choices.choose("topic_prompt", texts.topic_prompts)
    plain_prompt = choices.choose("prompt", texts.system_prompts)
    examples = tuple(rng.sample(texts.example_turns, len(texts.example_turns)))[: spec.examples]
    opener = choices.choose("opener", texts.openers)
    opened = rng.random() < spec.openers
    reply_prompt = choices.choose("reply_prompt", texts.reply_prompts)
    topical, opened = _styled(spec, choices, topical, opened)
    if topical:
        choices.use("topic", topic)
        choices.use("topic_prompt", topic_prompt)
    elif spec.system_prompt:
        choices.use("prompt", plain_prompt)
    if opened:
        choices.use("opener", opener)
    if spec.reply_system_prompt:
        choices.use("reply_prompt", reply_prompt)
    prompt = topic_prompt.replace("{topic}", topic) if topical else plain_prompt
    return Steering(
        system_prompt=prompt if spec.system_prompt else None,
        examples=examples,
        opener=opener if opened else None,
        topic=topic if topical else None,
        reply_prompt=reply_prompt if spec.reply_system_prompt else None,
    )


def _styled(spec: SteeringSpec, choices: Choices, topical: bool, opened: bool) -> tuple[bool, bool]:
    """Whether a topic and an opener are shown: as they were drawn, or as an adaptive build prefers it."""
    topical = topical and spec.system_prompt
    topics = spec.topics if spec.system_prompt else 0.0
    shares = {
        (with_topic, with_opener): (topics if with_topic else 1 - topics)
        * (spec.openers if with_opener else 1 - spec.openers)
        for with_topic in (True, False)
        for with_opener in (True, False)
    }
    styles = {_style(spec, *shown): shown for shown, share in shares.items() if share}
    drawn = _style(spec, topical, opened)
    style = choices.bend("style", list(styles), drawn, [shares[shown] for shown in styles.values()])
    if len(styles) > 1 or style != _BARE:
        choices.use("style", style)
    return styles[style]


def _style(spec: SteeringSpec, topical: bool, opened: bool) -> str:
    """What a user turn is sampled under, such as `topic+examples+opener`."""
    prompt = ("topic" if topical else "plain") if spec.system_prompt else ""
    return "+".join(filter(None, (prompt, "examples" if spec.examples else "", "opener" if opened else ""))) or _BARE


def user_system(steering: Steering, examples_heading: str) -> tuple[Message, ...]:
    """The system message that user turns are sampled under; none when nothing is to be said."""
    parts = [steering.system_prompt] if steering.system_prompt else []
    if steering.examples:
        parts.append("\n".join((examples_heading, *(f"- {example}" for example in steering.examples))))
    return (Message(role="system", content="\n\n".join(parts)),) if parts else ()


def reply_system(steering: Steering) -> tuple[Message, ...]:
    """The system message that replies are sampled under, if any."""
    return (Message(role="system", content=steering.reply_prompt),) if steering.reply_prompt else ()
