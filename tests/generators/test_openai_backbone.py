"""The adapter for OpenAI-compatible servers, against servers that misbehave. vLLM's own is in test_vllm_server.py."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from generators.backbone import Completion, SampleRequest
from generators.member import Member
from generators.openai_backbone import OpenAIBackbone
from schemas.backbones import OpenAIBackbone as Spec
from schemas.errors import BackboneError, InputError, SettingsError
from schemas.sampling import Sampling
from tests.support.generators_models import tokenizer
from tests.support.generators_processes import wait_until_async
from tests.support.generators_server import Answer, FaultyServer, completion, faulty_server
from tests.support.poisoned_answers import POISONED

PROMPT = [1, 2, 3]
WELL = Completion(" bai", None, "stop", 3, 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tokenizer")
    tokenizer("chatml").save_pretrained(made)
    return made


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Back-off without its length; the waits that were asked for."""
    waits: list[float] = []

    def backoff(attempt: int, after_s: float = 0.0) -> float:
        waits.append(max(float(attempt), after_s))
        return 0.1

    monkeypatch.setattr("generators.endpoints.backoff_s", backoff)
    monkeypatch.setattr("generators.circuit._FIRST_S", 0.01)
    monkeypatch.setattr("generators.patrol._TICK_S", 0.01)
    return waits


def backbone(folder: Path, *servers: FaultyServer | str, **fields: Any) -> OpenAIBackbone:
    urls = tuple(server if isinstance(server, str) else server.url for server in servers)
    spec = Spec(kind="openai", model="proba", endpoints=urls, tokenizer=str(folder), **{"retries": 3, **fields})
    return OpenAIBackbone(spec, "etxekoa")


def members(model: OpenAIBackbone) -> Sequence[Member]:
    return model._running().endpoints.members


def request(**sampling: Any) -> SampleRequest:
    return SampleRequest("0-00000000.0", PROMPT, Sampling(**sampling), (7, 8), "user")


async def test_a_vllm_server_is_used_in_full(folder: Path) -> None:
    async with faulty_server(completion(token_ids=[5, 7])) as server, backbone(folder, server) as model:
        got = await model.sample(request(temperature=0.5, top_k=4, max_tokens=9))
        assert [member.endpoint.is_vllm for member in members(model)] == [True]
    assert got == Completion(" bai", (5, 7), "stop", 3, 2)
    assert server.bodies == [
        {
            "model": "proba",
            "prompt": PROMPT,
            "max_tokens": 9,
            "temperature": 0.5,
            "top_p": 1.0,
            "top_k": 4,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "ignore_eos": False,
            "stop_token_ids": [7, 8],
            "add_special_tokens": False,
        }
    ]


async def test_other_servers_are_given_stop_texts(folder: Path) -> None:
    async with faulty_server(owned_by="llamacpp") as server, backbone(folder, server) as model:
        stops = model.template.stop_token_ids
        got = await model.sample(SampleRequest("0.0", PROMPT, Sampling(min_p=0.1), stops, "user"))
        assert [member.endpoint.is_vllm for member in members(model)] == [False]
    assert got == WELL
    body = server.bodies[0]
    assert body["stop"] == ["<|im_end|>", "<|im_start|>", "<|endoftext|>"]
    assert body["min_p"] == 0.1
    assert not {"stop_token_ids", "return_token_ids", "top_k", "add_special_tokens"} & set(body)


@pytest.mark.parametrize("fault", POISONED.values(), ids=POISONED)
async def test_what_passes_by_itself_is_tried_again(folder: Path, no_waiting: list[float], fault: Answer) -> None:
    async with faulty_server(fault, fault, completion()) as server, backbone(folder, server) as model:
        assert await model.sample(request()) == WELL
    assert len(server.bodies) == 3
    # While the only endpoint is examined, another attempt may find none.
    assert no_waiting[:2] == ([7, 7] if "Retry-After" in fault.headers else [0, 1])


@pytest.mark.parametrize("fault", POISONED.values(), ids=POISONED)
async def test_what_fails_at_one_endpoint_is_answered_by_another(folder: Path, fault: Answer) -> None:
    async with faulty_server(fault) as ill, faulty_server() as well, backbone(folder, ill, well) as model:
        assert await asyncio.gather(*(model.sample(request()) for _ in range(40))) == [WELL] * 40
        before = len(ill.bodies)
        assert await asyncio.gather(*(model.sample(request()) for _ in range(40))) == [WELL] * 40
        assert before
        assert len(well.bodies) >= 80
        assert len(ill.bodies) < 80
        left_out, used = members(model)
        if fault is POISONED["busy"]:
            assert left_out.limit.requests < used.limit.requests
        else:
            assert (left_out.circuit._openings > 0, used.circuit._openings) == (True, 0)


async def test_retries_end_in_one_clear_line(folder: Path) -> None:
    async with (
        faulty_server(Answer(500, {"error": {"message": "hautsita"}})) as server,
        backbone(folder, server) as model,
    ):
        with pytest.raises(BackboneError) as raised:
            await model.sample(request())
    assert str(raised.value) == f"backbone etxekoa: {server.url}: 500: hautsita; given up after 4 attempts"
    assert len(server.bodies) == 4


async def test_a_completion_that_takes_too_long(folder: Path) -> None:
    async with (
        faulty_server(Answer(wait_s=60), completion()) as server,
        backbone(folder, server, timeout_s=0.2) as model,
    ):
        assert await model.sample(request()) == WELL
        await wait_until_async(lambda: server.hung_up == 1, 5)
    async with faulty_server(Answer(wait_s=60)) as server, backbone(folder, server, timeout_s=0.05, retries=1) as model:
        with pytest.raises(BackboneError, match=r"no answer within 0\.05 s; given up after 2 attempts"):
            await model.sample(request())


@pytest.mark.parametrize("status", [400, 401, 404, 422])
async def test_what_every_endpoint_refuses_is_refused(folder: Path, status: int) -> None:
    refusal = Answer(status, {"error": {"message": "top_k\nis unknown"}})
    async with faulty_server(refusal) as one, faulty_server(refusal) as two, backbone(folder, one, two) as model:
        with pytest.raises(BackboneError) as raised:
            await model.sample(request())
    for server in (one, two):
        assert f"{server.url} refuses a request with {status}: top_k is unknown" in str(raised.value)
        assert len(server.bodies) == 1


async def test_an_endpoint_that_refuses_what_another_takes_is_at_fault(folder: Path) -> None:
    refusal = Answer(404, {"error": {"message": "The model `proba` does not exist."}})
    async with faulty_server(refusal) as ill, faulty_server() as well, backbone(folder, ill, well) as model:
        for _ in range(20):
            assert await model.sample(request()) == WELL
        assert [member.circuit._openings > 0 for member in members(model)] == [True, False]


async def test_a_full_context_is_an_empty_completion(folder: Path) -> None:
    full = Completion("", None, "length", 3, 0)
    refusal = Answer(400, {"error": {"message": "This model's maximum context length is 2 tokens."}})
    async with faulty_server(refusal, owned_by="x") as server, backbone(folder, server) as model:
        assert await model.sample(request()) == full
    async with faulty_server(max_model_len=5) as server, backbone(folder, server) as model:
        await model.sample(request(max_tokens=100))
        assert server.bodies[-1]["max_tokens"] == 2
    async with faulty_server(max_model_len=3) as server, backbone(folder, server) as model:
        assert await model.sample(request()) == full
        assert server.bodies == []


async def test_cancelling_closes_the_request(folder: Path) -> None:
    async with faulty_server(Answer(wait_s=60)) as server, backbone(folder, server) as model:
        waiting = asyncio.ensure_future(model.sample(request()))
        await wait_until_async(lambda: bool(server.bodies), 5)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await wait_until_async(lambda: server.hung_up == 1, 5)


async def test_requests_are_spread(folder: Path) -> None:
    slow = completion()
    slow.wait_s = 0.2
    async with faulty_server(slow) as one, faulty_server(slow) as two, backbone(folder, one, two) as model:
        await asyncio.gather(*(model.sample(request()) for _ in range(10)))
        assert model.window == 640
    assert len(one.bodies) == len(two.bodies) == 5


async def test_a_server_that_fails_is_passed_over(folder: Path) -> None:
    async with faulty_server(Answer(500)) as ill, faulty_server() as well, backbone(folder, ill, well) as model:
        assert await asyncio.gather(*(model.sample(request()) for _ in range(8))) == [WELL] * 8
    assert len(ill.bodies) + len(well.bodies) >= 8


async def test_the_key_comes_from_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with faulty_server() as server:
        monkeypatch.delenv("PROBA_KEY", raising=False)
        with pytest.raises(SettingsError, match="PROBA_KEY is not set"):
            await backbone(folder, server, api_key_env="PROBA_KEY").__aenter__()
        monkeypatch.setenv("PROBA_KEY", "isilpekoa")
        async with backbone(folder, server, api_key_env="PROBA_KEY") as model:
            await model.sample(request())
    assert "Authorization: Bearer isilpekoa" in server.headers[0]


async def test_the_start_names_the_endpoints_at_fault(folder: Path) -> None:
    async with faulty_server() as well, faulty_server(model="beste-bat") as other:
        with pytest.raises(BackboneError) as raised:
            await backbone(folder, well, other, "http://127.0.0.1:9/v1").__aenter__()
    message = str(raised.value)
    assert f"{other.url} does not know 'proba'; it serves beste-bat" in message
    assert "http://127.0.0.1:9/v1 does not answer: " in message
    assert well.url not in message
    assert "\n" not in message


async def test_a_start_without_one_that_is_down_says_so_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with faulty_server() as server, backbone(folder, "http://127.0.0.1:9/v1", server) as model:
        assert await model.sample(request()) == WELL
        assert model.window == 320
        (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("generators.")]
    assert line.startswith("backbone etxekoa starts without: http://127.0.0.1:9/v1 does not answer: ")
    with pytest.raises(BackboneError, match=r"http://127\.0\.0\.1:9/v1 does not answer: "):
        await backbone(folder, "http://127.0.0.1:9/v1").__aenter__()


async def test_requests_beyond_the_limit_wait_in_turn(folder: Path) -> None:
    slow = completion()
    slow.wait_s = 0.05
    order = []

    async def sampled(model: OpenAIBackbone, number: int) -> None:
        await model.sample(request())
        order.append(number)

    async with faulty_server(slow) as server, backbone(folder, server, concurrency=2) as model:
        calls = [asyncio.ensure_future(sampled(model, number)) for number in range(8)]
        await wait_until_async(lambda: bool(server.bodies), 5)
        most = 0
        while not all(call.done() for call in calls):
            most = max(most, members(model)[0].in_flight)
            await asyncio.sleep(0.01)
        assert model.window == 2  # 2.5
    assert most == 2
    assert [number // 2 for number in order] == [0, 0, 1, 1, 2, 2, 3, 3]


async def test_one_that_gives_up_waiting_leaves_its_place(folder: Path) -> None:
    async with faulty_server(Answer(wait_s=60)) as server, backbone(folder, server, concurrency=1) as model:
        calls = [asyncio.ensure_future(model.sample(request())) for _ in range(3)]
        await wait_until_async(lambda: bool(server.bodies), 5)
        server.answers = [completion()]
        calls[1].cancel()
        calls[0].cancel()
        assert await calls[2] == WELL
        assert members(model)[0].in_flight == 0


async def test_a_start_without_a_tokenizer(tmp_path: Path) -> None:
    async with faulty_server() as server:
        with pytest.raises(InputError, match="the tokenizer cannot be loaded"):
            await backbone(tmp_path, server).__aenter__()


async def test_it_must_be_entered(folder: Path) -> None:
    model = backbone(folder, "http://127.0.0.1:9/v1")
    with pytest.raises(BackboneError, match="not running"):
        await model.sample(request())
    with pytest.raises(BackboneError, match="not running"):
        _ = model.template
