"""Who I am to this server, and what is left of my day."""

from __future__ import annotations

from fastapi import APIRouter

from schemas.server import Me
from service.access import Anybody
from service.authentication import is_open
from service.problems import documented
from service.state import TheService

router = APIRouter(prefix="/v1", tags=["keys"], responses=documented(401, 403, 429, 503))


@router.get("/me", summary="Who am I?")
async def me(service: TheService, caller: Anybody) -> Me:
    """What the key that the request comes with may do, and what it has used today, a day of UTC."""
    return Me(
        name=caller.name,
        scopes=caller.scopes,
        namespaces=caller.namespaces,
        limits=caller.limits,
        usage=await service.keys.usage(caller.key_id),
        open=await is_open(service.settings, service.keys),
    )
