"""What a server answers, read as JSON."""

from __future__ import annotations

import json
from typing import Any

from generators.retries import Retry


def json_object(text: bytes) -> dict[str, Any]:
    """Raises Retry for what is no JSON object."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Retry("the answer is no JSON") from error
    if not isinstance(answer, dict):
        raise Retry("the answer is no JSON object")
    return answer
