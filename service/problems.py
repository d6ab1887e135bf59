"""Errors as problem details (RFC 9457): `application/problem+json`, never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from schemas.errors import InputError, IturriError, ServiceError
from schemas.problem_details import FieldProblem, Problem
from schemas.problems import message, own_problems, written

_log = logging.getLogger(__name__)

_MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_S = 5
_SOURCES = ("body", "query", "path", "header", "cookie")


class ProblemError(HTTPException):
    """Ends a request with a problem."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: tuple[FieldProblem, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers)
        self.errors = errors


def bad_field(field: str, what: str) -> ProblemError:
    """A 422 that names the field."""
    return ProblemError(422, f"{field}: {what}", (FieldProblem(field=field, message=what),))


def too_many(detail: str, retry_after_s: int) -> ProblemError:
    """A 429 that says in how many seconds to try again."""
    return ProblemError(429, detail, headers={"Retry-After": str(retry_after_s)})


def problem_response(
    status: int, detail: str, errors: tuple[FieldProblem, ...] = (), headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The answer; a 503 without a time says when to try again too."""
    if status == 503:
        headers = {"Retry-After": str(_RETRY_AFTER_S), **(headers or {})}
    problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors)
    return JSONResponse(problem.model_dump(mode="json"), status, headers, media_type=_MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: these statuses answer with a problem."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {status: {"description": HTTPStatus(status).phrase, "content": {_MEDIA_TYPE: schema}} for status in statuses}


def install(app: FastAPI, hints: Mapping[str, str]) -> None:
    """Have all errors of the app answered with problems; `hints` say more about what is wrong with a field."""

    async def bad_request(request: Request, error: Exception) -> JSONResponse:
        problems = own_problems(cast(RequestValidationError, error).errors())
        found = tuple(_field_problem(one, hints) for one in problems)
        if found[0].field == "body" and "json" not in request.headers.get("content-type", ""):
            return _told(bad_field("body", "send JSON, with Content-Type: application/json"))
        return problem_response(422, f"{found[0].field}: {found[0].message}", found)

    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, bad_request)
    app.add_exception_handler(IturriError, _own_error)
    app.add_exception_handler(Exception, _unforeseen)


def _told(problem: ProblemError) -> JSONResponse:
    return problem_response(problem.status_code, problem.detail, problem.errors, problem.headers)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    error = cast(HTTPException, error)
    if isinstance(error, ProblemError):
        return _told(error)
    if error.status_code == 400:  # FastAPI, of a body that is no text; bad JSON comes to `bad_request`
        return _told(bad_field("body", "is no JSON in UTF-8"))
    if error.status_code == 404:
        return problem_response(404, f"there is nothing at {request.url.path[:200]}; /docs lists what there is")
    if error.status_code == 405:
        allowed = ", ".join(_methods(request))
        return problem_response(405, f"{request.method} does nothing here; there is {allowed}", (), {"Allow": allowed})
    return problem_response(error.status_code, str(error.detail), (), error.headers)


def _methods(request: Request) -> list[str]:
    """Of all routes of this path; Starlette names those of the first one."""
    routes = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in routes for method in getattr(route, "methods", None) or ()})


def _field_problem(found: dict[str, Any], hints: Mapping[str, str]) -> FieldProblem:
    """What was sent is not repeated: it may be what should never have been sent."""
    where = list(found["loc"])
    if found["type"] == "json_invalid":
        return FieldProblem(field="body", message=f"no valid JSON at character {where[-1]}")
    if len(where) > 1 and where[0] in _SOURCES:
        where = where[1:]
    field = ".".join(map(str, written(where)))
    hint = f"; {hints[field]}" if field in hints else ""
    return FieldProblem(field=field, message=message(found["type"], found["msg"]) + hint)


async def _own_error(request: Request, error: Exception) -> JSONResponse:
    status = 422 if isinstance(error, InputError) else 503 if isinstance(error, ServiceError) else 500
    _log.warning("%s %s: %s", request.method, request.url.path, error)
    return problem_response(status, str(error))


async def _unforeseen(_request: Request, _error: Exception) -> JSONResponse:
    # Starlette raises the error again after this answer, and the server logs it.
    return problem_response(500, "unforeseen; the server's log has more")
