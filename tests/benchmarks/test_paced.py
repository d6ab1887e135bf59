"""The paced server: what it says, how long it takes for it, and what it does for a client that hangs up."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.paced import PacedServer, http_sample, paced_server
from benchmarks.paced_engine import Job, PacedEngine
from benchmarks.paced_server import Pace
from benchmarks.paced_text import TOKENIZER, Writer
from generators.backbone import SampleRequest
from generators.chat_template import load_template
from generators.opening import open_backbone
from generators.template import ChatTemplate
from schemas.conversation import Message
from schemas.sampling import Sampling

WRITER = Writer.basque()
PACE = Pace(sequences=4, speed=2000.0, user_tokens=(8, 12), reply_tokens=(20, 30))


@given(st.integers(1, 300), st.integers(0, 1000))
def test_a_text_has_exactly_its_tokens(tokens: int, seed: int) -> None:
    pieces = WRITER.write(tokens, seed, "?")
    assert sum(len(piece.ids) for piece in pieces) == tokens
    assert pieces[-1].text == "?"
    assert pieces == WRITER.write(tokens, seed, "?")


@pytest.fixture(scope="module")
def server() -> Iterator[PacedServer]:
    with paced_server(PACE) as running:
        yield running


def tokens_of(template: ChatTemplate, text: str) -> list[int]:
    opened = template.user_prefix(())
    return template.user_prefix((), text)[len(opened) :]


async def test_the_product_takes_it_for_a_vllm_server(server: PacedServer) -> None:
    async with open_backbone("paced", server.spec) as backbone:
        server.forget()  # what it was asked at the start
        template = backbone.template
        prompts = {
            "user": template.user_prefix(()),
            "assistant": template.reply_prefix((Message(role="user", content="Kaixo!"),)),
        }
        for role, prompt in prompts.items():
            request = SampleRequest(role, prompt, Sampling(max_tokens=64), template.stop_token_ids, role)
            completion = await backbone.sample(request)
            assert completion.finish_reason == "stop"
            assert completion.completion_tokens == len(tokens_of(template, completion.text))
            whole = replace(request, sampling=Sampling(max_tokens=17, ignore_eos=True))
            completion = await backbone.sample(whole)
            assert (completion.finish_reason, completion.completion_tokens) == ("length", 17)
    log = server.log()
    assert {one.role for one in log.served} == {"user", "assistant"}
    assert all(8 <= tokens <= 17 for tokens in log.lengths("user"))


async def test_who_asks_for_the_same_gets_the_same(server: PacedServer) -> None:
    prompt = load_template(str(TOKENIZER)).user_prefix(())
    said = []
    async with http_sample(server) as sample:
        for _ in range(2):
            server.forget()
            said.append([await sample(prompt, "user") for _ in range(3)])
    assert said[0] == said[1]
    assert len(set(said[0])) == 3


async def test_a_stream_has_the_same_text_in_parts(server: PacedServer) -> None:
    body: dict[str, Any] = {"prompt": "<|user|>Kaixo!<|end|><|assistant|>", "max_tokens": 64, "return_token_ids": True}
    async with httpx.AsyncClient() as client:
        server.forget()
        whole = (await client.post(f"{server.url}/v1/completions", json={**body, "ignore_eos": True})).json()
        server.forget()
        streamed = {**body, "ignore_eos": True, "stream": True, "stream_options": {"include_usage": True}}
        answer = await client.post(f"{server.url}/v1/completions", json=streamed)
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert lines.pop() == "[DONE]"
    *parts, usage = map(json.loads, lines)
    assert usage["usage"] == whole["usage"]
    assert len(parts) == 4
    assert "".join(part["choices"][0]["text"] for part in parts) == whole["choices"][0]["text"]
    assert (
        list(itertools.chain.from_iterable(part["choices"][0]["token_ids"] for part in parts))
        == whole["choices"][0]["token_ids"]
    )


async def test_a_client_that_hangs_up_leaves_its_sequence(server: PacedServer) -> None:
    server.forget()
    body = {"prompt": "<|user|>", "max_tokens": 4000, "ignore_eos": True}
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(f"{server.url}/v1/completions", json=body, timeout=0.2)
    await asyncio.sleep(0.5)  # the server sees it when its loop comes to it
    served = server.log().served
    assert not served[0].whole
    assert 0 < served[0].tokens < 4000


async def test_the_engine_runs_so_many_and_the_rest_wait_in_line() -> None:
    engine = PacedEngine(sequences=2)
    ended = [asyncio.Event() for _ in range(5)]
    for event in ended:
        engine.submit(Job("user", 10, 0.01, lambda _, event=event: event.set()))  # type: ignore[misc]
    await asyncio.gather(*(event.wait() for event in ended))
    starts = [one.started for one in engine.log]
    assert starts == sorted(starts)
    # Three waves, each beginning at the instant at which the one before it was due.
    assert engine.log[4].ended - engine.log[0].started == pytest.approx(0.03, abs=1e-4)
