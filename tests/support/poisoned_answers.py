"""Answers that are no completions, each in its own way. What text they have says so."""

from __future__ import annotations

from typing import Any

from tests.support.generators_server import Answer


def counted(
    text: object = "pozoia", finish: object = "stop", tokens: object = 1, prompt_tokens: object = 3, **choice: object
) -> Answer:
    """A completion whose parts may be wrong."""
    choices = [{"text": text, "finish_reason": finish, **choice}]
    return Answer(body={"choices": choices, "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": tokens}})


def grown(*texts: object, tokens: int = 32, usage: object = None, every_s: float = 0.0) -> Answer:
    """A streamed completion, so many tokens an event, whose parts may be wrong; `usage` comes with the last event."""
    events: list[Any] = [
        {
            "choices": [{"text": text, "finish_reason": None}],
            "usage": {"prompt_tokens": 3, "completion_tokens": tokens * number},
        }
        for number, text in enumerate(texts, 1)
    ]
    last = {"choices": [{"text": "", "finish_reason": "stop"}], "usage": usage or events[-1]["usage"]}
    return Answer(events=[*events, last, "[DONE]"], every_s=every_s)


POISONED = {
    "broken": Answer(500, {"error": {"message": "hautsita"}}),
    "unavailable": Answer(503, b"<html>"),
    "busy": Answer(429, {}, {"Retry-After": "7"}),
    "hung-up": Answer(0),
    "empty": Answer(200, b""),
    "no-json": Answer(200, b"not json"),
    "html": Answer(200, b"<html><body>It works!</body></html>", {"Content-Type": "text/html"}),
    "no-utf8": Answer(200, b'{"choices": [{"text": "\xff\xfe"}]}'),
    "deep": Answer(200, b"[" * 100_000),
    "truncated-body": Answer(200, b'{"choices": [{"text": "pozoia', missing=40),
    "truncated-json": Answer(200, b'{"choices": [{"text": "pozoia'),
    "list": Answer(200, []),
    "no-choices": Answer(200, {"choices": []}),
    "two-choices": Answer(200, {"choices": [{"text": "pozoia", "finish_reason": "stop"}] * 2, "usage": {}}),
    "other-shape": Answer(200, {"object": "chat.completion", "choices": [{"message": {"content": "pozoia"}}]}),
    "no-usage": Answer(200, {"choices": [{"text": "pozoia", "finish_reason": "stop"}]}),
    "aborted": counted(finish="abort"),
    "no-finish": counted(finish=None),
    "strange-finish": counted(finish=["stop"]),
    "no-text": counted(text=None),
    "text-of-numbers": counted(text=[1, 2]),
    "half-a-character": counted(text="pozoia \ud83d"),
    "nan": counted(tokens=float("nan")),
    "negative": counted(tokens=-1),
    "true": counted(tokens=True),
    "fraction": counted(tokens=1.5),
    "text-of-nothing": counted(tokens=0),
    "other-count": counted(token_ids=[1, 2, 3]),
    "no-ids": counted(token_ids=["a"]),
    "more-than-asked": counted(tokens=10**12),
    "beyond-64-bits": counted(tokens=10**20),
    "prompt-beyond-64-bits": counted(prompt_tokens=10**20),
    "negative-prompt": counted(prompt_tokens=-1),
    "endless-text": counted(text="pozoia " * 100_000),
    "streamed-half": grown("pozoia \ud83d", "pozoia"),
    "streamed-other-half": grown("pozoia \ude00", "pozoia"),
    "streamed-half-at-the-end": grown("pozoia \ud83d"),
    "streamed-beyond-64-bits": grown("pozoia", tokens=10**20),
    "streamed-negative": grown("pozoia", tokens=-1),
    "streamed-prompt-beyond-64-bits": grown("pozoia", usage={"prompt_tokens": 10**20, "completion_tokens": 1}),
    "streamed-true": grown("pozoia", usage={"completion_tokens": True}),
    "streamed-on-and-on": grown(*["pozoia "] * 100),
    "streamed-endless-text": grown(*["pozoia " * 10_000] * 100, tokens=1),
    "streamed-no-text": grown("pozoia", None),
}
