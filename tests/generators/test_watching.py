"""Looking at texts while they are sampled: by itself, through servers that stream, and in the scripted backbone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from generators.backbone import Completion, SampleRequest, Watch
from generators.openai_backbone import OpenAIBackbone
from generators.scripted_backbone import ScriptedBackbone
from generators.watching import Watching
from schemas.backbones import OpenAIBackbone as Spec
from schemas.backbones import ScriptedBackbone as ScriptedSpec
from schemas.errors import BackboneError
from schemas.sampling import Sampling
from tests.support.generators_models import tokenizer
from tests.support.generators_processes import wait_until_async
from tests.support.generators_server import Answer, FaultyServer, faulty_server, streamed
from tests.support.poisoned_answers import POISONED, grown

TEXTS = ("bat ", "bi ", "hiru ", "lau ", "bost ", "sei ", "zazpi ", "zortzi ")


def looking(seen: list[str], cut_at: str | None = None) -> Watch:
    async def watch(text: str) -> bool:
        seen.append(text)
        return cut_at is not None and cut_at in text

    return watch


async def each(texts: tuple[str, ...], let_go: list[bool]) -> AsyncIterator[str]:
    try:
        for text in texts:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            yield text
    finally:
        let_go.append(True)


async def read(watching: Watching, texts: tuple[str, ...], let_go: list[bool]) -> str:
    text = ""
    async with aclosing(watching.until_cut(each(texts, let_go))) as pieces:
        async for piece in pieces:
            text += piece
            watching.show(text, len(text.split()))
    return text


async def test_it_looks_at_the_first_tokens_and_whenever_they_have_doubled() -> None:
    seen: list[str] = []
    watching = Watching(looking(seen), 2)
    assert await read(watching, TEXTS, []) == "".join(TEXTS)
    assert [len(text.split()) for text in seen] == [2, 4, 8]
    assert not watching.cut


async def test_a_cut_ends_the_text_and_lets_its_source_go() -> None:
    let_go: list[bool] = []
    watching = Watching(looking([], "lau"), 2)
    text = await read(watching, TEXTS * 1000, let_go)
    assert watching.cut
    assert text.startswith("bat bi hiru lau ")
    assert len(text) < 100
    assert let_go == [True]


async def test_sampling_goes_on_while_the_watch_thinks() -> None:
    thought = asyncio.Event()

    async def watch(text: str) -> bool:
        await thought.wait()
        return True

    async def texts() -> AsyncIterator[str]:
        for text in TEXTS:
            yield text
        thought.set()
        await asyncio.Event().wait()  # nothing more comes, and the cut comes all the same

    watching = Watching(watch, 1)
    text = ""
    async with aclosing(watching.until_cut(texts())) as pieces:
        async for piece in pieces:
            text += piece
            watching.show(text, len(text.split()))
    assert watching.cut
    assert text == "".join(TEXTS)


async def test_a_watch_that_fails_says_so() -> None:
    async def watch(text: str) -> bool:
        raise LookupError("galdua")

    let_go: list[bool] = []
    with pytest.raises(LookupError, match="galdua"):
        await read(Watching(watch, 1), TEXTS, let_go)
    assert let_go == [True]


async def test_a_watch_that_still_thinks_at_the_end_is_left() -> None:
    ended: list[str] = []

    async def watch(text: str) -> bool:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(text)
        return True

    watching = Watching(watch, 1)
    assert await read(watching, TEXTS, []) == "".join(TEXTS)
    assert not watching.cut
    assert ended == ["bat "]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tokenizer")
    tokenizer("chatml").save_pretrained(made)
    return made


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.endpoints.backoff_s", lambda attempt, after_s=0.0: 0.05)
    monkeypatch.setattr("generators.circuit._FIRST_S", 0.01)
    monkeypatch.setattr("generators.patrol._TICK_S", 0.01)


def backbone(folder: Path, *servers: FaultyServer) -> OpenAIBackbone:
    urls = tuple(server.url for server in servers)
    return OpenAIBackbone(Spec(kind="openai", model="proba", endpoints=urls, tokenizer=str(folder)), "etxekoa")


def watched(watch: Watch, max_tokens: int = 100, watch_from: int = 4) -> SampleRequest:
    return SampleRequest("0.0", [1, 2, 3], Sampling(max_tokens=max_tokens), (7,), "user", "eu", watch, watch_from)


async def test_a_server_streams_what_is_watched(folder: Path) -> None:
    seen: list[str] = []
    async with (
        faulty_server(streamed(*TEXTS, every_s=0.02)) as server,
        backbone(folder, server) as model,
    ):
        got = await model.sample(watched(looking(seen)))
    assert got == Completion("".join(TEXTS), None, "stop", 3, 32)
    assert [len(text.split()) for text in seen] == [1, 2, 4]  # the eighth ends it
    (body,) = server.bodies
    assert (body["stream"], body["stream_interval"]) == (True, 4)


async def test_a_cut_ends_the_request_on_the_server(folder: Path) -> None:
    async with (
        faulty_server(streamed(*TEXTS * 100, every_s=0.02)) as server,
        backbone(folder, server) as model,
    ):
        got = await model.sample(watched(looking([], "lau")))
        await wait_until_async(lambda: server.hung_up == 1, 5)
        assert server.sent_events < 20
        assert (await model.sample(watched(looking([], "lau")))).cut
    assert got.cut
    assert got.text.startswith("bat bi hiru lau ")
    assert got.completion_tokens == 4 * len(got.text.split())
    assert got.prompt_tokens == 3


async def test_what_ends_before_the_first_look_is_not_streamed(folder: Path) -> None:
    async with faulty_server() as server, backbone(folder, server) as model:
        await model.sample(watched(looking([], ""), max_tokens=4))
    async with faulty_server(owned_by="others") as other, backbone(folder, other) as model:
        await model.sample(watched(looking([], "")))
    assert not any("stream" in body for body in server.bodies + other.bodies)


async def test_a_server_that_does_not_stream_is_not_cut(folder: Path) -> None:
    async with faulty_server() as server, backbone(folder, server) as model:
        assert await model.sample(watched(looking([], ""))) == Completion(" bai", None, "stop", 3, 2)


WELL = streamed("bai", finish_reason="stop")
FAULTS = {
    "truncated": Answer(events=WELL.events and WELL.events[:-1]),
    "only-done": Answer(events=["[DONE]"]),
    "without-finish": Answer(events=WELL.events and WELL.events[1:]),
    "error": Answer(events=[{"error": {"message": "hautsita"}}, "[DONE]"]),
    "no-json": Answer(events=["kaixo"]),
    "list": Answer(events=[[]]),
    "no-text": Answer(events=[{"choices": [{"text": 7, "finish_reason": None}]}, "[DONE]"]),
    "negative": Answer(events=[{"choices": [], "usage": {"completion_tokens": -1}}, *(WELL.events or ())]),
    "nan": Answer(events=[{"choices": [], "usage": {"completion_tokens": float("nan")}}, "[DONE]"]),
    "html": Answer(200, b"<html>"),
    "broken": Answer(500),
} | {name: fault for name, fault in POISONED.items() if fault.events is not None}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_poisoned_stream_is_sampled_elsewhere(folder: Path, fault: Answer) -> None:
    async with faulty_server(fault) as ill, faulty_server(WELL) as well, backbone(folder, ill, well) as model:
        got = await asyncio.gather(*(model.sample(watched(looking([]))) for _ in range(8)))
    assert ill.bodies
    assert got == [Completion("bai", None, "stop", 3, 4)] * 8


async def test_a_character_may_come_in_two_halves(folder: Path) -> None:
    seen: list[str] = []
    texts = ("bai \ud83d", "\ude00 ez \ud83d", "\ude00")
    async with faulty_server(streamed(*texts, every_s=0.02)) as server, backbone(folder, server) as model:
        got = await model.sample(watched(looking(seen)))
    assert got == Completion("bai \U0001f600 ez \U0001f600", None, "stop", 3, 12)
    assert seen == ["bai ", "bai \U0001f600 ez "]


async def test_a_stream_that_goes_on_beyond_what_was_asked_for_is_ended(folder: Path) -> None:
    on_and_on = grown(*["pozoia "] * 500, every_s=0.01)
    async with faulty_server(on_and_on, WELL) as server, backbone(folder, server) as model:
        assert await model.sample(watched(looking([]), max_tokens=256)) == Completion("bai", None, "stop", 3, 4)
        await wait_until_async(lambda: server.hung_up == 1, 5)
        assert server.sent_events < 40


@pytest.mark.parametrize("usage", [{}, {"prompt_tokens": 5}, {"prompt_tokens": 1}])
async def test_the_prompt_is_counted_here(folder: Path, usage: dict[str, int]) -> None:
    texts = grown("bat ", "bi", tokens=4, usage={**usage, "completion_tokens": 8})
    async with faulty_server(texts) as server, backbone(folder, server) as model:
        assert await model.sample(watched(looking([]))) == Completion("bat bi", None, "stop", 3, 8)


async def test_a_watch_that_fails_is_no_fault_of_the_server(folder: Path) -> None:
    async def watch(text: str) -> bool:
        raise BackboneError("hilda")

    async with (
        faulty_server(streamed(*TEXTS, every_s=0.02)) as server,
        backbone(folder, server) as model,
    ):
        with pytest.raises(BackboneError, match=r"^hilda$"):
            await model.sample(watched(watch))
        assert len(server.bodies) == 1


SCRIPT = ScriptedSpec(kind="scripted", user_turns=("Zer da hau, eta zertarako balio du?",), replies=("Ez dakit.",))


async def test_the_scripted_backbone_is_watched_by_characters() -> None:
    seen: list[str] = []
    async with ScriptedBackbone(SCRIPT) as model:
        whole = await model.sample(watched(looking(seen)))
        assert (whole.text, whole.cut) == (SCRIPT.user_turns[0], False)
        assert [len(text) for text in seen] == [4, 8, 16, 32]
        cut = await model.sample(watched(looking([], "hau")))
        assert (cut.text, cut.cut, cut.completion_tokens) == ("Zer da hau, eta ", True, 16)
        short = replace(watched(looking([], "")), sampling=Sampling(max_tokens=4))
        assert (await model.sample(short)).cut is False
