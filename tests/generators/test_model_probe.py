"""What tells one model from another."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.endpoint import Endpoint, open_session
from generators.model_probe import TOLERANCE, Identity, difference, identify, probe_prompt
from generators.retries import Retry
from generators.scripted_backbone import ScriptedTemplate
from tests.support.generators_models import FAMILIES, tokenizer
from tests.support.generators_server import PROBED, faulty_server

scores = st.lists(st.floats(-20, 0), min_size=1, max_size=23)


def probed(log_probabilities: list[float], **told: Any) -> Identity:
    return {"told": told, "prompt": [1, 2], "log_probabilities": log_probabilities, "first": {"bai": -1.0}}


@given(scores, st.floats(-1, 1))
def test_log_probabilities_decide_by_their_mean_difference(values: list[float], shift: float) -> None:
    moved = [value + shift for value in values]
    mean = sum(abs(a - b) for a, b in zip(values, moved, strict=True)) / len(values)
    ours, theirs = probed(values, root="a"), probed(moved, root="b")  # whatever the servers say of themselves
    assert (difference(ours, theirs) is None) == (difference(theirs, ours) is None) == (mean <= TOLERANCE)
    assert difference(ours, ours) is None


def test_without_those_of_the_prompt_the_next_tokens_decide() -> None:
    ours = {"told": {}, "prompt": [1], "first": {"bai": -0.5, "ez": -1.5}}
    assert difference(ours, {**ours, "first": {"bai": -0.52, "ez": -1.45, "agian": -9.0}}) is None
    assert difference(ours, {**ours, "first": {"bai": -0.9, "ez": -1.5}}) == (
        "log-probabilities of a probe text differ by 0.20 on average, more than 0.1"
    )
    assert "other tokens" in (difference(ours, {**ours, "first": {"agian": -0.5}}) or "")


def test_without_any_what_is_said_decides() -> None:
    ours = {"told": {"root": "a", "max_model_len": 8}}
    assert difference(ours, {"told": {"root": "a"}}) is None
    assert difference(ours, {"told": {}, "prompt": [1], "log_probabilities": [-1.0]}) is None
    assert difference(ours, {"told": {"root": "b", "max_model_len": 8}}) == (
        "the servers say different things of it: root 'a', 'b'"
    )


def test_log_probabilities_of_another_text_say_nothing() -> None:
    assert difference(probed([-1.0]), {**probed([-9.0]), "prompt": [3]}) is None


@pytest.mark.parametrize("family", [name for name in FAMILIES if name not in {"plain", "base"}])
def test_the_prompt_is_the_text_and_nothing_of_the_template(family: str) -> None:
    from generators.chat_template import TokenizerTemplate

    made = tokenizer(family)
    prompt = probe_prompt(TokenizerTemplate(made, family))
    assert len(prompt) == 24
    assert not set(prompt) & set(made.all_special_ids)
    assert made.decode(prompt).endswith("2 + 2 = 4.")


def test_a_template_without_a_tokenizer_has_a_prompt_too() -> None:
    assert "".join(map(chr, probe_prompt(ScriptedTemplate()))).endswith("2 + 2 = 4.")


@pytest.mark.parametrize("bad", [[float("nan")], ["x"], [None], [float("-inf")], [-(10**400)]])
async def test_numbers_that_are_none_are_no_identity(bad: list[Any]) -> None:
    async with faulty_server() as server, open_session({}) as session:
        endpoint = Endpoint(server.url, session)
        assert (await identify(endpoint, "proba", [1]))["log_probabilities"] == PROBED
        server.probe = [*PROBED, *bad]
        with pytest.raises(Retry, match="holds no log-probabilities"):
            await identify(endpoint, "proba", [1])
