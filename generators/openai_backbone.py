"""Models behind OpenAI-compatible servers, sampled through `/v1/completions`."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

import httpx

from generators.backbone import Completion, SampleRequest
from generators.chat_template import TokenizerTemplate, load_template
from generators.endpoint import ContextFullError, Endpoint
from generators.endpoints import GivenUpError, answered, authorization
from generators.retries import Retry
from generators.template import ChatTemplate
from schemas.backbones import OpenAIBackbone as OpenAISpec
from schemas.errors import BackboneError
from schemas.sampling import Sampling

_WINDOW_PER_ENDPOINT = 256
_STOP_TEXTS = 4  # the most that OpenAI's interface takes
_PLAIN = Sampling()


class OpenAIBackbone:
    """One or many servers of the same model; each request goes to the one with the fewest in flight.

    Prompts are token ids, as OpenAI's interface allows. vLLM servers are used in full: stops are token ids and
    completions carry theirs (docs.vllm.ai/en/latest/serving/openai_compatible_server). Other servers are given the
    texts of the stop tokens, and give text only.

    What may pass by itself (no connection, timeouts, 429, 5xx) is tried again with back-off, on another endpoint where
    there is one; `sample` raises BackboneError when the retries are used up or the server refuses the request.
    Entering raises BackboneError that names the endpoints which do not answer or do not know the model, SettingsError
    for a missing key, InputError and TemplateError for the tokenizer.
    """

    device = "remote"

    def __init__(self, spec: OpenAISpec, label: str) -> None:
        self._spec = spec
        self._label = label
        self._endpoints: tuple[Endpoint, ...] = ()
        self._client: httpx.AsyncClient | None = None
        self._template: TokenizerTemplate | None = None

    @property
    def name(self) -> str:
        return self._spec.model

    @property
    def revision(self) -> str | None:
        return self._spec.revision

    @property
    def licence(self) -> str | None:
        return self._spec.licence

    @property
    def template(self) -> ChatTemplate:
        return self._running()

    @property
    def window(self) -> int:
        return _WINDOW_PER_ENDPOINT * len(self._spec.endpoints)

    async def sample(self, request: SampleRequest) -> Completion:
        template = self._running()
        try:
            return await answered(
                self._endpoints, lambda endpoint: self._once(template, endpoint, request), self._spec.retries
            )
        except GivenUpError as error:
            raise BackboneError(f"backbone {self._label}: {error}") from error

    async def _once(self, template: TokenizerTemplate, endpoint: Endpoint, request: SampleRequest) -> Completion:
        prompt = list(request.prompt_token_ids)
        room = endpoint.room(len(prompt))
        full = Completion("", () if endpoint.is_vllm else None, "length", len(prompt), 0)
        if room is not None and room < 1:
            return full
        body = self._body(template, endpoint, request, prompt, room)
        try:
            async with asyncio.timeout(self._spec.timeout_s):
                return _completion(await endpoint.complete(body), len(prompt))
        except TimeoutError as error:
            raise Retry(f"no completion within {self._spec.timeout_s:g} s") from error
        except ContextFullError:
            return full

    def _body(
        self,
        template: TokenizerTemplate,
        endpoint: Endpoint,
        request: SampleRequest,
        prompt: list[int],
        room: int | None,
    ) -> dict[str, Any]:
        sampling = request.sampling
        body: dict[str, Any] = {
            "model": self._spec.model,
            "prompt": prompt,
            "max_tokens": sampling.max_tokens if room is None else min(sampling.max_tokens, room),
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "presence_penalty": sampling.presence_penalty,
            "frequency_penalty": sampling.frequency_penalty,
        }
        stops = [] if sampling.ignore_eos else list(request.stop_token_ids)
        texts = [] if sampling.ignore_eos else list(request.stop_texts)
        if endpoint.is_vllm:
            return body | {
                "top_k": sampling.top_k or 0,
                "min_p": sampling.min_p,
                "repetition_penalty": sampling.repetition_penalty,
                "ignore_eos": sampling.ignore_eos,
                "stop_token_ids": stops,
                "add_special_tokens": False,
                "return_token_ids": True,
                **({"stop": texts} if texts else {}),
            }
        # Not of OpenAI's interface, though many servers know them: sent only when they are asked for.
        for field in ("top_k", "min_p", "repetition_penalty", "ignore_eos"):
            if getattr(sampling, field) != getattr(_PLAIN, field):
                body[field] = getattr(sampling, field)
        if stops or texts:
            body["stop"] = [*texts, *(template.decode([stop]) for stop in stops)][:_STOP_TEXTS]
        return body

    async def __aenter__(self) -> Self:
        headers = authorization(self._spec.api_key_env, f"backbone {self._label}")
        template = await asyncio.to_thread(load_template, self._spec.tokenizer or self._spec.model, self._spec.revision)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=self.window)
        # How long a completion may take is `asyncio.timeout`'s to say, retries of the connection among it.
        client = httpx.AsyncClient(headers=headers, limits=limits, timeout=httpx.Timeout(None, connect=10.0))
        try:
            endpoints = tuple(Endpoint(url, client) for url in self._spec.endpoints)
            problems = await asyncio.gather(*(endpoint.probe(self._spec.model) for endpoint in endpoints))
            if any(problems):
                raise BackboneError(f"backbone {self._label}: {'; '.join(filter(None, problems))}")
        except BaseException:
            await client.aclose()
            raise
        self._client, self._template, self._endpoints = client, template, endpoints
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _running(self) -> TokenizerTemplate:
        if self._client is None or self._template is None:
            raise BackboneError(f"backbone {self._label} is not running; enter it first")
        return self._template


def _completion(answer: dict[str, Any], prompt_tokens: int) -> Completion:
    """A server's answer; raises Retry for one that is no completion."""
    try:
        choice = answer["choices"][0]
        text, finish, usage = choice["text"], choice["finish_reason"], answer["usage"]
        token_ids = choice.get("token_ids")
        tokens = usage["completion_tokens"]
        if not isinstance(text, str) or not isinstance(tokens, int) or finish not in {"stop", "length"}:
            raise TypeError(f"text, usage or finish_reason {finish!r}")
        return Completion(
            text=text,
            token_ids=None if token_ids is None else tuple(token_ids),
            finish_reason=finish,
            prompt_tokens=usage.get("prompt_tokens", prompt_tokens),
            completion_tokens=tokens,
        )
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise Retry(f"the answer is no completion: {error}") from error
