"""What the Hub's refusals mean: which are worth another try, and what to tell the user about the others."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx2
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils._http import parse_ratelimit_headers

from publishers.redaction import without_secrets
from schemas.errors import HubAuthError, HubBusyError, IturriError, PublishError

TOKEN_ADVICE = "set HF_TOKEN to a token with write permission, from https://huggingface.co/settings/tokens"  # noqa: S105

# huggingface_hub 2.4 retries its listings, preupload and LFS calls itself, honouring Retry-After, but neither the
# creation of a repository nor a commit nor the check of a card. These are the tries of such a call, and its waits.
TRIES = 6
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 300.0

# Besides 5xx: timeouts, another commit at the same moment, and the rate limit.
_PASSING = frozenset({408, 409, 412, 429})

# The first that fits is said; a gated repository is one that is not found, to the client.
_REFUSALS: tuple[tuple[type[HfHubHTTPError], str], ...] = (
    (GatedRepoError, "{repo} is gated, and the token's owner has no access; ask for it on the repository's page"),
    (DisabledRepoError, "{repo} is disabled on the Hub, its page says why; choose another repository"),
    (
        RevisionNotFoundError,
        "{repo} has no branch main, which is the one that publications go to and readers see; make it again on the Hub,"
        " or choose another repository",
    ),
    (RepositoryNotFoundError, "{repo} is not there any more, or the token may not see it; publish again to make it"),
)

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")


def calling(what: str, repo: str, call: Callable[[], _Result]) -> _Result:
    """The result of a call to the Hub, tried again with growing waits while the Hub is busy or cannot be reached.

    `what` ends the sentence "the Hub did not ...". Raises HubAuthError, HubBusyError or PublishError with one line.
    """
    for tried in range(1, TRIES + 1):
        try:
            return call()
        except IturriError:
            raise
        except Exception as error:
            wait = _wait_s(error, tried)
            if wait is None or tried == TRIES:
                raise _translated(error, what, repo) from error
            _log.warning("the Hub did not %s (%s); trying again in %.0f s", what, _line(error), wait)
            time.sleep(wait)
    raise AssertionError("unreachable")


def _wait_s(error: Exception, tried: int) -> float | None:
    """Seconds to wait before the next try; None when another try is of no use."""
    backoff = FIRST_WAIT_S * 2 ** (tried - 1)
    response = _response(error)
    if response is None:
        passing = (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError, json.JSONDecodeError)
        return backoff if any(isinstance(link, passing) for link in _chain(error)) else None
    if not _is_passing(response):
        return None
    asked = _asked_wait_s(response)
    wait = backoff if asked is None else asked
    return wait if wait <= LONGEST_WAIT_S else None


def _asked_wait_s(response: httpx2.Response) -> float | None:
    """How long the Hub asks to wait, by its Retry-After or RateLimit headers."""
    value = response.headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    if value:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            moment = None
        if moment is not None:
            return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    limit = parse_ratelimit_headers(response.headers)
    return None if limit is None or limit.remaining > 0 else float(limit.reset_in_seconds)


def _translated(error: Exception, what: str, repo: str) -> PublishError:
    response = _response(error)
    if response is None:
        if any(isinstance(link, OfflineModeIsEnabled) for link in _chain(error)):
            return PublishError("HF_HUB_OFFLINE is set, so nothing can be published; unset it")
        return HubBusyError(f"the Hub did not {what}: {_line(error)}; publish again to go on from here")
    kind = HubBusyError if _is_passing(response) else PublishError
    return _refusal(error, response, repo) or kind(f"the Hub did not {what} ({response.status_code}): {_line(error)}")


def _refusal(error: Exception, response: httpx2.Response, repo: str) -> PublishError | None:
    """What a status or an error code of the Hub means for a publication, where it says more than its number."""
    if response.status_code == 401:
        return HubAuthError(f"the Hub does not accept the token for {repo} (401); {TOKEN_ADVICE}")
    for kind, says in _REFUSALS:
        if any(isinstance(link, kind) for link in _chain(error)):
            return PublishError(says.format(repo=repo))
    if response.status_code == 403:
        return HubAuthError(f"the token may not write to {repo} (403); {TOKEN_ADVICE}")
    if response.status_code == 429:
        asked = _asked_wait_s(response)
        when = f"in {asked:.0f} s" if asked is not None else "later"
        return HubBusyError(f"the Hub's rate limit is reached (429); publish again {when} to go on from here")
    return None


def _is_passing(response: httpx2.Response) -> bool:
    return response.status_code in _PASSING or response.status_code >= 500


def _response(error: Exception) -> httpx2.Response | None:
    return next((link.response for link in _chain(error) if isinstance(link, HfHubHTTPError)), None)


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what caused it, for the client wraps some of its own."""
    links = [error]
    while (cause := links[-1].__cause__ or links[-1].__context__) is not None and cause not in links:
        links.append(cause)
    return links


def _line(error: Exception) -> str:
    """What the server says, or else the error's own text, in one line."""
    said = next((link.server_message for link in _chain(error) if isinstance(link, HfHubHTTPError)), None)
    if said is None:
        root = _chain(error)[-1]
        said = str(error) if root is error else f"{error} {root}"
    return without_secrets(" ".join(said.split())) or type(error).__name__
