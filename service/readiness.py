"""Whether a server can run jobs now, and if not, why."""

from __future__ import annotations

import asyncio
import logging

from schemas.errors import ServiceError
from schemas.problem_details import FieldProblem
from service.state import Service
from service.watch import Watch

_log = logging.getLogger(__name__)

_PATIENCE_S = 4.0  # less than who asks waits for an answer


async def not_ready(service: Service, watch: Watch) -> tuple[FieldProblem, ...]:
    """What keeps the server from running jobs; empty when nothing does."""
    found: dict[str, str] = {}
    try:
        # A database that has vanished from the network says nothing at all.
        async with asyncio.timeout(_PATIENCE_S):
            await service.store.ping()
    except TimeoutError:
        found["database"] = f"it has not answered for {_PATIENCE_S:.0f} s"
    except ServiceError as error:
        _log.warning("readiness: %s", error)  # it may name hosts, and anybody may ask
        found["database"] = "it cannot be used; the server's log says why"
    if service.queue.problem is not None:
        found["worker"] = service.queue.problem
    found |= watch.servers.problems
    found |= {f"backbones.{name}": what for name, what in sorted(service.backbones.problems().items())}
    return tuple(FieldProblem(field=field, message=what) for field, what in found.items())
