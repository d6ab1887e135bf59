"""The datasets that conversations are made from, as a recipe's modes name them."""

from __future__ import annotations

from typing import Any

# Where a mode names a dataset, and what becomes of its texts; a corpus becomes what its mode makes of it.
_PUBLISHED = {"corpus": "passages", "prompts": "first user turns", "source": "conversations, translated"}
_ROLES = {"reverse": "replies", "grounded": "passages that conversations are about"}
_TOPICS = "topics"


def mode_sources(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """The datasets that a mode's conversations are made from, and what of them is published."""
    mode = str(spec.get("mode"))
    found = [(role, spec.get(name)) for name, role in _PUBLISHED.items()]
    topics = (spec.get("steering") or {}).get("topics_from")
    return [
        {"mode": mode, "role": _ROLES.get(mode, role), **one}
        for role, one in [*found, (_TOPICS, topics)]
        if isinstance(one, dict)
    ]


def text_sources(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of them whose texts are published, as they stand or translated."""
    if spec.get("mode") == "grounded" and not spec.get("show_passage", True):
        return []
    return [one for one in mode_sources(spec) if one["role"] != _TOPICS]
