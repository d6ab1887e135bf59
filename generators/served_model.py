"""One model behind several endpoints: the same at the start, and ever after."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from generators.endpoint import ContextFullError, Endpoint, RefusedError
from generators.model_probe import Identity, difference, identify
from generators.patrol import AnotherModelError
from generators.retries import Retry
from schemas.errors import BackboneError

_logger = logging.getLogger(__name__)
_START_S = 60.0


class ServedModel:
    """A model by the name under which servers know it, and what it was found to be."""

    def __init__(self, name: str, probe_prompt: Sequence[int], subject: str) -> None:
        self.identity: Identity | None = None
        self._name = name
        self._probe_prompt = list(probe_prompt)
        self._subject = subject

    async def start(self, endpoints: Sequence[Endpoint]) -> dict[Endpoint, str]:
        """Look at all endpoints; the ones that do not answer, and why.

        Raises BackboneError that names the endpoints which answer and do not serve the model, or another one than
        most, and all of them when none answers.
        """
        found = dict(zip(endpoints, await asyncio.gather(*map(self._first_look, endpoints)), strict=True))
        refused = [str(what) for what in found.values() if isinstance(what, RefusedError)]
        down = {endpoint: f"{what}" for endpoint, what in found.items() if isinstance(what, Retry)}
        silent = [f"{endpoint.url} does not answer: {why}" for endpoint, why in down.items()]
        if refused or len(down) == len(endpoints):
            raise BackboneError(f"{self._subject}: {'; '.join(refused + silent)}")
        self.identity = self._agreed({one: what for one, what in found.items() if isinstance(what, dict)})
        if silent:
            _logger.warning("%s starts without: %s", self._subject, "; ".join(silent))
        return down

    async def examine(self, endpoint: Endpoint) -> None:
        """Raises AnotherModelError for an endpoint whose model is not the one of the start, or as requests do."""
        identity = await identify(endpoint, self._name, self._probe_prompt)
        if self.identity is not None and (how := difference(self.identity, identity)):
            raise AnotherModelError(f"it serves another model under the name {self._name!r}: {how}")

    async def _first_look(self, endpoint: Endpoint) -> Identity | Retry | RefusedError:
        try:
            async with asyncio.timeout(_START_S):
                return await identify(endpoint, self._name, self._probe_prompt)
        except TimeoutError:
            return Retry(f"nothing came within {_START_S:g} s")
        except ContextFullError as error:
            return RefusedError(f"{endpoint.url} has no room for a prompt of {len(self._probe_prompt)} tokens: {error}")
        except (Retry, RefusedError) as error:
            return error

    def _agreed(self, identities: dict[Endpoint, Identity]) -> Identity:
        def alike(one: Identity) -> int:
            return sum(difference(one, other) is None for other in identities.values())

        best = max(identities.values(), key=alike)
        odd = {endpoint.url: how for endpoint, one in identities.items() if (how := difference(best, one))}
        if odd:
            raise BackboneError(
                f"{self._subject}: {' and '.join(odd)} serves another model under the name {self._name!r} than the"
                f" other endpoints: {'; '.join(odd.values())}; serve one and the same model everywhere"
            )
        return best
