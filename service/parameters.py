"""Query parameters that an operation does not have are refused: a misspelt `dry_run` would start a build."""

from __future__ import annotations

from difflib import get_close_matches

from fastapi import Request
from fastapi.dependencies.utils import get_flat_dependant
from fastapi.routing import APIRoute

from service.problems import bad_field


async def only_known(request: Request) -> None:
    """Raises ProblemError, a 422 that names the parameter and what may be meant."""
    if not request.query_params:
        return
    route: APIRoute = request.scope["route"]
    known = tuple(field.alias for field in get_flat_dependant(route.dependant).query_params)
    for name in request.query_params:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known) or 'none'}"
            raise bad_field(name[:64], f"there is no such parameter; {hint}")
