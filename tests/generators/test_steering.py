"""What steers a draft: drawn from the seed, bent by a preference, and told as the arms that were used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from generators.steering import INDIFFERENT, Choices, Preference, draw_steering
from languages.loader import load_pack
from schemas.conversation import Steering
from schemas.modes import SteeringSpec

TEXTS = load_pack("eu").steering
MIXED = SteeringSpec(topics=0.5, examples=2, openers=0.5, reply_system_prompt=True)


class Prefers:
    """Weights by `factor=arm`; 1 for the others."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._weights = weights

    def weights(self, factor: str, arms: Sequence[str]) -> Sequence[float]:
        return [self._weights.get(f"{factor}={arm}", 1.0) for arm in arms]


def draw(
    seed: int, spec: SteeringSpec = MIXED, preference: Preference = INDIFFERENT
) -> tuple[Steering, dict[str, str]]:
    choices = Choices(str(seed), preference)
    steering = draw_steering(spec, TEXTS, choices)
    return steering, dict(used.split("=", 1) for used in choices.used)


@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([0.0, 0.4, 1.0]), st.sampled_from([0.0, 0.4, 1.0]))
def test_arms_are_what_is_shown_and_nothing_else(seed: int, system: bool, topics: float, openers: float) -> None:
    spec = SteeringSpec(system_prompt=system, topics=topics, openers=openers, reply_system_prompt=system)
    steering, arms = draw(seed, spec)
    assert arms.get("topic") == steering.topic
    assert arms.get("opener") == steering.opener
    assert arms.get("reply_prompt") == steering.reply_prompt
    shown = arms.get("prompt") or arms.get("topic_prompt", "").replace("{topic}", steering.topic or "")
    assert (shown or None) == steering.system_prompt
    parts = [("topic" if steering.topic else "plain") if system else None, "opener" if steering.opener else None]
    style = "+".join(filter(None, parts))
    assert arms.get("style", "") in {style, style or "bare"}


def test_shares_are_those_of_the_recipe_where_nothing_is_preferred() -> None:
    spec = SteeringSpec(topics=0.8, openers=0.3)
    styles = Counter(draw(seed, spec)[1]["style"] for seed in range(4000))
    expected = {"topic": 0.56, "topic+opener": 0.24, "plain": 0.14, "plain+opener": 0.06}
    assert styles.keys() == expected.keys()
    assert all(abs(styles[style] / 4000 - share) < 0.03 for style, share in expected.items())


def test_a_preferred_style_has_more_by_its_share() -> None:
    spec = SteeringSpec(topics=0.5)
    styles = Counter(
        draw(seed, spec, Prefers({"style=topic": 2.0, "style=plain": 0.5}))[1]["style"] for seed in range(2000)
    )
    assert abs(styles["topic"] / 2000 - 0.8) < 0.03
    never = Counter(draw(seed, SteeringSpec(topics=0), Prefers({"style=topic": 2.0}))[1]["style"] for seed in range(50))
    assert never == {"plain": 50}  # what the recipe does not ask for is never shown


def test_preferring_one_choice_leaves_the_others_alone() -> None:
    liked = TEXTS.topics[0]
    preference = Prefers({f"topic={liked}": 50.0})
    pairs = [(draw(seed)[0], draw(seed, preference=preference)[0]) for seed in range(300)]
    assert sum(bent.topic == liked for _, bent in pairs) > 20
    assert sum(as_drawn.topic == liked for as_drawn, _ in pairs) < 10
    for as_drawn, bent in pairs:
        assert (as_drawn.topic is None) == (bent.topic is None)
        assert (as_drawn.opener, as_drawn.examples, as_drawn.reply_prompt) == (
            bent.opener,
            bent.examples,
            bent.reply_prompt,
        )


def test_a_draft_is_the_same_again_under_the_same_preference() -> None:
    preference = Prefers({f"topic={TEXTS.topics[3]}": 4.0, "style=plain+examples": 3.0})
    assert [draw(seed, preference=preference) for seed in range(50)] == [
        draw(seed, preference=preference) for seed in range(50)
    ]


def test_arms_of_drafts_of_a_kind_are_told_apart() -> None:
    choices = Choices("1", Prefers({"math.prompt=b": 100.0}), within="math")
    assert choices.choose("prompt", ("a", "b")) == "b"
    choices.use("prompt", "b")
    assert choices.used == ("math.prompt=b",)
