"""Real vLLM in this process, on an untrained model. The tests share one engine; the last one kills it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from generators.backbone import SampleRequest
from generators.chat_template import load_template
from generators.magpie import Magpie
from generators.steering import INDIFFERENT
from generators.vllm_backbone import VllmBackbone
from languages.loader import load_pack
from schemas.backbones import VllmBackbone as Spec
from schemas.errors import BackboneError, InputError, TemplateError
from schemas.modes import Exchanges, MagpieMode
from schemas.sampling import Sampling
from tests.support.generators_models import save_model, tokenizer
from tests.support.generators_processes import wait_until_async

pytestmark = [
    pytest.mark.engine,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("eredua"), "llama")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def backbone(folder: Path) -> AsyncIterator[VllmBackbone]:
    running = VllmBackbone(Spec(model=str(folder), engine_args={"max_model_len": 256, "max_num_seqs": 64}), "probakoa")
    async with running:
        yield running
        host = running._host
    assert host is not None
    assert host.processes() == []


def request(backbone: VllmBackbone, number: int = 0, **sampling: object) -> SampleRequest:
    prompt = backbone.template.user_prefix([])
    return SampleRequest(
        f"0-{number:08d}.0", prompt, Sampling.model_validate(sampling), backbone.template.stop_token_ids, "user"
    )


async def test_it_samples(backbone: VllmBackbone, folder: Path) -> None:
    completion = await backbone.sample(request(backbone, max_tokens=7, ignore_eos=True))
    assert completion.completion_tokens == len(completion.token_ids or ()) == 7
    assert completion.finish_reason == "length"
    assert completion.text
    assert completion.prompt_tokens == len(backbone.template.user_prefix([]))
    assert (backbone.name, backbone.device, backbone.window) == (folder.name, "cpu", 80)


async def test_a_stop_text_ends_a_turn_and_is_not_its_text(backbone: VllmBackbone) -> None:
    prompt = backbone.template.user_prefix([])
    greedy = Sampling(max_tokens=24, temperature=0)
    text = (await backbone.sample(SampleRequest("0.0", prompt, greedy, (), "user"))).text
    mark = text[len(text) // 2 :][:3]
    stopped = await backbone.sample(SampleRequest("0.1", prompt, greedy, (), "user", stop_texts=(mark,)))
    assert (stopped.text, stopped.finish_reason) == (text.partition(mark)[0], "stop")


async def test_stop_tokens_end_a_turn_and_are_not_its_text(backbone: VllmBackbone) -> None:
    prompt = backbone.template.user_prefix([])
    every = tuple(range(len(tokenizer("llama"))))
    completion = await backbone.sample(SampleRequest("0.0", prompt, Sampling(max_tokens=9), every, "user"))
    assert (completion.text, completion.finish_reason, completion.completion_tokens) == ("", "stop", 1)


async def test_a_long_prompt_leaves_less_room_and_a_full_one_none(backbone: VllmBackbone) -> None:
    def of(length: int) -> SampleRequest:
        return SampleRequest("0.0", [9] * length, Sampling(max_tokens=100, ignore_eos=True), (), "user")

    assert (await backbone.sample(of(250))).completion_tokens == 6
    for length in (256, 300):
        full = await backbone.sample(of(length))
        assert (full.text, full.token_ids, full.finish_reason, full.completion_tokens) == ("", (), "length", 0)


async def test_drafts_of_the_same_id_share_the_engine(backbone: VllmBackbone) -> None:
    completions = await asyncio.gather(*(backbone.sample(request(backbone, max_tokens=5)) for _ in range(20)))
    assert len(completions) == 20


async def test_cancelling_aborts_the_request_in_the_engine(backbone: VllmBackbone) -> None:
    running = [
        asyncio.ensure_future(backbone.sample(request(backbone, n, max_tokens=250, ignore_eos=True))) for n in range(30)
    ]
    await wait_until_async(lambda: backbone._engine.get_num_unfinished_requests() == 30, 30)
    for call in running:
        call.cancel()
    ended = await asyncio.gather(*running, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ended)
    assert backbone._engine.get_num_unfinished_requests() == 0


async def test_a_watch_aborts_the_request_in_the_engine(backbone: VllmBackbone) -> None:
    seen: list[str] = []

    async def watch(text: str) -> bool:
        seen.append(text)
        return len(seen) > 3

    long = replace(request(backbone, max_tokens=250, ignore_eos=True), watch=watch, watch_from=8)
    completion = await backbone.sample(long)
    assert completion.cut
    assert len(seen) == 4
    assert 8 * 2**3 <= completion.completion_tokens == len(completion.token_ids or ()) < 250
    assert completion.text.startswith(seen[-1])
    assert backbone._engine.get_num_unfinished_requests() == 0


async def test_a_watched_text_is_the_one_that_is_not_watched(backbone: VllmBackbone) -> None:
    seen: list[str] = []

    async def watch(text: str) -> bool:
        seen.append(text)
        return False

    greedy = request(backbone, max_tokens=100, ignore_eos=True, temperature=0)
    whole = await backbone.sample(greedy)
    assert await backbone.sample(replace(greedy, watch=watch, watch_from=10)) == whole
    assert 1 <= len(seen) <= 4
    assert all(whole.text.startswith(text) for text in seen)
    await backbone.sample(replace(greedy, watch=watch, watch_from=100))
    assert len(seen) <= 4


async def test_a_draft_passes_every_gate(backbone: VllmBackbone) -> None:
    short = Sampling(max_tokens=12)
    spec = MagpieMode(exchanges=Exchanges(min=2, max=2), user_sampling=short, reply_sampling=short)
    mode = Magpie(spec, load_pack("eu"), 0, "abc")
    async with aclosing(mode.steps(mode.begin(0, None, INDIFFERENT), None, backbone)) as steps:
        drafts = [step.draft async for step in steps]
    assert [turn.role for turn in drafts[-1].turns] == ["user", "assistant"] * 2
    assert all(turn.completion_tokens for turn in drafts[-1].turns)


async def test_an_unknown_engine_argument_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match=r"engine_args\.max_modl_len: vLLM has no such engine argument"):
        await VllmBackbone(Spec(model=str(folder), engine_args={"max_modl_len": 9}), "x").__aenter__()


async def test_an_impossible_engine_argument_is_one_line(folder: Path) -> None:
    with pytest.raises(InputError, match="vLLM does not take this model") as raised:
        await VllmBackbone(Spec(model=str(folder), engine_args={"max_model_len": 10**7}), "x").__aenter__()
    assert "\n" not in str(raised.value)
    assert "max_model_len" in str(raised.value)


async def test_the_engine_is_not_given_to_whom_did_not_enter(folder: Path) -> None:
    outside = VllmBackbone(Spec(model=str(folder)), "x")
    with pytest.raises(BackboneError, match="not running"):
        _ = outside.template
    with pytest.raises(BackboneError, match="not running"):
        await outside.sample(SampleRequest("0.0", [1], Sampling(), (), "user"))


async def test_without_vllm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm.engine.arg_utils", None)
    with pytest.raises(InputError, match=r'pip install "iturri\[vllm\]"'):
        await VllmBackbone(Spec(model=str(folder)), "x").__aenter__()


async def test_no_folder_and_no_template(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the tokenizer cannot be loaded"):
        await VllmBackbone(Spec(model=str(tmp_path)), "x").__aenter__()
    tokenizer("base").save_pretrained(tmp_path)
    with pytest.raises(TemplateError, match="has no chat template"):
        await VllmBackbone(Spec(model=str(tmp_path)), "x").__aenter__()


async def test_the_template_is_the_folder_s(backbone: VllmBackbone, folder: Path) -> None:
    assert backbone.template.hash == load_template(str(folder)).hash


async def test_last_a_killed_engine_fails_every_call_at_once(
    backbone: VllmBackbone, capfd: pytest.CaptureFixture[str]
) -> None:
    running = [
        asyncio.ensure_future(backbone.sample(request(backbone, n, max_tokens=250, ignore_eos=True))) for n in range(30)
    ]
    await wait_until_async(lambda: backbone._engine.get_num_unfinished_requests() == 30, 30)
    assert backbone._host is not None
    for process in backbone._host.processes():
        os.kill(process, signal.SIGKILL)
    async with asyncio.timeout(60):
        ended = await asyncio.gather(*running, return_exceptions=True)
    assert {type(end) for end in ended} == {BackboneError}
    assert "the vLLM engine died" in str(ended[0])
    with pytest.raises(BackboneError, match="the vLLM engine died"):
        await backbone.sample(request(backbone))
    assert "Traceback" not in "".join(capfd.readouterr())
    backbone._host.log.unlink()
