"""Texts to vectors, through the `/v1/embeddings` of OpenAI-compatible servers."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

import httpx
import numpy as np
from numpy.typing import NDArray

from generators.endpoint import ContextFullError, Endpoint
from generators.endpoints import GivenUpError, answered, authorization
from generators.one_line import one_line
from generators.retries import Retry
from schemas.backbones import EmbedderSpec
from schemas.errors import BackboneError, EmbedderError

Vectors = NDArray[np.float32]
"""One row of numbers for each text."""

# The most that text-embeddings-inference takes in one request when nothing else is set; others take more.
BATCH = 32
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
        self._client: httpx.AsyncClient | None = None
        self._endpoints: tuple[Endpoint, ...] = ()
        self.dimensions = 0

    @property
    def at_once(self) -> int:
        """Requests worth having in flight: each server has one to work on while it answers another."""
        return 2 * len(self._spec.endpoints)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Finite vectors, none of them zero: shape (texts, dimensions), in the order of the texts.

        Raises EmbedderError when the retries are used up or a server refuses the request.
        """
        batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        if not batches:
            return np.empty((0, self.dimensions), np.float32)
        return np.concatenate(await asyncio.gather(*map(self._embed_batch, batches)))

    async def _embed_batch(self, texts: Sequence[str]) -> Vectors:
        try:
            return await answered(self._endpoints, partial(self._once, texts), self._spec.retries)
        except GivenUpError as error:
            raise EmbedderError(f"{_FIELD}.endpoints: {error}; see to these servers, or name others") from error
        except BackboneError as error:
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
                async with asyncio.timeout(self._spec.timeout_s):
                    return _vectors(await endpoint.embed(body), len(texts))
            except TimeoutError as error:
                raise Retry(f"no embeddings within {self._spec.timeout_s:g} s") from error
            except ContextFullError as error:
                half = max(map(len, texts)) // 2
                if not half:
                    raise BackboneError(f"{endpoint.url} has no room for one character: {error}") from error
                texts = [text[:half] for text in texts]

    async def __aenter__(self) -> Self:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=self.at_once)
        timeout = httpx.Timeout(None, connect=10.0)
        client = httpx.AsyncClient(
            headers=authorization(self._spec.api_key_env, f"{_FIELD}.api_key_env"), limits=limits, timeout=timeout
        )
        self._endpoints = tuple(Endpoint(url, client) for url in self._spec.endpoints)
        try:
            for endpoint in self._endpoints:
                self.dimensions = await self._probe(endpoint)
        except BaseException:
            await client.aclose()
            raise
        self._client = client
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _probe(self, endpoint: Endpoint) -> int:
        """How many numbers a vector of this server has. Not every server lists its models, but all embed."""
        try:
            return int((await self._once([_PROBE], endpoint)).shape[1])
        except Retry as error:
            raise EmbedderError(
                f"{_FIELD}.endpoints: {endpoint.url} gives no embeddings: {one_line(error)}; start this server, or"
                " mend its address"
            ) from error
        except BackboneError as error:
            raise _refused(error) from error


def _refused(error: BackboneError) -> EmbedderError:
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
