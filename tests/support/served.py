"""Nouns as a server sends them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

AT = "2026-01-01T00:00:00Z"


def job(job_id: str = "j1", state: str = "running", **fields: Any) -> dict[str, Any]:
    """A build, as JSON."""
    document = {"id": job_id, "kind": "build", "state": state, "created": AT, "updated": AT, "attempts": 1}
    return {**document, "recipe": {"name": "small"}, **fields}


def event(number: int, state: str = "running", accepted: int | None = None) -> dict[str, Any]:
    """An event of a job, with progress if something was accepted."""
    progress = {
        "accepted": accepted,
        "target": 20,
        "drafts": 25,
        "tokens": 900,
        "acceptance": 0.8,
        "tokens_per_accepted": 45.0,
        "in_flight": 4,
        "tokens_per_second": 100.0,
        "seconds_left": 3.0,
    }
    kind = "state" if accepted is None else "progress"
    document = {"number": number, "at": AT, "kind": kind, "state": state}
    return document if accepted is None else {**document, "progress": progress}


def stream(*events: dict[str, Any]) -> bytes:
    """Events as text/event-stream, with a comment as servers send it now and then."""
    lines = [f"id: {one['number']}\nevent: {one['kind']}\ndata: {json.dumps(one)}\n\n" for one in events]
    return ": ping\n\n".join(["", *lines]).encode()


def shard(path: str, content: bytes, **fields: Any) -> dict[str, Any]:
    """A shard as it is listed."""
    listed = {"path": path, "config": "magpie-eu", "split": "train", "rows": 1, "bytes": len(content)}
    return {**listed, "sha256": hashlib.sha256(content).hexdigest(), "url": f"/v1/jobs/j1/shards/{path}", **fields}
