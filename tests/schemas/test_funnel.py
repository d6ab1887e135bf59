"""The funnel's sums, and what gates have saved."""

from __future__ import annotations

from typing import Any

from schemas.funnel import Funnel, FunnelRow


def row(gate: str, drafts: int, **fields: Any) -> FunnelRow:
    values = {"mode": "magpie-eu", "reason": gate, "exchange": 1, "prompt_tokens": 0, "completion_tokens": 0}
    return FunnelRow.model_validate({**values, "gate": gate, "drafts": drafts, **fields})


# Two exchanges each: user turns of 10 tokens, replies of 50.
ACCEPTED = row("accepted", 4, completion_tokens=480, user_turns=8, user_tokens=80, replies=8, reply_tokens=400)
AT_FIRST = row("user_turn", 3, completion_tokens=30, user_turns=3, user_tokens=30, user_turns_saved=3, replies_saved=6)
WHILE_SAMPLED = row(
    "sampling", 2, completion_tokens=2 * 10 + 2 * 20, user_turns=2, user_tokens=20, user_turns_saved=2, replies_saved=4
)
CUT_OFF = row("not_needed", 5, completion_tokens=55)


def test_what_a_gate_saves_is_what_was_planned_and_not_sampled() -> None:
    funnel = Funnel(target=4, rows=(ACCEPTED, AT_FIRST, WHILE_SAMPLED))
    assert funnel.saved(ACCEPTED) == 0
    assert funnel.saved(AT_FIRST) == 3 * 10 + 6 * 50
    # The reply that was cut at 20 tokens has cost those.
    assert funnel.saved(WHILE_SAMPLED) == 2 * 10 + 4 * 50 - 2 * 20
    assert funnel.saved_tokens == 330 + 180


def test_what_could_not_have_been_sampled_saves_nothing() -> None:
    broken = row("material", 3, reason="material.unreadable", user_turns_saved=3, replies_saved=6)
    foreign = row("material", 3, reason="language.foreign", user_turns_saved=3, replies_saved=6)
    funnel = Funnel(target=4, rows=(ACCEPTED, broken, foreign))
    assert funnel.saved(broken) == 0
    assert funnel.saved(foreign) == funnel.saved_tokens == 3 * 10 + 6 * 50


def test_each_mode_has_its_own_lengths() -> None:
    other = row("user_turn", 1, mode="reverse-eu", user_turns=1, user_tokens=7, replies_saved=1)
    funnel = Funnel(target=4, rows=(ACCEPTED, other))
    assert funnel.saved(other) == 0, "its replies cost nothing"
    assert [(one.mode, one.drafts, one.accepted) for one in funnel.modes] == [("magpie-eu", 4, 4), ("reverse-eu", 1, 0)]
    assert funnel.modes[0].tokens_per_accepted == 120
    assert funnel.modes[1].tokens_per_accepted is None


def test_drafts_that_were_not_needed_cost_tokens_and_are_no_drops() -> None:
    funnel = Funnel(target=4, rows=(ACCEPTED, AT_FIRST, CUT_OFF))
    assert (funnel.drafts, funnel.accepted, funnel.dropped, funnel.not_needed) == (7, 4, 3, 5)
    assert funnel.completion_tokens == 480 + 30 + 55
    assert funnel.reasons() == {"user_turn": 3}
