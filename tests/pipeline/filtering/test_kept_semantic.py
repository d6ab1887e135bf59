"""Semantic duplicates in `iturri filter`: the same in batches, and after every end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from filters.duplicates.judge import DuplicateJudge
from pipeline.filtering import block as filter_block
from pipeline.filtering.files import DatasetInput
from pipeline.filtering.run import FilterOutcome, FilterResult, filter_dataset
from publishers.publication import sha256_of
from schemas.errors import EmbedderError, InputError, RecipeError
from schemas.filters import DuplicateFilter, Filters
from schemas.settings import Settings
from schemas.verdict import Drop
from tests.support.dataset_rows import CHEAP, exchange, read_parts, row, write_parquet
from tests.support.embedding_server import EmbeddingServer, cosine, embedding_server
from tests.support.filters_drafts import draft

THRESHOLD = 0.95
LEXICAL = DuplicateFilter(threshold=0.8)


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with embedding_server() as started:
        yield started


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.endpoints.backoff_s", lambda attempt, after_s=0.0: 0.01)
    monkeypatch.setattr(filter_block, "BLOCK_ROWS", 250)


def semantic(embedder: dict[str, Any] | str) -> Filters:
    wished = {"embedder": embedder, "threshold": THRESHOLD}
    duplicates = DuplicateFilter.model_validate({**LEXICAL.model_dump(), "semantic": wished})
    return CHEAP.model_copy(update={"duplicates": duplicates})


def filtered(given: Path, filters: Filters, out: Path | None = None, **options: Any) -> FilterResult:
    settings = options.pop("settings", Settings(workers=1))
    asked = DatasetInput(str(given))
    return filter_dataset(asked, language="eu", filters=filters, settings=settings, out=out, **options)


def mixed(count: int) -> list[dict[str, Any]]:
    """Rows whose words come in another order, or again, or with another reply, and some that an assistant begins."""
    given = []
    for number in range(count):
        messages = row(number // 3)["messages"]
        if number % 3 == 1:
            words = messages[0]["content"].rstrip("?:").split()
            messages = exchange(" ".join(words[4:] + words[:4]) + "?", messages[1]["content"])
        elif number % 11 == 5:
            messages = [{"role": "assistant", "content": f"Kaixo, {number}. laguna"}, *messages]
        given.append({"id": number, "messages": messages})
    return given


def one_by_one(given: list[dict[str, Any]]) -> dict[int, tuple[str, str]]:
    """Whom each dropped row repeats, with the reason: all pairs, the first is kept."""
    lexical, kept, dropped = DuplicateJudge(LEXICAL), list[str](), dict[int, tuple[str, str]]()
    names = 0
    for place, one in enumerate(given):
        contents = [message["content"] for message in one["messages"]]
        if any(content.endswith(":") for content in contents):
            dropped[place] = ("shape.colon", "")
            continue
        if one["messages"][0]["role"] == "assistant":
            names += 1
            kept.append("")
            continue
        made = draft(*contents, id=f"kept row {names}")
        verdict = lexical.judge(made.model_copy(update={"turns": made.turns[:1]}), "user_turn")  # type: ignore[arg-type]
        like = {number: cosine(contents[0], text) for number, text in enumerate(kept) if text}
        best = max(like, key=lambda number: like[number], default=-1)
        if isinstance(verdict, Drop):
            dropped[place] = (verdict.reason, verdict.evidence)
        elif like and like[best] >= THRESHOLD:
            lexical.release(made.id)
            dropped[place] = ("duplicates.semantic", f"says what kept row {best} says (cosine {like[best]:.2f}")
        else:
            lexical.confirm(made.id)
            names += 1
            kept.append(contents[0])
    return dropped


def test_rows_are_judged_as_one_by_one(tmp_path: Path, server: EmbeddingServer) -> None:
    given = mixed(400)
    report = filtered(write_parquet(tmp_path / "rows.parquet", given), semantic(server.spec()), tmp_path / "out").report
    expected = one_by_one(given)
    dropped = {one["id"]: one for one in read_parts(tmp_path / "out" / "dropped")}
    assert {id: one["iturri_reason"] for id, one in dropped.items()} == {id: why for id, (why, _) in expected.items()}
    assert {reason for reason, _ in expected.values()} >= {"duplicates.semantic", "duplicates.near", "shape.colon"}
    for id, (reason, evidence) in expected.items():
        if reason != "shape.colon":
            assert dropped[id]["iturri_evidence"].startswith(evidence[:-1] if reason == "duplicates.semantic" else "")
    assert report.complete
    sizes = [len(texts) for texts in server.requests[1:]]
    assert sum(sizes) / len(sizes) > 20, "many to a request"
    assert not [text for text in server.texts if text.endswith(":")]


def test_a_run_that_is_stopped_goes_on_and_ends_with_the_same_parts(tmp_path: Path, server: EmbeddingServer) -> None:
    path, filters = write_parquet(tmp_path / "rows.parquet", mixed(700)), semantic(server.spec())
    filtered(path, filters, tmp_path / "whole")
    asked = iter([False] * 2 + [True] * 1000)
    stopped = filtered(path, filters, tmp_path / "out", stop=lambda: next(asked))
    assert stopped.outcome is FilterOutcome.STOPPED
    assert 0 < stopped.report.rows < 700
    with embedding_server() as moved:
        again = filtered(path, semantic(moved.spec()), tmp_path / "out")
    assert again.outcome is FilterOutcome.COMPLETE
    parts = [
        {part.relative_to(out).as_posix(): sha256_of(part) for part in out.rglob("*.parquet")}
        for out in (tmp_path / "whole", tmp_path / "out")
    ]
    assert parts[0] == parts[1]


def test_a_failing_embedder_ends_the_run_which_goes_on_later(tmp_path: Path, server: EmbeddingServer) -> None:
    path, filters, out = (
        write_parquet(tmp_path / "rows.parquet", mixed(700)),
        semantic(server.spec()),
        tmp_path / "out",
    )
    server.faults = [0.0] * 12
    server.always = 500
    with pytest.raises(
        EmbedderError, match=r"semantic\.embedder\.endpoints: .* 500: broken; given up after 3 attempts"
    ):
        filtered(path, filters, out)
    assert read_parts(out / "kept")
    server.always = None
    assert filtered(path, filters, out).report.complete
    assert [one["id"] for one in read_parts(out / "dropped")] == sorted(one_by_one(mixed(700)))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("embedder")]


def test_another_model_or_threshold_is_another_run(tmp_path: Path, server: EmbeddingServer) -> None:
    path, out = write_parquet(tmp_path / "rows.parquet", mixed(30)), tmp_path / "out"
    filtered(path, semantic(server.spec()), out)
    server.model = "bestea"
    with pytest.raises(InputError, match=r"holds another run: filters\.duplicates\.semantic\.embedder\.model was"):
        filtered(path, semantic(server.spec()), out)


def test_a_declared_name_is_looked_up(tmp_path: Path, server: EmbeddingServer) -> None:
    path = write_parquet(tmp_path / "rows.parquet", mixed(30))
    file = tmp_path / "file.yaml"
    file.write_text(f"bektoreak: {{kind: embeddings, model: {server.model}, endpoints: [{server.url}]}}", "utf-8")
    settings = Settings(workers=1, backbones=file)
    assert filtered(path, semantic("bektoreak"), settings=settings).report.rows == 30
    assert server.texts
    with pytest.raises(RecipeError, match=r"no embedder named 'besteak' \(known: bektoreak\)"):
        filtered(path, semantic("besteak"), settings=settings)


async def test_it_works_inside_an_event_loop(tmp_path: Path, server: EmbeddingServer) -> None:
    path = write_parquet(tmp_path / "rows.parquet", mixed(30))
    assert filtered(path, semantic(server.spec())).report.complete
    assert asyncio.get_running_loop().is_running()
