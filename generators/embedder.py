"""Texts to vectors, through the `/v1/embeddings` of OpenAI-compatible servers."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from generators.concurrency import Fixed
from generators.endpoint import ContextFullError, Endpoint, RefusedError, open_session
from generators.endpoints import Endpoints, GivenUpError, authorization
from generators.member import Member
from generators.one_line import one_line
from generators.patrol import AnotherModelError
from generators.retries import Retry
from schemas.backbones import EmbedderSpec
from schemas.errors import EmbedderError

Vectors = NDArray[np.float32]
"""One row of numbers for each text."""

# The most that text-embeddings-inference takes in one request when nothing else is set; others take more.
BATCH = 32
# A server has one request to work on while it answers another.
_AT_ONCE = 2
_FIELD = "filters.duplicates.semantic.embedder"
_PROBE = "1"


class Embedder:
    """One or many servers of the same model; each request goes to the one with the fewest in flight.

    What may pass by itself is tried again as completions are. A text that is longer than the model's context is
    embedded by its beginning.

    Entering asks every server for a vector. It raises SettingsError for a missing key, and EmbedderError that names the
    endpoint which does not answer, does not know the model, or gives vectors of another length.
    """

    def __init__(self, spec: EmbedderSpec) -> None:
        self._spec = spec
        self._endpoints: Endpoints[Vectors] | None = None
        self._leaving: AsyncExitStack | None = None
        self.dimensions = 0

    @property
    def at_once(self) -> int:
        """Requests worth having in flight."""
        return _AT_ONCE * len(self._spec.endpoints)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Finite vectors, none of them zero: shape (texts, dimensions), in the order of the texts.

        Raises EmbedderError when the retries are used up or a server refuses the request.
        """
        batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        if not batches:
            return np.empty((0, self.dimensions), np.float32)
        return np.concatenate(await asyncio.gather(*map(self._embed_batch, batches)))

    async def _embed_batch(self, texts: Sequence[str]) -> Vectors:
        if self._endpoints is None:
            raise EmbedderError(f"{_FIELD} is not running; enter it first")
        try:
            return await self._endpoints.answered(partial(self._once, texts))
        except (GivenUpError, AnotherModelError) as error:
            raise EmbedderError(f"{_FIELD}.endpoints: {error}; see to these servers, or name others") from error
        except RefusedError as error:
            raise _refused(error) from error

    async def _once(self, texts: Sequence[str], endpoint: Endpoint) -> Vectors:
        vectors = await self._asked(texts, endpoint)
        wanted = self._spec.dimensions or self.dimensions
        if wanted and vectors.shape[1] != wanted:
            cure = "leave `dimensions` out" if self._spec.dimensions else "serve one and the same model everywhere"
            raise EmbedderError(
                f"{_FIELD}.endpoints: {endpoint.url} gives vectors of {vectors.shape[1]} numbers, not {wanted}; {cure}"
            )
        return vectors

    async def _asked(self, texts: Sequence[str], endpoint: Endpoint) -> Vectors:
        while True:
            # base64 is what OpenAI's own client asks for; reading it costs the event loop next to nothing.
            body: dict[str, Any] = {"model": self._spec.model, "input": list(texts), "encoding_format": "base64"}
            if self._spec.dimensions is not None:
                body["dimensions"] = self._spec.dimensions
            try:
                return _vectors(await endpoint.answer("embeddings", body), len(texts))
            except ContextFullError as error:
                half = max(map(len, texts)) // 2
                if not half:
                    raise RefusedError(f"{endpoint.url} has no room for one character: {error}") from error
                texts = [text[:half] for text in texts]

    async def __aenter__(self) -> Self:
        headers = authorization(self._spec.api_key_env, f"{_FIELD}.api_key_env")
        async with AsyncExitStack() as leaving:
            session = await leaving.enter_async_context(open_session(headers))
            endpoints = [Endpoint(url, session) for url in self._spec.endpoints]
            for endpoint in endpoints:
                self.dimensions = await self._probe(endpoint)
            routed: Endpoints[Vectors] = Endpoints(
                [Member(endpoint, Fixed(_AT_ONCE)) for endpoint in endpoints],
                self._examine,
                timeout_s=self._spec.timeout_s,
                retries=self._spec.retries,
            )
            self._endpoints = await leaving.enter_async_context(routed)
            self._leaving = leaving.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        leaving, self._leaving, self._endpoints = self._leaving, None, None
        if leaving is not None:
            await leaving.aclose()

    async def _examine(self, endpoint: Endpoint) -> None:
        try:
            await self._once([_PROBE], endpoint)
        except EmbedderError as error:  # vectors of another length
            raise AnotherModelError(str(error)) from error

    async def _probe(self, endpoint: Endpoint) -> int:
        """How many numbers a vector of this server has. Not every server lists its models, but all embed."""
        try:
            async with asyncio.timeout(self._spec.timeout_s):
                return int((await self._once([_PROBE], endpoint)).shape[1])
        except (Retry, TimeoutError) as error:
            raise EmbedderError(
                f"{_FIELD}.endpoints: {endpoint.url} gives no embeddings: {one_line(error)}; start this server, or"
                " mend its address"
            ) from error
        except RefusedError as error:
            raise _refused(error) from error


def _refused(error: RefusedError) -> EmbedderError:
    return EmbedderError(f"{_FIELD}: {error}; mend model, dimensions or endpoints, or how the model is served")


def _vectors(answer: dict[str, Any], count: int) -> Vectors:
    """A server's answer; raises Retry for one that holds no usable vectors."""
    try:
        items = sorted(answer["data"], key=lambda item: int(item["index"]))
        vectors = np.stack([_numbers(item["embedding"]) for item in items])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Retry(f"the answer holds no embeddings: {one_line(error)}") from error
    if vectors.ndim != 2 or len(vectors) != count:
        raise Retry(f"the answer holds vectors of the shape {vectors.shape} for {count} text(s)")
    if not (np.isfinite(vectors).all() and vectors.any(axis=1).all()):
        raise Retry("the answer holds a vector of zeros, or with NaN or infinity; does the model need float32?")
    return vectors


def _numbers(given: object) -> Vectors:
    if isinstance(given, str):
        return np.frombuffer(base64.b64decode(given, validate=True), "<f4").astype(np.float32)
    with np.errstate(over="ignore"):
        return np.asarray(given, np.float32)
