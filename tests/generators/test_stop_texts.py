"""Marks in plain text that end user turns reach the engines, where a template has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generators.backbone import Completion, SampleRequest
from generators.magpie import Magpie
from generators.openai_backbone import OpenAIBackbone
from generators.scripted_backbone import ScriptedBackbone, ScriptedTemplate
from generators.steering import INDIFFERENT
from languages.loader import load_pack
from schemas.backbones import OpenAIBackbone as OpenAISpec
from schemas.backbones import ScriptedBackbone as Spec
from schemas.modes import MagpieMode
from schemas.sampling import Sampling
from tests.support.chat_tokenizers import family_tokenizer
from tests.support.generators_server import completion, faulty_server


class MarkedTemplate(ScriptedTemplate):
    stop_texts = ("[/INST]",)


class Recorder(ScriptedBackbone):
    template = MarkedTemplate()

    def __init__(self) -> None:
        super().__init__(Spec(kind="scripted", user_turns=("Zer da ura?",), replies=("Edaria.",)))
        self.requests: list[SampleRequest] = []

    async def sample(self, request: SampleRequest) -> Completion:
        self.requests.append(request)
        return await super().sample(request)


async def test_user_turns_are_asked_for_with_the_templates_marks_and_replies_without() -> None:
    async with Recorder() as backbone:
        mode = Magpie(MagpieMode(), load_pack("eu"), 0, "x")
        async for _ in mode.steps(mode.begin(0, None, INDIFFERENT), None, backbone):
            pass
    assert {(request.role, tuple(request.stop_texts)) for request in backbone.requests} == {
        ("user", ("[/INST]",)),
        ("assistant", ()),
    }


@pytest.mark.parametrize("owner", ["vllm", "llamacpp"])
@pytest.mark.parametrize(("sampling", "stops"), [({}, True), ({"ignore_eos": True}, False)])
async def test_servers_are_given_them(tmp_path: Path, owner: str, sampling: dict[str, Any], stops: bool) -> None:
    tokens = family_tokenizer("llama-2")
    tokens.save_pretrained(tmp_path)
    ids = (tokens.eos_token_id, tokens.bos_token_id)
    asked = SampleRequest("0.0", [1], Sampling(**sampling), ids, "user", stop_texts=("[/INST]",))
    async with faulty_server(completion(), owned_by=owner) as server:
        spec = OpenAISpec(kind="openai", model="proba", endpoints=(server.url,), tokenizer=str(tmp_path))
        async with OpenAIBackbone(spec, "etxekoa") as backbone:
            await backbone.sample(asked)
    texts = ["[/INST]"] if owner == "vllm" else ["[/INST]", "</s>", "<s>"]
    assert server.bodies[0].get("stop", []) == (texts if stops else [])
