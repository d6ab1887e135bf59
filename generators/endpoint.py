"""One OpenAI-compatible server: what it is, and one request to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import aiohttp

from generators.json_answer import json_object
from generators.one_line import one_line
from generators.retries import BusyError, LostError, Retry, retry_after_s
from generators.server_events import server_events

_CONNECT_S = 10.0
# Below the 5 s after which uvicorn, and so vLLM, closes a connection that nobody uses.
_KEEPALIVE_S = 4.0
_EVENTS = "text/event-stream"


class RefusedError(Exception):
    """The server will not take a request, and says why."""


class ContextFullError(Exception):
    """The prompt leaves no room in the model's context."""


def open_session(headers: Mapping[str, str]) -> aiohttp.ClientSession:
    """What requests are sent through. How long an answer may take is its users' to say."""
    return aiohttp.ClientSession(
        headers=headers,
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_S),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=True,
    )


class Endpoint:
    """A server under a base URL that ends in /v1.

    Its requests raise Retry for what may pass by itself, ContextFullError for a prompt that is too long and
    RefusedError for everything else that is no answer.
    """

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.card: dict[str, Any] = {}
        self._session = session

    @property
    def is_vllm(self) -> bool:
        return self.card.get("owned_by") == "vllm"

    def room(self, prompt_tokens: int) -> int | None:
        """How many tokens fit after a prompt; None where the server does not say how long its context is."""
        length = self.card.get("max_model_len")
        return length - prompt_tokens if isinstance(length, int) else None

    async def look_up(self, model: str) -> None:
        """Ask what the server says of the model, into `card`."""
        async with self._answering("GET", "models", None) as response:
            listed = await _read(response)
        try:
            cards = {str(card["id"]): card for card in listed["data"]}
        except (KeyError, TypeError) as error:
            raise RefusedError(
                f"{self.url}/models gives no list of models; is it an OpenAI-compatible server?"
            ) from error
        if model not in cards:
            raise RefusedError(f"{self.url} does not know {model!r}; it serves {', '.join(sorted(cards)) or 'nothing'}")
        self.card = cards[model]

    async def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The JSON object that answers a request."""
        async with self._answering("POST", path, body) as response:
            return await _read(response)

    @asynccontextmanager
    async def events(self, path: str, body: dict[str, Any]) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The JSON objects that a request with `stream` is answered with; leaving it early ends it on the server.

        A server that does not stream gives its whole answer as the only one.
        """
        async with self._answering("POST", path, body) as response:
            yield server_events(response.content) if response.content_type == _EVENTS else _only(response)

    @asynccontextmanager
    async def _answering(
        self, method: str, path: str, body: dict[str, Any] | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        data = None if body is None else json.dumps(body).encode()
        headers = None if body is None else {"Content-Type": "application/json"}
        try:
            async with self._session.request(method, f"{self.url}/{path}", data=data, headers=headers) as response:
                if response.status != HTTPStatus.OK:
                    raise await self._failure(response, path)
                yield response
        except aiohttp.InvalidURL as error:
            raise RefusedError(f"{self.url}: {one_line(error)}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise LostError(f"{type(error).__name__}: {one_line(error)}") from error

    async def _failure(self, response: aiohttp.ClientResponse, path: str) -> Exception:
        status, said = response.status, await _said(response)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return BusyError(f"{status}: {said}", retry_after_s(response.headers.get("Retry-After")))
        if status == HTTPStatus.SERVICE_UNAVAILABLE and "Retry-After" in response.headers:
            return BusyError(f"{status}: {said}", retry_after_s(response.headers["Retry-After"]))
        if status == HTTPStatus.REQUEST_TIMEOUT or status >= 500:
            return Retry(f"{status}: {said}")
        if status == HTTPStatus.BAD_REQUEST and "context" in said.lower() and "length" in said.lower():
            return ContextFullError(said)
        if path == "models":
            return RefusedError(f"{self.url}/models answers {status}: {said}")
        return RefusedError(f"{self.url} refuses a request with {status}: {said}")


async def _only(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    yield await _read(response)


async def _read(response: aiohttp.ClientResponse) -> dict[str, Any]:
    return json_object(await response.read())


async def _said(response: aiohttp.ClientResponse) -> str:
    """A server's error in one line of at most 300 characters."""
    raw = await response.read()
    try:
        answer = json.loads(raw)
        error = answer.get("error", answer)
        text = str(error.get("message") or error.get("detail") or error) if isinstance(error, dict) else str(error)
    except (ValueError, AttributeError, RecursionError):
        text = raw.decode(errors="replace")
    return " ".join(text.split())[:300] or str(response.reason)
