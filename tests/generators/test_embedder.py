"""The embedder against a server that embeds for real and misbehaves as it is told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from generators.embedder import BATCH, Embedder
from schemas.backbones import EmbedderSpec
from schemas.errors import EmbedderError, SettingsError
from tests.support.embedding_server import EmbeddingServer, embed, embedding_server

TEXTS = [f"Zer da {number}. gauza hau?" for number in range(BATCH * 3 + 5)]


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with embedding_server() as started:
        yield started


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.endpoints.backoff_s", lambda attempt, after_s=0.0: 0.01)


def opened(server: EmbeddingServer, **fields: Any) -> Embedder:
    return Embedder(EmbedderSpec.model_validate(server.spec(**fields)))


@pytest.mark.parametrize("floats", [False, True])
async def test_vectors_come_in_the_order_of_the_texts_many_to_a_request(server: EmbeddingServer, floats: bool) -> None:
    server.floats = floats
    async with opened(server) as embedder:
        vectors = await embedder.embed(TEXTS)
        assert (await embedder.embed([])).shape == (0, 256)
    assert vectors.tolist() == [embed(text) for text in TEXTS]
    assert sorted(map(len, server.requests)) == [1, 5, BATCH, BATCH, BATCH]


async def test_requests_go_to_all_endpoints_and_away_from_a_broken_one(server: EmbeddingServer) -> None:
    with embedding_server() as other:
        async with opened(server, endpoints=[server.url, other.url]) as embedder:
            await embedder.embed(TEXTS)
            assert server.texts
            assert other.texts
            other.always = 500
            assert (await embedder.embed(TEXTS)).shape == (len(TEXTS), 256)


async def test_what_passes_by_itself_is_tried_again(server: EmbeddingServer) -> None:
    async with opened(server) as embedder:
        server.faults = [503, 429]
        assert len(await embedder.embed(["bat"])) == 1
        server.faults = [lambda answer: b"<html>", lambda answer: {**answer, "data": answer["data"][1:]}]
        assert len(await embedder.embed(["bat", "bi"])) == 2


def spoiled(value: Any) -> Any:
    """An answer whose first vector holds this number."""

    def spoil(answer: dict[str, Any]) -> dict[str, Any]:
        data = [{**one, "embedding": embed("bat")} for one in answer["data"]]
        data[0]["embedding"][3] = value
        return {**answer, "data": data}

    return spoil


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (500, "500: broken; given up after 3 attempts"),
        (spoiled(float("nan")), "a vector of zeros, or with NaN or infinity"),
        (spoiled(1e300), "a vector of zeros, or with NaN or infinity"),
        (spoiled("x"), "the answer holds no embeddings"),
        (lambda answer: {"data": [{"index": 0, "embedding": [0.0] * 256}]}, "a vector of zeros"),
        (lambda answer: {"data": [{"index": 0, "embedding": 3}]}, "for 1 text(s)"),
        (lambda answer: {"data": [{"index": 0, "embedding": "%%%"}]}, "the answer holds no embeddings"),
        (lambda answer: {"data": []}, "the answer holds no embeddings"),
        (lambda answer: {"data": None}, "the answer holds no embeddings"),
        (lambda answer: [1], "the answer is no JSON object"),
        (lambda answer: {"data": [{"index": 0, "embedding": [1.0] * 255}]}, "vectors of 255 numbers, not 256"),
        (1.0, r"no answer within 0.3 s; given up after 3 attempts"),
    ],
)
async def test_what_does_not_pass_is_one_line_that_names_the_field(
    server: EmbeddingServer, fault: Any, line: str
) -> None:
    async with opened(server, timeout_s=0.3 if fault == 1.0 else 30) as embedder:
        server.always = fault
        with pytest.raises(EmbedderError) as caught:
            await embedder.embed(["bat"])
    assert line in str(caught.value)
    assert str(caught.value).startswith("filters.duplicates.semantic.embedder.endpoints: ")
    assert server.url in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_server_that_is_not_there(server: EmbeddingServer) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    line = rf"semantic\.embedder\.endpoints: {closed} gives no embeddings: ClientConnectorError.*start this server"
    with pytest.raises(EmbedderError, match=line):
        await opened(server, endpoints=[server.url, closed]).__aenter__()


async def test_another_model_another_length_and_another_key(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EmbedderError, match=r"404: The model `bestea` does not exist\.; mend model"):
        await opened(server, model="bestea").__aenter__()
    with (
        embedding_server(dimensions=64) as other,
        pytest.raises(EmbedderError, match="vectors of 64 numbers, not 256; serve one and the same model"),
    ):
        await opened(server, endpoints=[server.url, other.url]).__aenter__()
    async with opened(server, dimensions=32) as embedder:
        assert embedder.dimensions == 32
    server.always = spoiled(1.0)  # of the model's own length
    with pytest.raises(EmbedderError, match="vectors of 256 numbers, not 32; leave `dimensions` out"):
        await opened(server, dimensions=32).__aenter__()
    server.always, server.key = None, "giltza"
    with pytest.raises(EmbedderError, match="401: who are you"):
        await opened(server).__aenter__()
    monkeypatch.delenv("EMBEDDER_KEY", raising=False)
    with pytest.raises(SettingsError, match=r"api_key_env: EMBEDDER_KEY is not set"):
        await opened(server, api_key_env="EMBEDDER_KEY").__aenter__()
    monkeypatch.setenv("EMBEDDER_KEY", "giltza")
    async with opened(server, api_key_env="EMBEDDER_KEY") as embedder:
        assert (await embedder.embed(["bat"])).shape == (1, 256)


async def test_a_text_too_long_for_the_model_is_embedded_by_its_beginning(server: EmbeddingServer) -> None:
    server.most_characters = 100
    async with opened(server) as embedder:
        long, short = await embedder.embed(["luzea " * 200, "laburra"])
        assert short.tolist() == embed("laburra")
        assert long.tolist() == embed(("luzea " * 200)[:75])
        server.most_characters = 0
        with pytest.raises(EmbedderError, match="no room for one character"):
            await embedder.embed(["bat"])


async def test_cancelling_leaves_nothing_behind(server: EmbeddingServer) -> None:
    async with opened(server) as embedder:
        server.always = 0.5
        calls = [asyncio.ensure_future(embedder.embed(TEXTS)) for _ in range(4)]
        await asyncio.sleep(0.1)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        server.always = None
        assert np.isfinite(await embedder.embed(["bat"])).all()
        assert embedder._endpoints is not None
        assert [(member.well, member.in_flight) for member in embedder._endpoints.members] == [(True, 0)]
