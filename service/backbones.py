"""The declared backbones of a server: one engine each, shared by all jobs, started anew when it dies."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from generators.backbone import Backbone
from generators.one_line import one_line
from generators.opening import open_backbone
from schemas.backbones import BackboneSpec
from schemas.errors import BackboneError, InputError, IturriError

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 5.0
_LONGEST_PAUSE_S = 300.0


class Engine:
    """One declared backbone, kept running."""

    def __init__(self, name: str, spec: BackboneSpec) -> None:
        self._name = name
        self._spec = spec
        self._backbone: Backbone | None = None
        self._settled = asyncio.Event()
        self._broken = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._leases = 0
        self.problem: str | None = "it is starting"

    @asynccontextmanager
    async def lease(self, stop: asyncio.Event) -> AsyncIterator[Backbone | None]:
        """The running backbone, waited for while it starts; None when `stop` is set first.

        Raises BackboneError when it does not start. A BackboneError from inside has the engine started anew.
        """
        await _either(self._settled, stop)
        if not self._settled.is_set():
            yield None
            return
        if self._backbone is None:
            raise BackboneError(f"the backbone {self._name} is not running: {self.problem}")
        self._leases += 1
        self._idle.clear()
        try:
            yield self._backbone
        except BackboneError as error:
            if not self._broken.is_set():
                self._unsettle(f"it is started anew after: {one_line(error)}")
                self._broken.set()
            raise
        finally:
            self._leases -= 1
            if not self._leases:
                self._idle.set()

    async def keep(self) -> None:
        """Start the backbone, again after each death; ends when it is cancelled or its declaration is of no use."""
        pause = _FIRST_PAUSE_S
        while True:
            try:
                async with open_backbone(self._name, self._spec) as backbone:
                    pause = _FIRST_PAUSE_S
                    self._settle(backbone, None)
                    await self._broken.wait()
                    await self._idle.wait()
            except InputError as error:
                self._settle(None, one_line(error))
                return
            except IturriError as error:
                self._settle(None, one_line(error))
            except Exception as error:  # noqa: BLE001 logged in full, and the server goes on
                _log.exception("backbone=%s failed in an unforeseen way", self._name)
                self._settle(None, one_line(error))
            if self.problem is not None and self._settled.is_set():
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)
                self._unsettle(f"it is started again after: {self.problem}")

    def _settle(self, backbone: Backbone | None, problem: str | None) -> None:
        self._backbone, self.problem = backbone, problem
        self._broken.clear()
        self._settled.set()
        if problem is None:
            _log.info("backbone=%s state=ready", self._name)
        else:
            _log.error("backbone=%s state=failed error=%r", self._name, problem)

    def _unsettle(self, problem: str) -> None:
        self._backbone, self.problem = None, problem
        self._settled.clear()
        _log.warning("backbone=%s state=starting: %s", self._name, problem)


class Backbones:
    """All declared backbones. An async context manager: entering begins to start them, leaving ends them."""

    def __init__(self, specs: Mapping[str, BackboneSpec]) -> None:
        self._engines = {name: Engine(name, spec) for name, spec in specs.items()}
        self._keepers: list[asyncio.Task[None]] = []

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._engines))

    def problems(self) -> dict[str, str]:
        """By name, why a backbone cannot be used now; empty when all can."""
        return {name: engine.problem for name, engine in self._engines.items() if engine.problem is not None}

    def engine(self, name: str) -> Engine:
        """Raises BackboneError when no backbone of that name is declared."""
        if name not in self._engines:
            known = ", ".join(self.names) or "none"
            raise BackboneError(f"the backbone {name} is no longer declared on this server; declared: {known}")
        return self._engines[name]

    async def __aenter__(self) -> Self:
        self._keepers = [
            asyncio.create_task(engine.keep(), name=f"backbone {name}") for name, engine in self._engines.items()
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)


async def _either(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
