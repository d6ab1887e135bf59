"""Semantic duplicates in a build: who is embedded, who is dropped, and what lasts after stops, kills and faults."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generators.embedder import BATCH
from pipeline.build import Outcome, check_directory
from pipeline.reader import BuildReader
from publishers.shard import read_shard
from schemas.errors import BuildDirectoryError, BuildError, EmbedderError, RecipeError
from schemas.recipe import Recipe
from schemas.settings import Settings
from tests.support.builds import DEEDS, SUBJECTS, recipe, run
from tests.support.embedding_server import EmbeddingServer, cosine, embedding_server

ROOT = Path(__file__).resolve().parents[2]
THRESHOLD = 0.9
TURNS = [f"Zergatik gustatzen zaio jendeari {subject} {deed}?" for subject in SUBJECTS for deed in DEEDS]
LIMITED = {"conversations": 100, "max_drafts": 60}


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with embedding_server() as started:
        yield started


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.endpoints.backoff_s", lambda attempt, after_s=0.0: 0.01)


def wanted(server: dict[str, Any], rows: int = 12, *, delay_s: float = 0.0, **changes: Any) -> Recipe:
    """Many turns are alike for trigrams, and few for pairs of words."""
    filters = {
        "language": {"enabled": False},
        "duplicates": {"threshold": 1.0, "semantic": {"embedder": server, "threshold": THRESHOLD}},
    }
    backbone = {**recipe().backbone.model_dump(), "delay_s": delay_s}  # type: ignore[union-attr]
    output = {"shard_rows": 3}
    fields = {"filters": filters, "output": output, "backbone": backbone, "target": {"conversations": rows}}
    return recipe(**{**fields, **changes})


def firsts(directory: Path) -> list[str]:
    return [row.messages[0].content for _, row in BuildReader(directory).accepted(limit=10_000)]


def all_differ(texts: list[str]) -> bool:
    return all(cosine(one, other) < THRESHOLD for place, one in enumerate(texts) for other in texts[:place])


def vectors(directory: Path) -> int:
    connection = sqlite3.connect(directory / "ledger.sqlite")
    try:
        return int(connection.execute("SELECT count(*) FROM embeddings").fetchone()[0])
    finally:
        connection.close()


async def test_turns_that_say_the_same_are_dropped_before_a_reply(tmp_path: Path, server: EmbeddingServer) -> None:
    result = await run(wanted(server.spec()), tmp_path)
    assert result.outcome is Outcome.COMPLETE
    kept = firsts(tmp_path)
    assert len(kept) == vectors(tmp_path) == 12
    assert all_differ(kept)
    funnel = result.manifest.funnel
    assert {row.gate for row in funnel.rows if row.reason == "duplicates.semantic"} == {"user_turn"}
    samples = [sample for _, sample in BuildReader(tmp_path).dropped("duplicates.semantic")]
    assert samples
    rows = {row.id: row.messages[0].content for _, row in BuildReader(tmp_path).accepted(limit=100)}
    for sample in samples:
        words = sample.evidence.split()
        said = float(words[words.index("(cosine") + 1].rstrip(");,"))
        assert said == pytest.approx(cosine(rows[words[2]], sample.messages[0].content), abs=2e-3)
        assert said >= THRESHOLD


async def test_only_what_other_filters_keep_is_embedded(tmp_path: Path, server: EmbeddingServer) -> None:
    english = "The weather is nice today and we would like to walk along the river with our friends."
    turns = [english, "Aukeratu bat zerrenda honetatik:", *TURNS[:2]]
    wish = wanted(server.spec(), backbone={**recipe().backbone.model_dump(), "user_turns": turns})  # type: ignore[union-attr]
    filters = wish.model_dump()["filters"] | {"language": {}}
    with pytest.raises(BuildError, match=r"target\.max_drafts"):
        await run(
            Recipe.model_validate({**wish.model_dump(), "filters": filters, "target": {**LIMITED, "max_drafts": 30}}),
            tmp_path,
        )
    assert {"language.foreign", "shape.colon"} <= set(BuildReader(tmp_path).funnel().reasons())
    assert server.texts
    assert set(server.texts) <= set(TURNS[:2]), "and later turns never are"


async def test_drafts_in_flight_are_embedded_together_and_cannot_both_pass(
    tmp_path: Path, server: EmbeddingServer
) -> None:
    server.always = 0.1
    with pytest.raises(BuildError):
        await run(wanted(server.spec(), window=60, target=LIMITED), tmp_path)
    kept = firsts(tmp_path)
    assert len(kept) > 1
    assert all_differ(kept)
    assert "duplicates.in_flight" in BuildReader(tmp_path).funnel().reasons()
    sizes = [len(texts) for texts in server.requests]
    assert len(server.texts) / len(sizes) > 4
    assert max(sizes) <= BATCH


async def test_vectors_come_back_when_the_text_is_long_sealed(tmp_path: Path, server: EmbeddingServer) -> None:
    await run(wanted(server.spec(), 9), tmp_path)
    before = firsts(tmp_path)
    asked = len(server.texts)
    await run(wanted(server.spec(), 16), tmp_path)
    after = firsts(tmp_path)
    assert after[:9] == before
    assert len(after) == vectors(tmp_path) == 16
    assert all_differ(after)
    assert not set(before) & set(server.texts[asked:]), "no row is embedded again"


async def test_an_embedder_that_fails_stops_the_build_and_nothing_is_kept_unjudged(
    tmp_path: Path, server: EmbeddingServer
) -> None:
    task = asyncio.create_task(run(wanted(server.spec(), 16, delay_s=0.02, window=2), tmp_path))
    while not server.texts or len(firsts_or_none(tmp_path)) < 4:  # noqa: ASYNC110 - the build's, not ours
        await asyncio.sleep(0.02)
    server.always = 500
    with pytest.raises(EmbedderError, match=r"^filters\.duplicates\.semantic\.embedder\.endpoints: .*500: broken"):
        await task
    kept = firsts(tmp_path)
    assert 4 <= len(kept) == vectors(tmp_path) < 16
    assert set(kept) <= set(server.texts)
    server.always = None
    await run(wanted(server.spec(), 16), tmp_path)
    assert len(firsts(tmp_path)) == 16
    assert all_differ(firsts(tmp_path))


def firsts_or_none(directory: Path) -> list[str]:
    try:
        return firsts(directory)
    except BuildDirectoryError:
        return []


async def test_an_embedder_that_is_not_there_stops_the_build_before_it_samples(tmp_path: Path) -> None:
    with embedding_server() as gone:
        pass
    with pytest.raises(EmbedderError, match=r"semantic\.embedder\.endpoints: .* gives no embeddings: .*mend its"):
        await run(wanted(gone.spec()), tmp_path)
    assert BuildReader(tmp_path).funnel().drafts == 0


async def test_a_resumed_build_needs_vectors_of_the_same_length_and_the_same_model(
    tmp_path: Path, server: EmbeddingServer
) -> None:
    await run(wanted(server.spec(), 4), tmp_path)
    server.dimensions = 128
    with pytest.raises(EmbedderError, match="embedded with 256 numbers each, and these servers give 128"):
        await run(wanted(server.spec(), 8), tmp_path)
    server.model = "bestea"
    with pytest.raises(BuildDirectoryError, match=r"differs in filters\.duplicates\.semantic\.embedder\.model;"):
        await run(wanted(server.spec(), 8), tmp_path)


async def test_servers_may_move_and_a_declared_name_is_the_same_as_what_it_stands_for(
    tmp_path: Path, server: EmbeddingServer
) -> None:
    await run(wanted(server.spec(), 4), tmp_path / "build")
    (tmp_path / "file.yaml").write_text(
        f"bektoreak: {{kind: embeddings, model: {server.model}, endpoints: [http://127.0.0.1:1/v1]}}", encoding="utf-8"
    )
    settings = Settings(backbones=tmp_path / "file.yaml")
    named = wanted("bektoreak", 8)  # type: ignore[arg-type]
    check_directory(named, tmp_path / "build", settings)
    with pytest.raises(RecipeError, match=r"embedder: there is no embedder named 'bektoreak' \(none is declared\)"):
        check_directory(named, tmp_path / "build", Settings())
    with embedding_server() as other:
        await run(wanted(other.spec(retries=7, timeout_s=9), 8), tmp_path / "build")
    assert len(firsts(tmp_path / "build")) == 8


async def test_a_dry_run_embeds_and_drops_nothing(tmp_path: Path, server: EmbeddingServer) -> None:
    wish = wanted(server.spec(), 20)
    filters = {**wish.filters.model_dump(), "dry": True}
    result = await run(Recipe.model_validate({**wish.model_dump(), "filters": filters}), tmp_path)
    assert (result.manifest.funnel.accepted, result.manifest.funnel.dropped) == (20, 0)
    assert len(server.texts) >= 20


PROGRAM = """
import asyncio, sys
from pathlib import Path
from tests.pipeline.test_semantic import wanted
from tests.support.builds import run

if __name__ == "__main__":
    asyncio.run(run(wanted({"model": "hirukoak", "endpoints": [sys.argv[2]]}, 16, delay_s=0.05), Path(sys.argv[1])))
"""


def test_killed_again_and_again(tmp_path: Path, server: EmbeddingServer) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    directory = tmp_path / "build"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
    before: list[str] = []
    kills = 0
    for _ in range(3):
        command = [sys.executable, str(tmp_path / "program.py"), str(directory), server.url]
        process = subprocess.Popen(command, env=environment)
        deadline = time.monotonic() + 60
        while process.poll() is None and len(firsts_or_none(directory)) <= len(before) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        after = firsts_or_none(directory)
        assert after[: len(before)] == before
        assert vectors(directory) == len(after), "a row and its vector are one transaction"
        before = after
    assert kills >= 2, "the build was killed in its middle"
    result = asyncio.run(run(wanted(server.spec(), 16), directory))
    rows = [row for shard in result.manifest.shards for row in read_shard(directory / shard.path)]
    assert len({row.id for row in rows}) == len(rows) == 16
    assert all_differ([row.messages[0].content for row in rows])
