"""Serving the app on a port until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

from schemas.errors import SettingsError
from schemas.settings import Settings
from service.app import create_app
from service.authentication import is_loopback
from service.opening import opened_keys
from service.state import Service

_log = logging.getLogger(__name__)

_CONNECTIONS_END_S = 5
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until a signal. Jobs that run go back into the queue then, and go on at the next start.

    Without an API key only loopback is served. Port 0 takes a free one, which the log names. Raises SettingsError for
    an address that cannot be served, a port in use and wrong settings, ServiceError when the database does not start.
    """
    app = create_app(settings)
    if settings.api_key is None and not is_loopback(host):
        asyncio.run(_check_keys(settings, host))
    with _bound(host, port) as listening:
        asyncio.run(_serve(app, listening))


@contextlib.contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    """The port, taken before anything is started. Raises SettingsError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SettingsError(f"{host} is no address of this machine: {error.strerror or error}") from error
    with listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(address)
            # From here on another server on this port fails, while this one is still starting.
            listening.listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise SettingsError(f"port {port} is in use on {host}; choose another one with --port") from error
            raise SettingsError(f"{host} port {port} cannot be served: {error.strerror or error}") from error
        yield listening


async def _check_keys(settings: Settings, host: str) -> None:
    """Before anything is started that would have to be ended again. Raises SettingsError, ServiceError."""
    async with opened_keys(settings) as keys:
        if not await keys.any_live():
            raise SettingsError(
                f"without an API key only this machine itself is served, not {host}: make one with "
                "`iturri keys create`, set ITURRI_API_KEY, or serve 127.0.0.1"
            )


async def _serve(app: FastAPI, listening: socket.socket) -> None:
    config = uvicorn.Config(
        app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=_CONNECTIONS_END_S
    )
    server = _Server(config)

    def stop() -> None:
        server.should_exit = True
        service: Service | None = getattr(app.state, "service", None)  # there is none while it starts
        if service is not None:
            service.events.end()  # or they would be waited for, while builds run on

    with _stopping(stop):
        async with app.router.lifespan_context(app):
            gc.collect()
            gc.freeze()  # looking through all that was imported again and again would hold up the event loop each time
            host, port = listening.getsockname()[:2]
            _log.info("serving on http://%s:%d", f"[{host}]" if ":" in host else host, port)
            await server.serve(sockets=[listening])
    _log.info("the server has ended; jobs that were cut short go on at its next start")


class _Server(uvicorn.Server):
    """A server whose signals are ours: uvicorn raises them again when it has ended, which would kill the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def _stopping(end: Callable[[], None]) -> Iterator[None]:
    """The first signal ends the server cleanly; the second one has its usual effect, at once."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        end()
        forget()

    def forget() -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        forget()
