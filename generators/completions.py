"""Answers of `/v1/completions`: whole ones and streamed ones. Nothing that contradicts itself becomes a completion."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

from generators.backbone import Completion
from generators.endpoint import Endpoint
from generators.one_line import one_line
from generators.retries import Retry
from generators.watching import Watching

PATH = "completions"
# Of OpenAI's interface, and vLLM's own: usage with the last event, and with every one.
_STREAM = {"stream": True, "stream_options": {"include_usage": True, "continuous_usage_stats": True}}


async def completion(endpoint: Endpoint, body: dict[str, Any], prompt_tokens: int) -> Completion:
    """The whole completion. Raises Retry for an answer that is none."""
    return read_completion(await endpoint.answer(PATH, body), prompt_tokens)


async def watched_completion(
    endpoint: Endpoint, body: dict[str, Any], prompt_tokens: int, watching: Watching, interval: int
) -> Completion:
    """The completion, or what there is of it when the watch cuts it off; the request is then ended on the server.

    The server is asked for events of `interval` tokens, so that reading them costs next to nothing.
    """
    growing = _Growing()
    async with (
        endpoint.events(PATH, {**body, **_STREAM, "stream_interval": interval}) as events,
        aclosing(watching.until_cut(events)) as pieces,
    ):
        async for piece in pieces:
            growing.add(piece)
            if growing.finish_reason is None:
                watching.show(growing.text, growing.tokens)
    if watching.cut:
        return Completion(growing.text, None, "length", prompt_tokens, growing.tokens, cut=True)
    return read_completion(growing.answer(), prompt_tokens)


class _Growing:
    """A streamed completion, as far as it has come."""

    def __init__(self) -> None:
        self.text = ""
        self.tokens = 0
        self.finish_reason: object = None
        self._usage: Any = None

    def add(self, event: dict[str, Any]) -> None:
        try:
            for choice in event["choices"]:
                self.text += choice["text"]
                self.tokens += 1  # a server that says no more sends a token an event
                self.finish_reason = choice["finish_reason"] or self.finish_reason
            if (usage := event.get("usage")) is not None:
                self.tokens = usage["completion_tokens"]
                self._usage = usage
            if not isinstance(self.tokens, int):
                raise TypeError(f"completion_tokens {self.tokens!r}")
        except (KeyError, TypeError, AttributeError) as error:
            raise Retry(f"the answer is no completion: {event.get('error') or one_line(error)}") from error

    def answer(self) -> dict[str, Any]:
        """As if it had come in one piece."""
        return {"choices": [{"text": self.text, "finish_reason": self.finish_reason}], "usage": self._usage}


def read_completion(answer: dict[str, Any], prompt_tokens: int) -> Completion:
    """A server's answer. Raises Retry for one that is no completion, or that contradicts itself."""
    try:
        (choice,) = answer["choices"]
        text, finish, usage = choice["text"], choice["finish_reason"], answer["usage"]
        text.encode()  # half a surrogate pair is JSON, and no text
        token_ids = choice.get("token_ids")
        if finish not in {"stop", "length"}:
            raise ValueError(f"finish_reason {finish!r}")
        asked, tokens = _count(usage.get("prompt_tokens", prompt_tokens)), _count(usage["completion_tokens"])
        if token_ids is not None and len([_count(id_) for id_ in token_ids]) != tokens:
            raise ValueError(f"{len(token_ids)} token ids, {tokens} tokens")
        if text and not tokens:
            raise ValueError("a text of no tokens")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Retry(f"the answer is no completion: {one_line(error)}") from error
    return Completion(text, None if token_ids is None else tuple(token_ids), finish, asked, tokens)


def _count(value: object) -> int:
    """A whole number that is not negative; JSON's true is none."""
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no number of tokens")
    return value
