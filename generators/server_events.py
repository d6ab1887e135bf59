"""Answers that come in pieces: server-sent events whose data are JSON objects, as OpenAI's interface streams them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from generators.json_answer import json_object
from generators.retries import LostError

_DATA = b"data:"
_END = b"[DONE]"


async def server_events(content: aiohttp.StreamReader) -> AsyncIterator[dict[str, Any]]:
    """The objects, up to `[DONE]`. Raises Retry for what is none, and LostError when the end is missing.

    Each event of OpenAI's interface is one line (platform.openai.com/docs/api-reference/completions), as long as it
    may be; comments and blank lines are passed over.
    """
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(_DATA):
                data = line[len(_DATA) :].strip()
                if data == _END:
                    return
                yield json_object(data)
    raise LostError("the stream ended before the completion did")
