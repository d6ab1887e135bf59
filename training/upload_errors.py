"""What the Hub's refusals of a model mean: which are worth another try, and what to tell about the others."""

from __future__ import annotations

import json
import re

import httpx2
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from schemas.errors import HubAuthError, HubBusyError, PublishError

TOKEN_ADVICE = "set HF_TOKEN to a token with write permission, from https://huggingface.co/settings/tokens"  # noqa: S105

# Besides 5xx: timeouts and another commit at the same moment. The rate limit (429) lasts longer than we wait.
_PASSING = frozenset({408, 409, 412})
_NETWORK = (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError, json.JSONDecodeError)
# The first that fits is said; a gated repository is one that is not found, to the client.
_REFUSALS: tuple[tuple[type[HfHubHTTPError], str], ...] = (
    (GatedRepoError, "{repo} is gated, and the token's owner has no access; ask for it on the repository's page"),
    (DisabledRepoError, "{repo} is disabled on the Hub, its page says why; choose another repository"),
    (
        RevisionNotFoundError,
        "{repo} has no branch main, which is the one that models go to and readers see; make it again on the Hub, or"
        " choose another repository",
    ),
    (RepositoryNotFoundError, "{repo} is not there any more, or the token may not see it; publish again to make it"),
)


def is_passing(error: Exception) -> bool:
    """Whether another try in a few seconds may go through."""
    response = _response(error)
    if response is None:
        return any(isinstance(link, _NETWORK) for link in _chain(error))
    return response.status_code in _PASSING or response.status_code >= 500


def translated(error: Exception, repo: str) -> PublishError:
    """The error in one line: HubAuthError, HubBusyError or PublishError."""
    response = _response(error)
    if response is None:
        if any(isinstance(link, OfflineModeIsEnabled) for link in _chain(error)):
            return PublishError("HF_HUB_OFFLINE is set, so nothing can be published; unset it")
        if is_passing(error):
            return HubBusyError(f"the Hub cannot be reached: {_line(error)}; publish again to go on from here")
        return PublishError(f"the Hub did not take the model: {_line(error)}")
    kind = HubBusyError if is_passing(error) else PublishError
    again = "; publish again to go on from here" if kind is HubBusyError else ""
    said = f"the Hub did not take the model ({response.status_code}): {_line(error)}{again}"
    return _refusal(error, response, repo) or kind(said)


def _refusal(error: Exception, response: httpx2.Response, repo: str) -> PublishError | None:
    """What a status or an error code of the Hub means, where it says more than its number."""
    status = response.status_code
    if status == 401:
        return HubAuthError(f"the Hub does not accept the token for {repo} (401); {TOKEN_ADVICE}")
    for kind, says in _REFUSALS:
        if any(isinstance(link, kind) for link in _chain(error)):
            return PublishError(says.format(repo=repo))
    if status == 403:
        return HubAuthError(f"the token may not write to {repo} (403); {TOKEN_ADVICE}")
    if status == 429:
        asked = response.headers.get("retry-after", "").strip()
        when = f"in {asked} s" if asked.isdigit() else "later"
        return HubBusyError(f"the Hub's rate limit is reached (429); publish again {when} to go on from here")
    return None


def _response(error: Exception) -> httpx2.Response | None:
    return next((link.response for link in _chain(error) if isinstance(link, HfHubHTTPError)), None)


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what caused it, for the client wraps some of its own."""
    links = [error]
    while (cause := links[-1].__cause__ or links[-1].__context__) is not None and cause not in links:
        links.append(cause)
    return links


def _line(error: Exception) -> str:
    """What the server says, or else the error's own text, in one line, without the queries of signed addresses."""
    said = next((link.server_message for link in _chain(error) if isinstance(link, HfHubHTTPError)), None)
    if said is None:
        root = _chain(error)[-1]
        said = str(root) if str(root) in str(error) else f"{error} {root}"
    return re.sub(r"(://[^\s?'\"]*)\?[^\s'\"]+", r"\1", " ".join(said.split())) or type(error).__name__
