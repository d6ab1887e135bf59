"""A request's sampling, in vLLM's own terms."""

from __future__ import annotations

from typing import Any

from generators.backbone import SampleRequest


def sampling_params(request: SampleRequest, most: int, interval: int | None) -> Any:
    """At most so many tokens, given at the end, or in outputs of `interval` tokens; of as many as the engine argument
    `stream_interval` says if that is more. It raises what vLLM raises."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    sampling = request.sampling
    return SamplingParams(
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k or 0,
        min_p=sampling.min_p,
        repetition_penalty=sampling.repetition_penalty,
        presence_penalty=sampling.presence_penalty,
        frequency_penalty=sampling.frequency_penalty,
        max_tokens=most,
        ignore_eos=sampling.ignore_eos,
        stop_token_ids=[] if sampling.ignore_eos else list(request.stop_token_ids),
        stop=[] if sampling.ignore_eos else list(request.stop_texts),
        output_kind=RequestOutputKind.FINAL_ONLY if interval is None else RequestOutputKind.DELTA,
        stream_interval=interval,
        skip_clone=True,
    )
