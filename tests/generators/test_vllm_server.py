"""The adapter for servers against vLLM's own server, on an untrained model."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from generators.backbone import SampleRequest
from generators.model_probe import difference
from generators.openai_backbone import OpenAIBackbone
from schemas.backbones import OpenAIBackbone as Spec
from schemas.errors import BackboneError
from schemas.sampling import Sampling
from tests.support.generators_models import save_model
from tests.support.vllm_server import vllm_server

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("eredua"), "chatml")


@pytest.fixture(scope="module")
def url(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("log") / "server.log"
    arguments = ["--model", str(folder), "--served-model-name", "proba", "--dtype", "bfloat16"]
    with vllm_server(log, *arguments, "--max-model-len", "256", "--max-num-seqs", "64") as address:
        yield address


def spec(url: str, folder: Path, **fields: object) -> Spec:
    return Spec.model_validate(
        {"kind": "openai", "model": "proba", "endpoints": [url], "tokenizer": str(folder), **fields}
    )


async def test_completions_are_counted_in_tokens(url: str, folder: Path) -> None:
    async with OpenAIBackbone(spec(url, folder), "zerbitzaria") as backbone:
        prompt = backbone.template.user_prefix([])
        stops = backbone.template.stop_token_ids
        exact = Sampling(max_tokens=9, ignore_eos=True, top_k=40, min_p=0.01, repetition_penalty=1.1)
        completions = await asyncio.gather(
            *(backbone.sample(SampleRequest(f"0.{n}", prompt, exact, stops, "user")) for n in range(40))
        )
        assert all(member.endpoint.is_vllm for member in backbone._running().endpoints.members)
    for completion in completions:
        assert completion.text
        assert completion.completion_tokens == 9
        assert completion.finish_reason == "length"


async def test_stops_are_token_ids(url: str, folder: Path) -> None:
    async with OpenAIBackbone(spec(url, folder), "zerbitzaria") as backbone:
        request = SampleRequest("0.0", [9, 9], Sampling(max_tokens=9), tuple(range(300)), "user")
        completion = await backbone.sample(request)
        while completion.finish_reason != "stop":
            completion = await backbone.sample(request)
    assert completion.completion_tokens < 9


async def test_a_long_prompt_leaves_less_room_and_a_full_one_none(url: str, folder: Path) -> None:
    async with OpenAIBackbone(spec(url, folder), "zerbitzaria") as backbone:
        many = Sampling(max_tokens=100, ignore_eos=True)
        completion = await backbone.sample(SampleRequest("0.0", [9] * 250, many, (), "user"))
        assert completion.completion_tokens == 6  # no BOS was put before it
        full = await backbone.sample(SampleRequest("0.1", [9] * 256, many, (), "user"))
        assert (full.text, full.finish_reason, full.completion_tokens) == ("", "length", 0)


RUNNING, GENERATED = "vllm:num_requests_running", "vllm:generation_tokens_total"


async def measured(url: str, metric: str) -> float:
    async with httpx.AsyncClient() as client:
        metrics = (await client.get(url.removesuffix("/v1") + "/metrics")).text
    return sum(float(line.split()[-1]) for line in metrics.splitlines() if line.startswith(metric))


async def until_idle(url: str) -> None:
    async with asyncio.timeout(30):
        while await measured(url, RUNNING):  # noqa: ASYNC110 - the server's, not ours
            await asyncio.sleep(0.05)


async def test_a_watch_ends_the_request_on_the_server(url: str, folder: Path) -> None:
    seen: list[str] = []

    async def watch(text: str) -> bool:
        seen.append(text)
        return True

    many = Sampling(max_tokens=240, ignore_eos=True, presence_penalty=0.5)
    before = await measured(url, GENERATED)
    async with OpenAIBackbone(spec(url, folder), "zerbitzaria") as backbone:
        requests = [SampleRequest(f"0.{n}", [9, n], many, (), "user", "eu", watch, 16) for n in range(64)]
        completions = await asyncio.gather(*map(backbone.sample, requests))
        await until_idle(url)
    sampled = await measured(url, GENERATED) - before
    assert all(completion.cut for completion in completions)
    counted = sum(completion.completion_tokens for completion in completions)
    assert 64 * 16 <= counted <= sampled < 64 * 240 / 2
    assert len(seen) == 64


async def test_a_watched_text_is_the_one_that_is_not_watched(url: str, folder: Path) -> None:
    seen: list[str] = []

    async def watch(text: str) -> bool:
        seen.append(text)
        return False

    greedy = Sampling(max_tokens=100, ignore_eos=True, temperature=0)
    async with OpenAIBackbone(spec(url, folder), "zerbitzaria") as backbone:
        plain = SampleRequest("0.0", [9, 8, 7], greedy, (), "user")
        assert await backbone.sample(replace(plain, watch=watch, watch_from=10)) == await backbone.sample(plain)
        whole = (await backbone.sample(plain)).text
    assert 1 <= len(seen) <= 4
    assert all(whole.startswith(text) for text in seen)


async def test_the_model_is_known_by_its_log_probabilities(url: str, folder: Path) -> None:
    found = []
    for _ in range(2):
        async with OpenAIBackbone(spec(url, folder), "zerbitzaria") as backbone:
            assert backbone.identity is not None
            found.append(backbone.identity)
    assert difference(*found) is None
    assert len(found[0]["log_probabilities"]) == 23
    assert len(found[0]["first"]) >= 5
    assert found[0]["told"]["owned_by"] == "vllm"


async def test_cancelling_ends_the_request_on_the_server(url: str, folder: Path) -> None:
    before = await measured(url, GENERATED)
    async with OpenAIBackbone(spec(url, folder), "zerbitzaria") as backbone:
        long = Sampling(max_tokens=240, ignore_eos=True)
        calls = [
            asyncio.ensure_future(backbone.sample(SampleRequest(f"0.{n}", [9], long, (), "user"))) for n in range(256)
        ]
        async with asyncio.timeout(30):
            while not await measured(url, RUNNING):  # noqa: ASYNC110 - the server's, not ours
                await asyncio.sleep(0.01)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await until_idle(url)
    assert await measured(url, GENERATED) - before < 256 * 240


async def test_a_model_it_does_not_serve(url: str, folder: Path) -> None:
    with pytest.raises(BackboneError, match="does not know 'bestea'; it serves proba"):
        await OpenAIBackbone(spec(url, folder, model="bestea"), "zerbitzaria").__aenter__()
