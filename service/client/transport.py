"""Requests to one server: made again where that is safe, and every refusal a ClientError in one line."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from time import sleep
from typing import Any, TypeVar

import httpx2
from pydantic import BaseModel, ValidationError

from generators.retries import BusyError, LostError, Retry, backoff_s, retry_after_s
from schemas.errors import ClientError, InputError
from schemas.problem_details import Problem
from schemas.problems import first_problem

_log = logging.getLogger(__name__)

Noun = TypeVar("Noun", bound=BaseModel)

# Failures before the request has left: whatever it asks for has not been done.
_UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
# Failures that another try does not mend.
_LASTING = (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, httpx2.SSEError)
_REFUSED_FOR_NOW = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
# A proxy between us and the server gave up: the server may have done it, or not.
_GATEWAY = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
# Servers drop connections that were idle for five seconds; one that is about to be dropped is not used again.
_KEPT_S = 2.0
_LONGEST_WAIT_S = 60.0


class Transport:
    """One server. `timeout` are seconds without a byte, `retries` further tries of a request that failed for now."""

    def __init__(self, url: str, key: str | None, timeout: float, retries: int) -> None:
        self.url = _address(url)
        self._retries = retries
        self._http = httpx2.Client(
            base_url=self.url,
            headers={"Accept": "application/json", **_authorization(key)},
            timeout=timeout,
            limits=httpx2.Limits(keepalive_expiry=_KEPT_S),
        )

    def close(self) -> None:
        self._http.close()

    def ask(
        self,
        noun: type[Noun],
        method: str,
        path: str,
        *,
        repeatable: bool = True,
        patient: bool = True,
        **options: Any,
    ) -> Noun:
        """The answer to a request, as the noun. Fields that only a newer server knows are left out.

        `repeatable`: doing it twice is as good as once. Without `patient` there is one try. Raises ClientError.
        """
        return self.read(noun, self.send(method, path, repeatable=repeatable, patient=patient, **options).content)

    def send(
        self, method: str, path: str, *, repeatable: bool = True, patient: bool = True, **options: Any
    ) -> httpx2.Response:
        """As `ask`, the answer as it is: `options` are httpx2's (params, json, headers, timeout)."""
        tried = 0
        while True:
            try:
                return self._once(method, path, repeatable, options)
            except Retry as failure:
                self.pause(failure, tried, self._retries if patient else 0)
                tried += 1

    def read(self, noun: type[Noun], content: bytes | str) -> Noun:
        """The JSON as the noun. Raises ClientError."""
        try:
            return noun.model_validate_json(content, extra="ignore")
        except ValidationError as error:
            where, what = first_problem(error)
            problem = f"{where}: {what}" if where else what
            raise ClientError(
                f"{self.url} does not answer as a server of Iturri does, or as one of another version: {problem}"
            ) from error

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str], timeout: float | None = None) -> Iterator[httpx2.Response]:
        """An answer that is read as it comes, one try. Raises Retry when it may come another time, else ClientError."""
        options: dict[str, Any] = {} if timeout is None else {"timeout": timeout}
        with (
            self._failures(f"GET {path}", repeatable=True),
            self._http.stream("GET", path, headers=headers, **options) as response,
        ):
            if not response.is_success:
                response.read()
                self._refuse(response, repeatable=True)
            yield response

    def pause(self, failure: Retry, tried: int, most: int) -> None:
        """Wait before another try, as long as the server asks for.

        Raises ClientError after `most` tries, or when the wait would be longer than anyone sits through.
        """
        asked_s = failure.after_s if isinstance(failure, BusyError) else 0.0
        if tried >= most or asked_s > _LONGEST_WAIT_S:
            raise failure.__cause__ if isinstance(failure.__cause__, ClientError) else ClientError(str(failure))
        wait_s = backoff_s(tried, asked_s)
        _log.warning("%s; trying again in %.0f s", failure, max(1.0, wait_s))
        sleep(wait_s)

    def _once(self, method: str, path: str, repeatable: bool, options: dict[str, Any]) -> httpx2.Response:
        with self._failures(f"{method} {path}", repeatable):
            response = self._http.request(method, path, **options)
        if not response.is_success:
            self._refuse(response, repeatable)
        return response

    @contextmanager
    def _failures(self, request: str, repeatable: bool) -> Iterator[None]:
        """What goes wrong on the way, as Retry or ClientError."""
        try:
            yield
        except _LASTING as error:
            raise ClientError(f"{self.url} does not answer as a server of Iturri does: {_said(error)}") from error
        except _UNSENT as error:
            raise LostError(f"{self.url} cannot be reached: {_said(error)}") from error
        except httpx2.TransportError as error:
            lost = f"the connection to {self.url} was lost: {_said(error)}"
            if not repeatable:
                raise ClientError(
                    f"{lost}; whether `{request}` was done is not known, look at the job before asking again"
                ) from error
            raise LostError(lost) from error
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            raise ClientError(f"{self.url} does not answer as a server of Iturri does: {_said(error)}") from error

    def _refuse(self, response: httpx2.Response, repeatable: bool) -> None:
        """Raises Retry for a refusal that passes by itself, else ClientError."""
        refusal = self._refusal(response)
        if response.status_code in _REFUSED_FOR_NOW:
            raise BusyError(str(refusal), retry_after_s(response.headers.get("retry-after"))) from refusal
        if response.status_code in _GATEWAY and repeatable:
            raise LostError(str(refusal)) from refusal
        raise refusal

    def _refusal(self, response: httpx2.Response) -> ClientError:
        status = response.status_code
        # Of what nobody foresaw the server's log has more, under this id.
        logged = f", request {response.headers['x-request-id']}" if "x-request-id" in response.headers else ""
        asked = f"{self.url}{logged if status >= HTTPStatus.INTERNAL_SERVER_ERROR else ''}"
        try:
            problem = Problem.model_validate_json(response.content, extra="ignore")
        except ValidationError:
            title = response.reason_phrase or "and no more"
            moved = f" to {response.headers['location']}" if response.has_redirect_location else ""
            return ClientError(f"{asked} answers {status} {title}{moved}", status, title)
        fields = "; ".join(f"{one.field}: {one.message}" for one in problem.errors)
        said = " ".join((fields if len(problem.errors) > 1 else problem.detail).split())
        # Whoever uses the command line sends the key of a setting, and no header of their own.
        hint = "; for `iturri` that is ITURRI_API_KEY" if status == HTTPStatus.UNAUTHORIZED else ""
        return ClientError(f"{said}{hint} ({status} from {asked})", status, problem.detail, problem.errors)


def _address(url: str) -> str:
    """The address without a slash at its end. Raises InputError."""
    try:
        parsed = httpx2.URL(url.strip())
    except (httpx2.InvalidURL, TypeError) as error:
        raise InputError(f"{url!r} is no address of a server: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InputError(f"{url!r} is no address of a server, such as http://127.0.0.1:8000")
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise InputError("the address of a server has no user, query or fragment in it; the key is given apart")
    return str(parsed).rstrip("/")


def _authorization(key: str | None) -> dict[str, str]:
    """Raises InputError for what cannot be a key; the message does not repeat it."""
    if not key:
        return {}
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InputError("the API key has spaces, line breaks or other characters in it that no key has")
    return {"Authorization": f"Bearer {key}"}


def _said(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
