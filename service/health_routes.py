"""Health: is the process alive, and can it do its work."""

from __future__ import annotations

from fastapi import APIRouter

from schemas.base import Frozen
from schemas.errors import ServiceError
from service.problems import FieldProblem, ProblemError, documented
from service.state import TheService

router = APIRouter(tags=["health"])


class Alive(Frozen):
    """The process answers."""

    status: str = "alive"


class Ready(Frozen):
    """Database, worker and all declared backbones work."""

    status: str = "ready"
    backbones: tuple[str, ...]


@router.get("/healthz", summary="Is the server alive?")
async def healthz() -> Alive:
    """Answers as long as the process does."""
    return Alive()


@router.get("/readyz", summary="Can the server run jobs?", responses=documented(503))
async def readyz(service: TheService) -> Ready:
    """200 when database, worker and every declared backbone work; else 503, and `errors` says what does not and why."""
    problems: list[FieldProblem] = []
    try:
        await service.store.ping()
    except ServiceError as error:
        problems.append(FieldProblem(field="database", message=str(error)))
    if service.queue.problem is not None:
        problems.append(FieldProblem(field="worker", message=service.queue.problem))
    for name, what in sorted(service.backbones.problems().items()):
        problems.append(FieldProblem(field=f"backbones.{name}", message=what))
    if problems:
        detail = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
        raise ProblemError(503, f"not ready: {detail}", tuple(problems))
    return Ready(backbones=service.backbones.names)
