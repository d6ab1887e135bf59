"""Answers that are no completions, each in its own way. What text they have says so."""

from __future__ import annotations

from tests.support.generators_server import Answer


def counted(text: object = "pozoia", finish: object = "stop", tokens: object = 1, **choice: object) -> Answer:
    """A completion whose parts may be wrong."""
    choices = [{"text": text, "finish_reason": finish, **choice}]
    return Answer(body={"choices": choices, "usage": {"completion_tokens": tokens}})


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
}
