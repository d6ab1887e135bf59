"""Answers of `/v1/completions`: whole ones and streamed ones. Nothing that contradicts itself becomes a completion."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from generators.backbone import Completion
from generators.endpoint import Endpoint
from generators.one_line import one_line
from generators.retries import Retry
from generators.watching import Watching

PATH = "completions"
# Of OpenAI's interface, and vLLM's own: usage with the last event, and with every one.
_STREAM = {"stream": True, "stream_options": {"include_usage": True, "continuous_usage_stats": True}}
# How far a server may be from our counts: by marks that it puts around a prompt, or tokens that end a completion.
_MARGIN = 8
# Characters of a token, with room to spare: the longest of known vocabularies are runs of 128 spaces or dashes.
_LONGEST_TOKEN = 256


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, in tokens: no answer is much more."""

    prompt_tokens: int
    max_tokens: int

    @classmethod
    def by(cls, body: dict[str, Any]) -> Asked:
        return cls(len(body["prompt"]), body["max_tokens"])

    def spent(self, usage: Any) -> int:
        """The completion's tokens, as a server counts them. Raises ValueError where that cannot be.

        Ours is the count of the prompt's: the tokens themselves were sent.
        """
        prompt = _count(usage.get("prompt_tokens", self.prompt_tokens))
        if prompt > 2 * self.prompt_tokens + _MARGIN:
            raise ValueError(f"{prompt} tokens of a prompt of {self.prompt_tokens}")
        return self.within(_count(usage["completion_tokens"]))

    def within(self, tokens: int, text: str = "") -> int:
        """The tokens. Raises ValueError for more of them, or of the text, than can be."""
        most = self.max_tokens + _MARGIN
        if tokens > most:
            raise ValueError(f"{tokens} tokens where {self.max_tokens} were asked for")
        if len(text) > _LONGEST_TOKEN * most:
            raise ValueError(f"{len(text)} characters of {self.max_tokens} tokens")
        return tokens


async def completion(endpoint: Endpoint, body: dict[str, Any]) -> Completion:
    """The whole completion. Raises Retry for an answer that is none."""
    return read_completion(await endpoint.answer(PATH, body), Asked.by(body))


async def watched_completion(endpoint: Endpoint, body: dict[str, Any], watching: Watching, interval: int) -> Completion:
    """The completion, or what there is of it when the watch cuts it off; the request is then ended on the server.

    The server is asked for events of `interval` tokens, so that reading them costs next to nothing.
    """
    asked = Asked.by(body)
    growing = _Growing(asked)
    async with (
        endpoint.events(PATH, {**body, **_STREAM, "stream_interval": interval}) as events,
        aclosing(watching.until_cut(events)) as pieces,
    ):
        async for piece in pieces:
            growing.add(piece)
            if growing.finish_reason is None:
                watching.show(growing.text, growing.tokens)
    if watching.cut:
        return replace(read_completion(growing.so_far(), asked), cut=True)
    return read_completion(growing.answer(), asked)


class _Growing:
    """A streamed completion, as far as it has come."""

    def __init__(self, asked: Asked) -> None:
        self.text = ""
        self.tokens = 0
        self.finish_reason: object = None
        self._asked = asked
        self._half = ""
        self._ids: list[Any] | None = None
        self._usage: Any = None

    def add(self, event: dict[str, Any]) -> None:
        """Raises Retry for an event that is no part of a completion, and for one that makes it too long."""
        try:
            for choice in event["choices"]:
                self._add_text(choice["text"])
                if (ids := choice.get("token_ids")) is not None:
                    self._ids = [*(self._ids or ()), *ids]
                self.tokens += 1  # a server that says no more sends a token an event
                self.finish_reason = choice["finish_reason"] or self.finish_reason
            if (usage := event.get("usage")) is not None:
                self.tokens = self._asked.spent(usage)
                self._usage = usage
            self._asked.within(self.tokens, self.text)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Retry(f"the answer is no completion: {event.get('error') or one_line(error)}") from error

    def _add_text(self, piece: str) -> None:
        """A character beyond U+FFFF may come as two halves in two events; half of one alone is no text."""
        piece = self._half + piece
        self._half = piece[-1:] if "\ud800" <= piece[-1:] <= "\udbff" else ""
        whole = piece.removesuffix(self._half)
        self.text += whole.encode("utf-16-le", "surrogatepass").decode("utf-16-le")

    def answer(self) -> dict[str, Any]:
        """As if it had come in one piece."""
        choice = {"text": self.text + self._half, "finish_reason": self.finish_reason, "token_ids": self._ids}
        return {"choices": [choice], "usage": self._usage}

    def so_far(self) -> dict[str, Any]:
        """As if it had ended here, by its length."""
        choice = {"text": self.text, "finish_reason": "length"}
        return {"choices": [choice], "usage": {"completion_tokens": self.tokens}}


def read_completion(answer: dict[str, Any], asked: Asked) -> Completion:
    """A server's answer. Raises Retry for one that is no completion, or that contradicts itself or what was asked."""
    try:
        (choice,) = answer["choices"]
        text, finish, usage = choice["text"], choice["finish_reason"], answer["usage"]
        text.encode()  # half a surrogate pair is JSON, and no text
        token_ids = choice.get("token_ids")
        if finish not in {"stop", "length"}:
            raise ValueError(f"finish_reason {finish!r}")
        tokens = asked.within(asked.spent(usage), text)
        if token_ids is not None and len([_count(id_) for id_ in token_ids]) != tokens:
            raise ValueError(f"{len(token_ids)} token ids, {tokens} tokens")
        if text and not tokens:
            raise ValueError("a text of no tokens")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Retry(f"the answer is no completion: {one_line(error)}") from error
    ids = None if token_ids is None else tuple(token_ids)
    return Completion(text, ids, finish, asked.prompt_tokens, tokens)


def _count(value: object) -> int:
    """A whole number that is not negative; JSON's true is none."""
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no number of tokens")
    return value
