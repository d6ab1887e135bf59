"""The metrics, as Prometheus asks for them."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Header, Response

from schemas.errors import ServiceError
from service.access import Reader
from service.metrics import Standing
from service.problems import documented
from service.readiness import not_ready
from service.state import TheService
from service.watch import TheWatch

_log = logging.getLogger(__name__)

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **documented(401, 403)},
)
async def metrics(service: TheService, watch: TheWatch, _: Reader, accept: Annotated[str, Header()] = "") -> Response:
    """Counters of this server, and how things stand: its backbones, and the jobs of all servers of its database.

    In the text format, or as OpenMetrics where the Accept header asks for it.
    """
    problems = [problem.field for problem in await not_ready(service, watch)]
    jobs = age = None
    if "database" not in problems:
        try:
            census = await watch.census()
            jobs, age = census.jobs, census.queue_age_seconds
        except ServiceError as error:
            _log.warning("the jobs cannot be counted: %s", error)
    standing = Standing(
        ready=not problems,
        backbones={name: f"backbones.{name}" not in problems for name in service.backbones.names},
        jobs=jobs,
        queue_age_seconds=age,
        builds_free_bytes=watch.servers.free_bytes,
    )
    text, media_type = watch.metrics.text(standing, accept)
    return Response(text, media_type=media_type)
