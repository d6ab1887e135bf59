"""One OpenAI-compatible server: what it is, how busy it is, and one request to it."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx

from generators.one_line import one_line
from generators.retries import Retry, retry_after_s
from schemas.errors import BackboneError

_PROBE_S = 10.0


class Endpoint:
    """A server under a base URL that ends in /v1."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.url = url
        self.is_vllm = False
        self.max_model_len: int | None = None
        self._client = client
        self._in_flight = 0
        self._rests_until = 0.0

    @property
    def resting(self) -> bool:
        """Whether it failed a moment ago."""
        return time.monotonic() < self._rests_until

    def rest(self, seconds: float) -> None:
        self._rests_until = time.monotonic() + seconds

    def load(self) -> tuple[bool, int]:
        """Sorts first what is well and has the fewest requests in flight."""
        return self.resting, self._in_flight

    def room(self, prompt_tokens: int) -> int | None:
        """How many tokens fit after a prompt; None where the server does not say how long its context is."""
        return None if self.max_model_len is None else self.max_model_len - prompt_tokens

    async def probe(self, model: str) -> str | None:
        """Ask what the server is; the answer says in one line why it cannot be used, or is None."""
        try:
            response = await self._client.get(f"{self.url}/models", timeout=_PROBE_S)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"{self.url} does not answer: {one_line(error)}"
        if response.status_code != httpx.codes.OK:
            return f"{self.url}/models answers {response.status_code}: {_said(response)}"
        try:
            cards = {str(card["id"]): card for card in response.json()["data"]}
        except (ValueError, KeyError, TypeError):
            return f"{self.url}/models gives no list of models; is it an OpenAI-compatible server?"
        if model not in cards:
            return f"{self.url} does not know {model!r}; it serves {', '.join(sorted(cards)) or 'nothing'}"
        self.is_vllm = cards[model].get("owned_by") == "vllm"
        length = cards[model].get("max_model_len")
        self.max_model_len = length if isinstance(length, int) else None
        return None

    async def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        """One completion request. Raises Retry for what may pass by itself, ContextFullError and BackboneError."""
        return await self._answer("completions", body)

    async def embed(self, body: dict[str, Any]) -> dict[str, Any]:
        """One request for embeddings. Raises as `complete` does."""
        return await self._answer("embeddings", body)

    async def _answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self._in_flight += 1
        try:
            response = await self._client.post(f"{self.url}/{path}", json=body)
        except httpx.InvalidURL as error:
            raise BackboneError(f"{self.url}: {one_line(error)}") from error
        except httpx.HTTPError as error:
            raise Retry(f"{type(error).__name__}: {one_line(error)}") from error
        finally:
            self._in_flight -= 1
        status = response.status_code
        if status == httpx.codes.OK:
            try:
                answer = response.json()
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                raise Retry("the answer is no JSON") from error
            if not isinstance(answer, dict):
                raise Retry("the answer is no JSON object")
            return answer
        said = _said(response)
        if status in {httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS} or status >= 500:
            raise Retry(f"{status}: {said}", retry_after_s(response.headers.get("Retry-After")))
        if status == httpx.codes.BAD_REQUEST and "context" in said.lower() and "length" in said.lower():
            raise ContextFullError(said)
        raise BackboneError(f"{self.url} refuses a request with {status}: {said}")


class ContextFullError(Exception):
    """The prompt leaves no room in the model's context."""


def _said(response: httpx.Response) -> str:
    """A server's error in one line of at most 300 characters."""
    try:
        answer = response.json()
        error = answer.get("error", answer)
        text = str(error.get("message") or error.get("detail") or error) if isinstance(error, dict) else str(error)
    except (ValueError, AttributeError):
        text = response.text
    return " ".join(text.split())[:300] or response.reason_phrase
