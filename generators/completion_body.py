"""The body of a completion request, in vLLM's words or in those that every OpenAI-compatible server knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from generators.backbone import SampleRequest
from schemas.sampling import Sampling

_STOP_TEXTS = 4  # the most that OpenAI's interface takes
_PLAIN = Sampling()


def completion_body(
    model: str, request: SampleRequest, room: int | None, *, is_vllm: bool, decode: Callable[[Sequence[int]], str]
) -> dict[str, Any]:
    """`room` is for how many tokens there is place after the prompt, None where nobody knows.

    vLLM is not asked for the ids of the tokens (`return_token_ids`): nobody reads them, and it would send the prompt's
    along.
    """
    sampling = request.sampling
    body: dict[str, Any] = {
        "model": model,
        "prompt": list(request.prompt_token_ids),
        "max_tokens": sampling.max_tokens if room is None else min(sampling.max_tokens, room),
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
    }
    stops = [] if sampling.ignore_eos else list(request.stop_token_ids)
    texts = [] if sampling.ignore_eos else list(request.stop_texts)
    if is_vllm:
        return body | {
            "top_k": sampling.top_k or 0,
            "min_p": sampling.min_p,
            "repetition_penalty": sampling.repetition_penalty,
            "ignore_eos": sampling.ignore_eos,
            "stop_token_ids": stops,
            "add_special_tokens": False,
            **({"stop": texts} if texts else {}),
        }
    # Not of OpenAI's interface, though many servers know them: sent only when they are asked for.
    for field in ("top_k", "min_p", "repetition_penalty", "ignore_eos"):
        if getattr(sampling, field) != getattr(_PLAIN, field):
            body[field] = getattr(sampling, field)
    if stops or texts:
        body["stop"] = [*texts, *(decode([stop]) for stop in stops)][:_STOP_TEXTS]
    return body
