"""What tells a model from another one that is served under the same name.

A server is asked what it says of the model, and how probable the model finds a short text. The same weights give the
same answer up to rounding: other batches, kernels and machines move a log-probability of bfloat16 by some hundredths.
What cannot be seen is in docs/backbones.md.
"""

from __future__ import annotations

import math
from pathlib import PurePosixPath
from typing import Any

from generators.completions import PATH
from generators.endpoint import Endpoint, RefusedError
from generators.one_line import one_line
from generators.retries import Retry
from generators.template import ChatTemplate

Identity = dict[str, Any]
"""JSON values: `told` by the server; `prompt`, and `log_probabilities` of its tokens and `first` ones of the next."""

# The mean difference of the log-probabilities, in nats, from which it is another model. Measured in docs/backbones.md.
TOLERANCE = 0.1
_TEXT = "The quick brown fox jumps over the lazy dog. Kaixo, mundu osoa! Zer moduz zaude gaur? 2 + 2 = 4."
_TOKENS = 24
_TOP = 5
_TOLD = ("owned_by", "root", "parent", "max_model_len")


def probe_prompt(template: ChatTemplate) -> list[int]:
    """The text's last tokens. What templates write before a turn may hold the day's date, so it is left out."""
    return list(template.user_prefix([], _TEXT)[-_TOKENS:])


async def identify(endpoint: Endpoint, model: str, prompt: list[int]) -> Identity:
    """Ask an endpoint, with one token sampled. Raises as its requests do."""
    await endpoint.look_up(model)
    told = {field: endpoint.card[field] for field in _TOLD if endpoint.card.get(field) is not None}
    if "root" in told:  # where the weights lie is the machine's, not the model's
        told["root"] = PurePosixPath(str(told["root"])).name
    body: dict[str, Any] = {"model": model, "prompt": prompt, "max_tokens": 1, "temperature": 0}
    if endpoint.is_vllm:
        body["add_special_tokens"] = False
    asked = {"logprobs": _TOP, **({"prompt_logprobs": 0} if endpoint.is_vllm else {})}
    try:
        answer = await endpoint.answer(PATH, {**body, **asked})
    except RefusedError:
        await endpoint.answer(PATH, body)  # without log-probabilities then, if it works at all
        return {"told": told}
    return {"told": told, "prompt": prompt, **_log_probabilities(answer)}


def _log_probabilities(answer: dict[str, Any]) -> dict[str, Any]:
    """What there is of them. Raises Retry for numbers that are none."""
    found: dict[str, Any] = {}
    try:
        (choice,) = answer["choices"]
        if scores := choice.get("prompt_logprobs"):
            ranked = [next(iter(tokens.values())) for tokens in scores if tokens]
            found["log_probabilities"] = [_number(token["logprob"]) for token in ranked]
        if scores := ((choice.get("logprobs") or {}).get("top_logprobs") or [None])[0]:
            found["first"] = {str(token): _number(score) for token, score in scores.items()}
    except (LookupError, TypeError, ValueError, OverflowError, AttributeError, StopIteration) as error:
        raise Retry(f"the answer holds no log-probabilities: {one_line(error)}") from error
    return found


def _number(score: object) -> float:
    if not isinstance(score, int | float) or not math.isfinite(score):
        raise ValueError(f"{score!r} is no log-probability")
    return round(float(score), 4)


def difference(ours: Identity, theirs: Identity) -> str | None:
    """How another model shows, in one line; None where nothing tells them apart.

    Log-probabilities decide where both have them, whatever the servers say of themselves.
    """
    if ours.get("prompt") == theirs.get("prompt"):
        left, right = ours.get("log_probabilities"), theirs.get("log_probabilities")
        if left and right and len(left) == len(right):
            return _apart(sum(abs(a - b) for a, b in zip(left, right, strict=True)) / len(left))
        if (first := ours.get("first")) and (second := theirs.get("first")):
            both = first.keys() & second.keys()
            if not both:
                return "other tokens are the most probable ones after a probe text"
            return _apart(sum(abs(first[token] - second[token]) for token in both) / len(both))
    told, others = ours["told"], theirs["told"]
    if differing := [
        f"{field} {told[field]!r}, {others[field]!r}" for field in _TOLD if _conflict(field, told, others)
    ]:
        return f"the servers say different things of it: {'; '.join(differing)}"
    return None


def _conflict(field: str, told: dict[str, Any], others: dict[str, Any]) -> bool:
    return field in told and field in others and told[field] != others[field]


def _apart(mean: float) -> str | None:
    if mean <= TOLERANCE:
        return None
    return f"log-probabilities of a probe text differ by {mean:.2f} on average, more than {TOLERANCE:g}"
