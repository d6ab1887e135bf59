"""Who makes a request: a key's holder, or, on an open server, whoever is on this machine."""

from __future__ import annotations

import hmac
import ipaddress
import logging
from datetime import UTC, datetime
from urllib.parse import urlsplit

from starlette.types import Scope

from schemas.keys import Caller, Key
from schemas.settings import Settings
from service.keys import KeyStore
from service.problems import ProblemError, too_many
from service.rates import Rates

_log = logging.getLogger(__name__)

FAILURES_A_MINUTE = 30


async def is_open(settings: Settings, keys: KeyStore) -> bool:
    """Whether no key is asked for: there is none in the environment, and none was ever made in the database.

    Raises ServiceError when the database cannot tell.
    """
    return settings.api_key is None and not await keys.any_made()


class Authentication:
    """Keys, and how often each of them, and each address with wrong ones, may ask."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._requests = Rates()
        self._failures = Rates()

    async def caller(self, scope: Scope, keys: KeyStore) -> Caller:
        """Who makes the request. Raises ProblemError: 401, 403, 429; ServiceError when the database is away."""
        headers = dict(scope["headers"])
        if await is_open(self._settings, keys):
            _check_local(scope, headers)
            return Caller()
        given = _bearer(headers)
        if given is None:
            raise _unauthorised("send an API key in the header `Authorization: Bearer KEY`")
        secret = self._settings.api_key
        if secret is not None and hmac.compare_digest(given, secret.get_secret_value().encode()):
            return Caller()
        key = await self._live(given.decode("latin-1"), keys, _address(scope))
        most = key.limits.requests_a_minute
        if most is not None and (wait := self._requests.hit(key.id, most)) is not None:
            raise too_many(f"the key {key.name} may make {most:,} requests a minute", wait)
        return Caller(key_id=key.id, name=key.name, scopes=key.scopes, namespaces=key.namespaces, limits=key.limits)

    async def _live(self, given: str, keys: KeyStore, address: str) -> Key:
        """The key, when it opens something. From an address with too many wrong ones only known keys are looked up."""
        many = "too many requests with wrong keys from this address"
        if not keys.knows(given) and (wait := self._failures.full(address, FAILURES_A_MINUTE)) is not None:
            raise too_many(many, wait)
        key = await keys.find(given)
        if key is None:
            why = "this is no API key of this server; `iturri keys create` makes one"
        elif key.revoked is not None:
            why = f"the API key {key.name} was revoked"
        elif key.expires is not None and not key.opens(datetime.now(UTC)):
            why = f"the API key {key.name} expired at {key.expires.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        else:
            return key
        if (wait := self._failures.hit(address, FAILURES_A_MINUTE)) is not None:
            raise too_many(many, wait)
        _log.warning("address=%s sent a key that opens nothing: %s", address, why)
        raise _unauthorised(why)


def is_loopback(host: str) -> bool:
    """Whether the name or address is this machine, seen from itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _check_local(scope: Scope, headers: dict[bytes, bytes]) -> None:
    """On an open server: only this machine asks, and no web page of another site through its browser.

    A page whose name has been pointed at this machine is known by the Host header, any other by the Origin header,
    which browsers send along with all that changes something. Raises ProblemError, a 403.
    """
    host, server = headers.get(b"host", b"").decode("latin-1").strip(), scope.get("server")
    if not is_loopback(_name_of(host)) or (server is not None and not is_loopback(server[0])):
        raise ProblemError(403, "this server has no API key and answers to this machine's own address only")
    origin = headers.get(b"origin")
    if origin is not None and _netloc(origin.decode("latin-1")) != host.lower():
        raise ProblemError(403, "this server has no API key and takes nothing from the pages of other sites")


def _unauthorised(why: str) -> ProblemError:
    return ProblemError(401, why, headers={"WWW-Authenticate": "Bearer"})


def _bearer(headers: dict[bytes, bytes]) -> bytes | None:
    scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
    return given.strip() or None if scheme.lower() == b"bearer" else None


def _name_of(host: str) -> str:
    """The host of a Host header, without port and brackets."""
    if not host.startswith("["):
        return host.partition(":")[0]
    name, _, port = host[1:].partition("]")
    return name if not port or port.startswith(":") else ""


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # no address at all, and so of no page of this server
        return ""


def _address(scope: Scope) -> str:
    """The client's; of IPv6 the network, since a client has as many addresses as it likes there."""
    client = scope.get("client")
    try:
        address = ipaddress.ip_address(client[0] if client is not None else "")
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
