"""Turns are looked at while they are sampled, and cut off when they are plainly going wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generators.backbone import Completion, SampleRequest
from generators.scripted_backbone import ScriptedBackbone
from pipeline.build import build
from pipeline.reader import BuildReader
from schemas.backbones import ScriptedBackbone as Spec
from schemas.funnel import Funnel
from schemas.settings import Settings
from tests.support.builds import recipe
from tests.support.corpora import document, write_corpus

BASQUE = "Bai, noski: mendira joateko oinetako onak, ura, janari pixka bat eta euritako arropa eraman behar dira beti. "
ENGLISH = "Of course: for a walk in the mountains you need good shoes, water, a little food and clothes for the rain. "
MORE = (
    "Kontuan hartu eguraldia ere bai, eta esan norbaiti nora zoazen; mapa bat eta argi txiki bat ere ez dira inoiz "
    "soberan egoten, eta telefonoa ondo kargatuta eraman, badaezpada."
)
LOOP = "eta gero " * 60


class WordByWord(ScriptedBackbone):
    """A token is a word; the watch is asked as a backbone asks it."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.sampled: list[tuple[str, int]] = []

    async def sample(self, request: SampleRequest) -> Completion:
        words = (await self._answer(request)).split(" ")
        end, cut, at = len(words), False, request.watch_from
        while request.watch is not None and at < len(words) and not cut:
            if await request.watch(" ".join(words[:at])):
                end, cut = at, True
            at *= 2
        self.sampled.append((request.role, end))
        return Completion(" ".join(words[:end]), None, "stop", 3, end, cut)


async def watched(directory: Path, reply: str, **watch: Any) -> tuple[Funnel, WordByWord]:
    filters = {
        "duplicates": {"enabled": False},
        "watch": {"from_tokens": 24, **watch},
        "shape": {"max_chars": 100_000},
    }
    made = recipe(
        backbone={"kind": "scripted", "user_turns": ["Zer eraman behar dut mendira?"], "replies": [reply, BASQUE]},
        modes=[{"mode": "magpie", "exchanges": {"min": 1, "max": 1}}],
        filters=filters,
        target={"conversations": 4, "max_drafts": 40},
    )
    assert isinstance(made.backbone, Spec)
    async with WordByWord(made.backbone) as backbone:
        result = await build(made, directory, backbone, settings=Settings(workers=1))
    return result.manifest.funnel, backbone


async def test_a_reply_in_another_language_is_cut_off_early(tmp_path: Path) -> None:
    funnel, backbone = await watched(tmp_path, ENGLISH * 10)
    assert funnel.reasons().keys() == {"language.foreign"}
    dropped = [row for row in funnel.rows if row.reason == "language.foreign"]
    assert {row.gate for row in dropped} == {"sampling"}
    assert max(words for role, words in backbone.sampled if role == "assistant") == 24
    sample = BuildReader(tmp_path).dropped()[0][1]
    assert sample.gate == "sampling"
    assert sample.turn == 1
    assert len(sample.messages[1].content.split()) == 24, "what there was of it is kept for people to read"


async def test_a_loop_is_cut_off(tmp_path: Path) -> None:
    funnel, _ = await watched(tmp_path, BASQUE + LOOP)
    assert funnel.reasons().keys() == {"repetition.loop"}
    assert {row.gate for row in funnel.rows if row.reason == "repetition.loop"} == {"sampling"}


async def test_a_good_reply_is_not_cut_off_however_long(tmp_path: Path) -> None:
    funnel, backbone = await watched(tmp_path, BASQUE + MORE)
    assert funnel.dropped == 0
    assert funnel.accepted == 4
    assert max(words for role, words in backbone.sampled if role == "assistant") > 24


async def test_without_the_watch_turns_are_sampled_to_their_end(tmp_path: Path) -> None:
    funnel, backbone = await watched(tmp_path, ENGLISH * 10, enabled=False)
    assert {row.gate for row in funnel.rows} - {"not_needed"} == {"accepted", "reply"}
    assert max(words for role, words in backbone.sampled if role == "assistant") > 200


async def test_reasoning_before_an_instruction_is_not_taken_for_it(tmp_path: Path) -> None:
    async def answer(request: SampleRequest) -> str:
        return f"<think>\n{ENGLISH * 10}\n</think>\n\nNola bizi dira herri honetako lagunak, eta zer ospatzen dute?"

    corpus = write_corpus(tmp_path / "corpus.jsonl", [document(number) for number in range(6)])
    made = recipe(
        modes=[{"mode": "reverse", "corpus": {"dataset": str(corpus)}, "user_sampling": {"max_tokens": 2048}}],
        filters={"duplicates": {"enabled": False}},
        target={"conversations": 4, "min_acceptance": 0},
    )
    spec = Spec(kind="scripted", user_turns=("-",), replies=("-",), delay_s=0.05)
    async with ScriptedBackbone(spec, answer) as backbone:
        result = await build(made, tmp_path / "build", backbone, settings=Settings(workers=1))
    assert result.manifest.funnel.reasons() == {}
    assert result.manifest.funnel.accepted == 4
