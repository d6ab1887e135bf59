"""Endpoints that hang, die, come back, and change their model, under the adapter for servers."""

from __future__ import annotations

import asyncio
import logging
import signal
from pathlib import Path
from typing import Any

import pytest

from generators.backbone import Completion, SampleRequest
from generators.member import Member
from generators.openai_backbone import OpenAIBackbone
from schemas.backbones import OpenAIBackbone as Spec
from schemas.errors import BackboneError
from schemas.sampling import Sampling
from tests.support.generators_models import tokenizer
from tests.support.generators_processes import wait_until_async
from tests.support.generators_server import PROBED, Answer, FaultyServer, completion, faulty_server
from tests.support.paced_servers import Paced

WELL = Completion(" bai", None, "stop", 3, 2)
OTHER = [value - 0.5 for value in PROBED]
NEVER = Answer(wait_s=3600)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tokenizer")
    tokenizer("chatml").save_pretrained(made)
    return made


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.circuit._FIRST_S", 0.02)
    monkeypatch.setattr("generators.circuit._MOST_S", 0.2)
    monkeypatch.setattr("generators.patrol._TICK_S", 0.02)
    monkeypatch.setattr("generators.patrol._EXAMINATION_S", 2.0)
    monkeypatch.setattr("generators.patrol._SILENT_S", 0.2)
    monkeypatch.setattr("generators.patrol._SILENT_FIRST_S", 0.2)


def backbone(folder: Path, *urls: str, **fields: Any) -> OpenAIBackbone:
    spec = Spec(kind="openai", model="proba", endpoints=urls, tokenizer=str(folder), **{"retries": 5, **fields})
    return OpenAIBackbone(spec, "etxekoa")


def member(model: OpenAIBackbone, server: FaultyServer | str) -> Member:
    url = server if isinstance(server, str) else server.url
    (found,) = [one for one in model._running().endpoints.members if one.url == url]
    return found


def request(number: int = 0) -> SampleRequest:
    return SampleRequest(f"0-{number:08d}.0", [1, 2, 3], Sampling(max_tokens=50), (7,), "user")


async def test_an_endpoint_that_hangs_is_left_and_its_requests_go_elsewhere(folder: Path) -> None:
    async with faulty_server(NEVER) as ill, faulty_server() as well, backbone(folder, ill.url, well.url) as model:
        ill.probe = None
        got = await asyncio.gather(*(model.sample(request(number)) for number in range(40)))
        assert got == [WELL] * 40
        assert len(ill.bodies) > 1
        assert ill.hung_up >= len(ill.bodies)
        assert not member(model, ill).well
        assert model.window == 320
        ill.probe, ill.answers = PROBED, [completion()]
        await wait_until_async(lambda: member(model, ill).well, 5)
        before = len(ill.bodies)
        await asyncio.gather(*(model.sample(request(number)) for number in range(10)))
        assert len(ill.bodies) > before


async def test_one_that_is_slow_and_still_there_is_waited_for(folder: Path) -> None:
    slow = completion()
    slow.wait_s = 0.8
    async with faulty_server(slow) as server, backbone(folder, server.url) as model:
        assert await model.sample(request()) == WELL
        assert server.probes > 1  # at the start, and aside
        assert len(server.bodies) == 1


async def test_all_down_for_longer_than_the_retries(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.endpoints.backoff_s", lambda attempt, after_s=0.0: 0.05)
    async with faulty_server() as one, faulty_server() as two, backbone(folder, one.url, two.url, retries=2) as model:
        for server in (one, two):
            server.answers, server.probe = [Answer(0)], None
        with pytest.raises(BackboneError) as raised:
            await model.sample(request())
        assert str(raised.value).endswith("; given up after 3 attempts")
        assert one.url in str(raised.value)
        assert two.url in str(raised.value)
        with pytest.raises(BackboneError, match="given up after 3 attempts"):  # no endpoint is asked for this
            await model.sample(request())


async def test_endpoints_of_different_models_are_no_start(folder: Path) -> None:
    async with faulty_server() as one, faulty_server() as two, faulty_server() as odd:
        odd.probe = OTHER
        with pytest.raises(BackboneError) as raised:
            await backbone(folder, one.url, odd.url, two.url).__aenter__()
    assert str(raised.value) == (
        f"backbone etxekoa: {odd.url} serves another model under the name 'proba' than the other endpoints: "
        "log-probabilities of a probe text differ by 0.50 on average, more than 0.1; "
        "serve one and the same model everywhere"
    )


async def test_what_servers_say_counts_where_they_give_no_log_probabilities(folder: Path) -> None:
    def others(**card: Any) -> Any:
        return faulty_server(owned_by="llamacpp", **card)

    async with others(root="/a/eredua") as one, others(root="/b/eredua") as two, others(root="/b/beste-bat") as odd:
        for server in (one, two, odd):
            server.probe = 400
        async with backbone(folder, one.url, two.url) as model:
            assert model.identity == {"told": {"owned_by": "llamacpp", "root": "eredua"}}
        with pytest.raises(BackboneError, match="say different things of it: root 'eredua', 'beste-bat'"):
            await backbone(folder, one.url, two.url, odd.url).__aenter__()


@pytest.mark.parametrize("again", ["after a failure", "every few minutes"])
async def test_a_swapped_model_is_not_used(
    folder: Path, again: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    if again == "every few minutes":
        monkeypatch.setattr("generators.patrol._AGAIN_S", 0.05)
    async with faulty_server() as one, faulty_server() as two, backbone(folder, one.url, two.url) as model:
        one.probe = OTHER
        if again == "after a failure":
            one.answers = [Answer(0), completion(" hitz arrotzak")]
            await model.sample(request())
        await wait_until_async(lambda: member(model, one).another_model, 5)
        one.answers = [completion(" hitz arrotzak")]
        got = await asyncio.gather(*(model.sample(request(number)) for number in range(20)))
        assert got == [WELL] * 20
        await wait_until_async(lambda: one.probes > 3, 5)  # looked at again, and named once
        (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
        assert f"{one.url} is left out: it serves another model under the name 'proba'" in line
        one.probe, one.answers = PROBED, [completion()]
        await wait_until_async(lambda: member(model, one).well, 5)


async def test_a_build_whose_only_model_was_swapped_ends(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.patrol._AGAIN_S", 0.05)
    async with faulty_server(NEVER) as server, backbone(folder, server.url) as model:
        waiting = asyncio.ensure_future(model.sample(request()))
        await wait_until_async(lambda: bool(server.bodies), 5)
        server.probe = OTHER
        with pytest.raises(BackboneError, match="it serves another model under the name 'proba'"):
            await waiting
        await wait_until_async(lambda: server.hung_up == 1, 5)
        with pytest.raises(BackboneError, match="the model behind the name 'proba' is another one now: http"):
            await model.sample(request())


class Load:
    """Workers that sample one completion after another; each must be whole."""

    def __init__(self, model: OpenAIBackbone, workers: int) -> None:
        self.answers = 0
        self._model = model
        self._stop = False
        self._workers = [asyncio.ensure_future(self._work(number)) for number in range(workers)]

    async def _work(self, number: int) -> None:
        while not self._stop:
            got = await self._model.sample(request(number))
            assert (got.text, got.completion_tokens) == ("bai " * 50, 50)
            self.answers += 1

    async def more(self, answers: int) -> None:
        wanted = self.answers + answers
        await wait_until_async(lambda: self.answers >= wanted, 60)

    async def end(self) -> None:
        """Every request was answered."""
        self._stop = True
        await asyncio.gather(*self._workers)


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_one_of_three_goes_and_comes_back_under_load(folder: Path, how: str) -> None:
    servers = [Paced(), Paced(), Paced()]
    try:
        for server in servers:
            await server.start()
        async with backbone(folder, *(server.url for server in servers)) as model:
            load = Load(model, 48)
            await load.more(300)
            victim = servers[1]
            assert member(model, victim.url).in_flight
            if how == "killed":
                await victim.kill()
            else:
                victim.signal(signal.SIGSTOP)
            await wait_until_async(lambda: not member(model, victim.url).well, 20)
            await load.more(300)
            if how == "killed":
                await victim.start()
            else:
                victim.signal(signal.SIGCONT)
            await wait_until_async(lambda: member(model, victim.url).in_flight > 4, 20)
            served = await victim.served()
            await load.more(100)
            await load.end()
            assert await victim.served() > served
    finally:
        for server in servers:
            await server.kill()
