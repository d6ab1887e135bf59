"""The embedder against vLLM's own server, with the demo backbone as what embeds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generators.embedder import Embedder
from schemas.backbones import EmbedderSpec
from schemas.errors import EmbedderError
from tests.support.vllm_server import vllm_server

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

MODEL = Path(__file__).resolve().parents[2] / "demo" / "iturri-demo-eu"
TEXTS = [f"Zer da {number}. gauza hau?" for number in range(70)]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    arguments = ["--model", str(MODEL), "--served-model-name", "bektoreak", "--dtype", "float32"]
    pooling = ["--runner", "pooling", "--convert", "embed", "--max-model-len", "128"]
    with vllm_server(tmp_path_factory.mktemp("log") / "server.log", *arguments, *pooling) as address:
        yield address


def opened(url: str, **fields: Any) -> Embedder:
    return Embedder(EmbedderSpec.model_validate({"model": "bektoreak", "endpoints": [url], **fields}))


async def test_texts_have_the_same_vectors_alone_and_together(url: str) -> None:
    async with opened(url) as embedder:
        together = await embedder.embed(TEXTS)
        alone = [(await embedder.embed([text]))[0] for text in TEXTS[::23]]
        (long,) = await embedder.embed(["bai ez " * 2000])
    assert together.shape == (70, embedder.dimensions)
    for ours, theirs in zip(together[::23], alone, strict=True):
        assert np.allclose(ours, theirs, atol=1e-4)
    assert len(np.unique(together.round(4), axis=0)) == 70
    assert np.isfinite(long).all(), "longer than the model's context"


async def test_a_model_that_it_does_not_serve_and_a_length_that_it_cannot_give(url: str) -> None:
    with pytest.raises(EmbedderError, match="404: The model `bestea` does not exist"):
        await opened(url, model="bestea").__aenter__()
    with pytest.raises(EmbedderError, match=r"refuses a request with 400: .*mend model, dimensions or endpoints"):
        await opened(url, dimensions=7).__aenter__()
