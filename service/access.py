"""Who makes a request, and whether they may: what the routes ask of the guard."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer, SecurityScopes

from schemas.keys import Caller, Scope
from service.problems import ProblemError

# The guard has asked for the key; this says so in the API's description.
_bearer = HTTPBearer(auto_error=False, description="an API key, where the server asks for one")


def _caller(request: Request, scopes: SecurityScopes, _: Annotated[Any, Depends(_bearer)]) -> Caller:
    caller = cast(Caller, request.scope["state"]["caller"])
    for scope in map(Scope, scopes.scopes):
        if not caller.has(scope):
            raise ProblemError(403, f"the key {caller.name} lacks the scope `{scope}`; it has: {', '.join(caller.scopes)}")
    return caller


def needs(scope: Scope) -> Any:
    """The caller, who has to have the scope. Raises ProblemError, a 403 that names it."""
    return Security(_caller, scopes=[scope.value])


Submitter = Annotated[Caller, needs(Scope.SUBMIT)]
Reader = Annotated[Caller, needs(Scope.READ)]
Publisher = Annotated[Caller, needs(Scope.PUBLISH)]
Reviewer = Annotated[Caller, needs(Scope.REVIEW)]
