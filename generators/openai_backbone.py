"""Models behind OpenAI-compatible servers, sampled through `/v1/completions`."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import NamedTuple, Self

from generators.backbone import Completion, SampleRequest
from generators.chat_template import TokenizerTemplate, load_template
from generators.completion_body import completion_body
from generators.completions import completion, watched_completion
from generators.concurrency import Climb, Fixed
from generators.endpoint import ContextFullError, Endpoint, RefusedError, open_session
from generators.endpoints import Endpoints, GivenUpError, authorization
from generators.member import Member
from generators.model_probe import Identity, probe_prompt
from generators.patrol import AnotherModelError
from generators.served_model import ServedModel
from generators.template import ChatTemplate
from generators.watching import Watching
from schemas.backbones import OpenAIBackbone as OpenAISpec
from schemas.errors import BackboneError

# Where the search for the best number of requests begins: what vLLM runs at once when nothing else is set.
_VLLM_STARTS_AT = 256
_OTHERS_START_AT = 32
# Drafts at a gate leave a place at an endpoint free; a few more in flight fill it.
_WINDOW_PER_REQUEST = 1.25


class _Running(NamedTuple):
    template: TokenizerTemplate
    endpoints: Endpoints[Completion]
    served: ServedModel
    leaving: AsyncExitStack


class OpenAIBackbone:
    """One or many servers of the same model; each request goes to a well one with the least to do.

    Prompts are token ids, as OpenAI's interface allows. vLLM servers are used in full: stops are token ids, and
    completions can be watched (docs.vllm.ai/en/latest/serving/openai_compatible_server). Other servers are given the
    texts of the stop tokens, and are not watched.

    What may pass by itself (no connection, timeouts, 429, 5xx, answers that are none) is tried again, on another
    endpoint where there is one; `sample` raises BackboneError when the retries are used up, when every server refuses
    the request, or when none serves the model of the start any more.
    Entering raises BackboneError that names the endpoints which do not know the model or have another one than most,
    or when none answers at all; SettingsError for a missing key, InputError and TemplateError for the tokenizer.
    """

    device = "remote"

    def __init__(self, spec: OpenAISpec, label: str) -> None:
        self._spec = spec
        self._label = label
        self._entered: _Running | None = None

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
        return self._running().template

    @property
    def window(self) -> int:
        """Changes as limits are found, and as endpoints fail and come back."""
        return round(_WINDOW_PER_REQUEST * self._running().endpoints.at_once)

    @property
    def identity(self) -> Identity | None:
        return self._running().served.identity

    async def sample(self, request: SampleRequest) -> Completion:
        running = self._running()
        try:
            return await running.endpoints.answered(lambda endpoint: self._once(running.template, endpoint, request))
        except AnotherModelError as error:
            raise BackboneError(
                f"backbone {self._label}: the model behind the name {self.name!r} is another one now: {error}; serve"
                " the one that the build began with, then resume it"
            ) from error
        except (GivenUpError, RefusedError) as error:
            raise BackboneError(f"backbone {self._label}: {error}") from error

    async def _once(self, template: TokenizerTemplate, endpoint: Endpoint, request: SampleRequest) -> Completion:
        length = len(request.prompt_token_ids)
        room = endpoint.room(length)
        full = Completion("", None, "length", length, 0)
        if room is not None and room < 1:
            return full
        body = completion_body(self._spec.model, request, room, is_vllm=endpoint.is_vllm, decode=template.decode)
        try:
            if request.watch is None or not endpoint.is_vllm or body["max_tokens"] <= request.watch_from:
                return await completion(endpoint, body)
            watching = Watching(request.watch, request.watch_from)
            return await watched_completion(endpoint, body, watching, request.watch_from)
        except ContextFullError:
            return full

    async def __aenter__(self) -> Self:
        spec, subject = self._spec, f"backbone {self._label}"
        headers = authorization(spec.api_key_env, subject)
        template = await asyncio.to_thread(load_template, spec.tokenizer or spec.model, spec.revision)
        served = ServedModel(spec.model, probe_prompt(template), subject)
        async with AsyncExitStack() as leaving:
            session = await leaving.enter_async_context(open_session(headers))
            endpoints = [Endpoint(url, session) for url in spec.endpoints]
            down = await served.start(endpoints)
            start = _VLLM_STARTS_AT if any(endpoint.is_vllm for endpoint in endpoints) else _OTHERS_START_AT
            members = [
                Member(endpoint, Fixed(spec.concurrency) if spec.concurrency else Climb(start))
                for endpoint in endpoints
            ]
            for member in members:
                if member.endpoint in down:
                    member.circuit.open(down[member.endpoint])
            routed: Endpoints[Completion] = Endpoints(
                members,
                served.examine,
                timeout_s=spec.timeout_s,
                retries=spec.retries,
                tokens=lambda sampled: sampled.completion_tokens,
            )
            await leaving.enter_async_context(routed)
            self._entered = _Running(template, routed, served, leaving.pop_all())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        entered, self._entered = self._entered, None
        if entered is not None:
            await entered.leaving.aclose()

    def _running(self) -> _Running:
        if self._entered is None:
            raise BackboneError(f"backbone {self._label} is not running; enter it first")
        return self._entered
