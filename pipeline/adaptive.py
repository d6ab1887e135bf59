"""The adaptive mixer: drafts move towards the steering that yields most accepted, diverse conversations a token.

A bandit of matching: an arm's share grows with its yield, so that one which yields twice as much gets twice the share,
within bounds that keep all arms in the data. What is drawn by weights of the recipe's own, modes and categories, is the
user's composition and never moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean

from pipeline.novelty import Novelty
from publishers.shard import config_name
from schemas.arms import Arm
from schemas.conversation import Draft
from schemas.filters import DuplicateFilter

# Weights stay within these, so after they are made to sum to one no arm has less than a quarter of its share in the
# recipe, and none more than four times.
LEAST, MOST = 0.5, 2.0
# Recent drafts below which nothing is known of an arm, and drafts with which it is taken to be like the others.
KNOWN_DRAFTS = 24
PRIOR_DRAFTS = 8
# Drafts of a factor after which its weights are computed anew.
REFRESH_DRAFTS = 16

_Key = tuple[str, str]


class AdaptiveMixer:
    """Counts what became of each arm's drafts, and prefers arms by it where the recipe is adaptive."""

    def __init__(self, duplicates: DuplicateFilter, *, adaptive: bool) -> None:
        self._adaptive = adaptive
        self._novelty = Novelty(duplicates)
        self._arms: dict[_Key, dict[str, Arm]] = {}
        self._weighed: dict[_Key, tuple[Sequence[str], list[float], int]] = {}
        self._drafts: dict[_Key, int] = {}
        self._changed: dict[tuple[str, str, str], Arm] = {}

    def restore(self, arms: Iterable[Arm], signatures: Iterable[tuple[str, bytes]]) -> None:
        """What earlier runs have learned, and what their accepted rows claimed."""
        for arm in arms:
            self._arms.setdefault((arm.mode, arm.factor), {})[arm.arm] = arm
        self._novelty.restore(signatures)

    def preference(self, mode: str) -> ModePreference:
        """That of a mode, by its label."""
        return ModePreference(self, mode)

    def count(self, draft: Draft, completion_tokens: int, *, accepted: bool) -> None:
        """A draft has ended."""
        novelty = self._novelty.add(draft.turns[0].content) if accepted else None
        mode = config_name(draft.mode, draft.language)
        for used in draft.arms:
            factor, _, name = used.partition("=")
            arms = self._arms.setdefault((mode, factor), {})
            arm = arms.get(name) or Arm(mode=mode, factor=factor, arm=name)
            arms[name] = self._changed[mode, factor, name] = arm.counted(completion_tokens, novelty)
            self._drafts[mode, factor] = self._drafts.get((mode, factor), 0) + 1

    def collect(self) -> list[Arm]:
        """The arms that have changed since the last call."""
        changed, self._changed = list(self._changed.values()), {}
        return changed

    def weights(self, mode: str, factor: str, arms: Sequence[str]) -> Sequence[float]:
        """As ModePreference has them. They change every few drafts only, since there may be thousands of arms."""
        key, drafts = (mode, factor), self._drafts.get((mode, factor), 0)
        known, weights, since = self._weighed.get(key, ((), [], 0))
        if known is not arms or drafts - since >= REFRESH_DRAFTS:
            found = self._arms.get(key, {}) if self._adaptive else {}
            weights = weigh([found.get(arm) for arm in arms])
            self._weighed[key] = arms, weights, drafts
        return weights


class ModePreference:
    """What is preferred in the drafts of one mode."""

    def __init__(self, mixer: AdaptiveMixer, mode: str) -> None:
        self._mixer = mixer
        self._mode = mode

    def weights(self, factor: str, arms: Sequence[str]) -> Sequence[float]:
        """A factor for the share of each arm, in the order of the arms."""
        return self._mixer.weights(self._mode, factor, arms)


def weigh(arms: Sequence[Arm | None]) -> list[float]:
    """A factor for the share of each arm: its yield, novelty a token, over the mean of all that are known.

    1 for an arm of which too little is known, and for all where only one is known, or none yields anything.
    """
    known = [arm for arm in arms if arm is not None and arm.recent_drafts >= KNOWN_DRAFTS and arm.recent_tokens]
    mean = fmean(arm.recent_novelty / arm.recent_tokens for arm in known) if len(known) > 1 else 0.0
    if not mean:
        return [1.0] * len(arms)
    prior = PRIOR_DRAFTS * sum(arm.recent_tokens for arm in known) / sum(arm.recent_drafts for arm in known)
    worth = {arm.arm: (arm.recent_novelty / mean + prior) / (arm.recent_tokens + prior) for arm in known}
    return [1.0 if arm is None else min(MOST, max(LEAST, worth.get(arm.arm, 1.0))) for arm in arms]
