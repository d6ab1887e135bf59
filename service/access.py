"""Who makes a request, and whether they may: what the routes ask of the guard."""

from __future__ import annotations

import os
from typing import Annotated, Any, cast

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer, SecurityScopes

from schemas.keys import Caller, Scope
from service.problems import ProblemError, bad_field

# The guard has asked for the key; this says so in the API's description.
_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    bearerFormat="itr_ID_SECRET",
    description="an API key, made by `iturri keys create`; a server on its own machine that has no keys asks for none",
)


async def _caller(request: Request, scopes: SecurityScopes, _: Annotated[Any, Depends(_bearer)]) -> Caller:
    caller = cast(Caller, request.scope["state"]["caller"])
    for scope in map(Scope, scopes.scopes):
        check_scope(caller, scope)
    return caller


def needs(*scopes: Scope) -> Any:
    """The caller, who has to have the scopes. Raises ProblemError, a 403 that names the one that is missing."""
    return Security(_caller, scopes=[scope.value for scope in scopes])


Anybody = Annotated[Caller, needs()]
Submitter = Annotated[Caller, needs(Scope.SUBMIT)]
Reader = Annotated[Caller, needs(Scope.READ)]
Publisher = Annotated[Caller, needs(Scope.PUBLISH)]
Reviewer = Annotated[Caller, needs(Scope.REVIEW)]


def check_scope(caller: Caller, scope: Scope) -> None:
    """Raises ProblemError, a 403 that names the scope, when the caller lacks it."""
    if not caller.has(scope):
        raise ProblemError(403, f"the key {caller.name} lacks the scope `{scope}`; it has: {', '.join(caller.scopes)}")


def check_hub(caller: Caller, repo: str, field: str) -> None:
    """Whether the caller may have this server publish to the repository, which `field` names, and the server can.

    Raises ProblemError: a 403, or a 422 when the server has no Hub token.
    """
    check_scope(caller, Scope.PUBLISH)
    check_namespace(caller, repo)
    if not os.environ.get("HF_TOKEN"):
        raise bad_field(field, "this server has no Hub token; who runs it sets HF_TOKEN")


def check_namespace(caller: Caller, repo: str | None) -> None:
    """Whether the caller may publish to the repository; None, the server's own folder, is free to all.

    Raises ProblemError, a 403 that names the namespaces that are allowed.
    """
    if repo is not None and not caller.may_publish_to(repo):
        allowed = ", ".join(caller.namespaces) or "none"
        raise ProblemError(403, f"the key {caller.name} may not publish to {repo}; its namespaces: {allowed}")
