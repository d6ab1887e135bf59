"""How the choices of the steering are ranked for people."""

from __future__ import annotations

from cli.steering import ranked
from schemas.arms import Arm


def arm(name: str, drafts: int, accepted: int, factor: str = "topic", mode: str = "magpie-eu") -> Arm:
    return Arm(
        mode=mode,
        factor=factor,
        arm=name,
        drafts=drafts,
        accepted=accepted,
        novelty=float(accepted),
        completion_tokens=100 * drafts,
    )


def test_the_best_come_first_within_mode_and_factor() -> None:
    arms = [arm("b", 90, 30), arm("a", 90, 80), arm("x", 9, 9, "style"), arm("y", 9, 9, "topic", "magpie-gl")]
    assert [one.arm for one in ranked(arms)] == ["x", "a", "b", "y"]


def test_few_drafts_do_not_make_the_best_or_the_worst() -> None:
    arms = [arm("lucky", 2, 2), arm("good", 200, 150), arm("bad", 200, 30), arm("unlucky", 2, 0)]
    assert [one.arm for one in ranked(arms)] == ["good", "lucky", "unlucky", "bad"]


def test_nothing_accepted_and_nothing_spent_are_ranked_too() -> None:
    assert [one.arm for one in ranked([arm("b", 3, 0), arm("a", 3, 0), arm("c", 0, 0)])] == ["a", "b", "c"]
