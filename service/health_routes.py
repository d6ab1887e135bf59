"""Health: is the process alive, and can it do its work."""

from __future__ import annotations

from fastapi import APIRouter

from schemas.base import Frozen
from schemas.server import Ready
from service.problems import ProblemError, documented
from service.readiness import not_ready
from service.state import TheService
from service.watch import TheWatch

router = APIRouter(tags=["health"])


class Alive(Frozen):
    """The process answers."""

    status: str = "alive"


@router.get("/healthz", summary="Is the server alive?")
async def healthz() -> Alive:
    """Answers as long as the process does."""
    return Alive()


@router.get("/readyz", summary="Can the server run jobs?", responses=documented(503))
async def readyz(service: TheService, watch: TheWatch) -> Ready:
    """200 when all that a job needs is there; else 503, and `errors` says what is not and why.

    That is the database, the worker, every declared backbone, and the builds folder: it can be written, has room, and
    is the one that the other servers of the database see.
    """
    if problems := await not_ready(service, watch):
        detail = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
        raise ProblemError(503, f"not ready: {detail}", problems)
    return Ready(backbones=service.backbones.names)
