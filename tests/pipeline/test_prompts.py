"""Builds of given prompts, and of user turns in another language: what is judged, and what it costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.reader import BuildReader
from schemas.errors import BuildError
from tests.support.builds import DEEDS, REPLIES, SUBJECTS, recipe, run
from tests.support.dataset_rows import write_jsonl

BASQUE = [f"Zergatik gustatzen zaio jendeari {subject} {deed}?" for subject in SUBJECTS[:4] for deed in DEEDS[:3]]
ENGLISH = [
    "Why do so many people like to read a book about ships in the evening?",
    "How should I cook rice for twelve guests without burning any of it?",
]


async def test_prompts_in_another_language_cost_no_tokens(tmp_path: Path) -> None:
    prompts = write_jsonl(tmp_path / "p.jsonl", [{"prompt": text} for text in (*ENGLISH, *BASQUE, BASQUE[0])])
    planned = recipe(
        modes=[{"mode": "prompts", "prompts": {"dataset": str(prompts)}}],
        filters={},
        target={"conversations": 50},
    )
    with pytest.raises(BuildError, match="used up"):
        await run(planned, tmp_path / "build")
    reader = BuildReader(tmp_path / "build")
    funnel = reader.funnel()
    foreign = [row for row in funnel.rows if row.reason.startswith("language")]
    assert sum(row.drafts for row in foreign) == len(ENGLISH)
    assert {row.gate for row in foreign} == {"user_turn"}
    repeated = [row for row in funnel.rows if row.reason.startswith("duplicates")]
    assert sum(row.drafts for row in repeated) >= 1
    assert all(row.completion_tokens == row.prompt_tokens == 0 for row in (*foreign, *repeated))
    rows = [row for _, row in reader.accepted()]
    assert {row.messages[0].content for row in rows} <= set(BASQUE)
    assert {row.messages[1].content for row in rows} <= set(REPLIES)
    assert {row.turn_origins for row in rows} == {("given", "sampled")}
    assert all(row.source_document is not None for row in rows)


async def test_a_build_that_gives_up_says_what_each_mode_gave_and_how_often_it_dropped_for_what(tmp_path: Path) -> None:
    prompts = write_jsonl(tmp_path / "p.jsonl", [{"prompt": text} for text in (*ENGLISH, BASQUE[0])])
    planned = recipe(
        modes=[
            {"mode": "magpie", "exchanges": {"min": 1, "max": 1}},
            {"mode": "prompts", "weight": 1000, "prompts": {"dataset": str(prompts)}},
        ],
        filters={"duplicates": {"enabled": False}},
        target={"conversations": 50, "max_drafts": 10, "min_acceptance": 0},
    )
    with pytest.raises(BuildError) as caught:
        await run(planned, tmp_path / "build")
    funnel = BuildReader(tmp_path / "build").funnel()
    yields = [f"{mode.mode} {mode.accepted} of {mode.drafts}" for mode in funnel.modes]
    assert "prompts-eu 1 of 3" in yields
    assert f"{funnel.drafts} drafts ({', '.join(yields)}); most often dropped for language." in str(caught.value)
    assert f" of {funnel.dropped} drops); see" in str(caught.value)


async def test_a_cross_lingual_build_judges_each_turn_in_its_own_language(tmp_path: Path) -> None:
    planned = recipe(
        backbone={"kind": "scripted", "user_turns": (*ENGLISH, BASQUE[0]), "replies": REPLIES},
        modes=[{"mode": "cross_lingual", "exchanges": {"min": 1, "max": 1}}],
        filters={"duplicates": {"enabled": False}},
        target={"conversations": 6},
    )
    await run(planned, tmp_path / "build")
    reader = BuildReader(tmp_path / "build")
    rows = [row for _, row in reader.accepted()]
    assert {row.messages[0].content for row in rows} == set(ENGLISH)
    assert {row.turn_languages for row in rows} == {("en", "eu")}
    assert {(row.mode, row.language) for row in rows} == {("cross_lingual", "eu")}
    assert any(reason.startswith("language") for reason in reader.funnel().reasons())
