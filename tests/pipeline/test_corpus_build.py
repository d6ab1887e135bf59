"""Builds of the modes reverse and grounded, over a corpus that holds what corpora hold."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from generators.backbone import SampleRequest
from generators.scripted_backbone import ScriptedBackbone
from pipeline.build import BuildResult, Outcome, build, check_directory
from pipeline.reader import BuildReader
from publishers.card import card
from publishers.redaction import redacted
from publishers.shard import read_shard
from schemas.backbones import ScriptedBackbone as ScriptedSpec
from schemas.conversation import Conversation
from schemas.errors import BuildDirectoryError, BuildError, InputError
from schemas.recipe import Recipe
from schemas.settings import Settings
from tests.support.builds import recipe
from tests.support.corpora import BINARY, FOREIGN, MENU, document, write_corpus

ROOT = Path(__file__).resolve().parents[2]
OFF = {"language": {"enabled": False}, "duplicates": {"enabled": False}}


def wanted(corpus: Path, mode: str = "reverse", conversations: int = 8, **changes: Any) -> Recipe:
    """A recipe of one mode over a corpus."""
    exchanges = {} if mode == "reverse" else {"exchanges": {"min": 2, "max": 2}}
    modes = [{"mode": mode, "corpus": {"dataset": str(corpus), "licence": "cc0-1.0"}, **exchanges}]
    fields = {"modes": modes, "target": {"conversations": conversations, "min_acceptance": 0}, "filters": OFF}
    return recipe(**{**fields, **changes})


def asks_and_quotes(delay_s: float) -> ScriptedBackbone:
    """Asks one question after another, and replies with one sentence after another of the passage that it is shown."""

    async def answer(request: SampleRequest) -> str:
        draft, turn = map(int, request.id.rsplit("-", 1)[1].split("."))
        if request.role == "user":
            return f"Zer egiten dute lagunek {'arratsaldean' if turn else 'goizean'}, {draft} aldiz galdetuta?"
        seen = "".join(map(chr, request.prompt_token_ids))
        passage = next(line for line in seen.split("\n") if "herrian bizi diren" in line)
        return re.split(r"(?<=[a-z]\.) ", passage)[turn // 2]

    return ScriptedBackbone(ScriptedSpec(kind="scripted", user_turns=("-",), replies=("-",), delay_s=delay_s), answer)


async def run(made: Recipe, directory: Path, stop: asyncio.Event | None = None, delay_s: float = 0.0) -> BuildResult:
    async with asks_and_quotes(delay_s) as backbone:
        return await build(made, directory, backbone, settings=Settings(workers=1), stop=stop)


def rows_of(result: BuildResult) -> list[Conversation]:
    return [row for shard in result.manifest.shards for row in read_shard(result.directory / shard.path)]


async def test_passages_become_replies_as_they_stand_and_are_cited(tmp_path: Path) -> None:
    documents = [document(number) for number in range(6)]
    corpus = write_corpus(
        tmp_path / "herriak.jsonl", documents, id=list("abcdef"), title=[f"Herria {n}" for n in "123456"]
    )
    made = wanted(corpus, conversations=6)
    spec = made.modes[0].model_dump() | {"corpus": made.modes[0].corpus.model_dump() | {"id_column": "id"}}  # type: ignore[union-attr]
    result = await run(recipe(**{**made.model_dump(), "modes": [spec]}), tmp_path / "build")
    rows = rows_of(result)
    assert sorted(row.messages[1].content for row in rows) == sorted(documents)
    for row in rows:
        source = json.loads(row.source or "")
        place = documents.index(row.messages[1].content)
        assert row.turn_origins == ("sampled", "native")
        assert row.source_document == source["document"] == "abcdef"[place]
        assert source == {
            "dataset": "herriak.jsonl",
            "document": "abcdef"[place],
            "title": f"Herria {place + 1}",
            "start": 0,
            "end": len(documents[place]),
            "licence": "cc0-1.0",
        }
        assert json.loads(row.sampling)["steering"]["instruction_prompt"].count("{document}") == 1
    (accepted,) = (row for row in result.manifest.funnel.rows if row.gate == "accepted")
    instructions = sum(len(row.messages[0].content) + 1 for row in rows)
    assert accepted.completion_tokens == instructions, "the replies have cost nothing"


async def test_what_is_wrong_with_documents_is_said_and_costs_nothing(tmp_path: Path) -> None:
    documents = [
        document(0), "", "Laburregia.", MENU * 8, document(0), None, BINARY, FOREIGN, 17, document(1),
        document(2), "ha " * 200, *(document(n) for n in range(3, 9)),
    ]  # fmt: skip
    corpus = write_corpus(tmp_path / "corpus.jsonl", documents)
    with corpus.open("a", encoding="utf-8") as file:
        file.write('{"text": broken\n')
        file.write(json.dumps({"text": document(9), "other": 1}) + "\n")
    made = wanted(corpus, conversations=10, filters={"duplicates": {"enabled": False}})
    result = await run(made, tmp_path / "build")
    dropped = {row.reason: row for row in result.manifest.funnel.rows if row.gate == "material"}
    assert {reason: row.drafts for reason, row in dropped.items()} == {
        "material.empty": 2,
        "material.too_short": 1,
        "material.no_passage": 1,
        "material.duplicate": 1,
        "material.unreadable": 3,
        "language.foreign": 1,
        "repetition.word": 1,
    }
    assert sum(row.completion_tokens for row in dropped.values()) == 0
    said = {one.reason: one for _, one in BuildReader(tmp_path / "build").dropped(limit=50)}
    assert said["material.duplicate"].evidence.startswith("corpus.jsonl 4: it is in the corpus before: Zarautz")
    assert said["language.foreign"].evidence.startswith("corpus.jsonl 7: segment 2: en (")
    assert said["language.foreign"].messages[0].content == FOREIGN
    replies = [row.messages[1].content for row in rows_of(result)]
    assert sorted(replies) == sorted(document(number) for number in range(10))


async def test_conversations_rest_on_their_passage_and_show_it(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.jsonl", [document(number) for number in range(5)])
    result = await run(wanted(corpus, "grounded", 5), tmp_path / "build")
    rows = rows_of(result)
    assert len(rows) == 5
    for row in rows:
        assert [message.role for message in row.messages] == ["system", *["user", "assistant"] * 2]
        place = int(row.source_document or "")
        assert document(place) in row.messages[0].content
        assert row.messages[2].content in document(place)
        assert row.scores["grounding"] == 1.0
        assert row.turn_origins == ("sampled",) * 4
        assert document(place) not in row.sampling, "what steers is told as the pack has it"


async def test_a_corpus_that_is_used_up_ends_the_build_with_the_cure(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.jsonl", [document(number) for number in range(4)])
    with pytest.raises(BuildError, match=r"used up: 4 of 9 conversations after 4 drafts; .*target\.conversations to 4"):
        await run(wanted(corpus, conversations=9), tmp_path / "build")
    assert len(rows_of(await run(wanted(corpus, conversations=4), tmp_path / "build"))) == 4


async def test_stopped_and_gone_on_with_no_passage_is_used_twice_and_none_is_lost(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.jsonl", [document(number, 2) for number in range(30)] + [document(3, 2)])
    small = {"dataset": str(corpus), "max_chars": 450}
    made = wanted(corpus, conversations=60, modes=[{"mode": "reverse", "corpus": small}])
    directory = tmp_path / "build"
    for after in (5, 20, 40):
        stop = asyncio.Event()
        task = asyncio.create_task(run(made, directory, stop, 0.02))
        while not task.done():
            await asyncio.sleep(0.01)
            if accepted(directory) >= after:
                stop.set()
        assert (await task).outcome in (Outcome.STOPPED, Outcome.COMPLETE)
    result = await run(made, directory)
    cited = [(row.source_document, json.loads(row.source or "")["start"]) for row in rows_of(result)]
    assert len(cited) == len(set(cited)) == 60, "every passage of the thirty documents"


PROGRAM = """
import asyncio, sys
from pathlib import Path
from tests.pipeline.test_corpus_build import all_of, run

if __name__ == "__main__":
    asyncio.run(run(all_of(Path(sys.argv[1])), Path(sys.argv[2]), delay_s=0.03))
"""


def all_of(corpus: Path) -> Recipe:
    """Of eighty documents every one."""
    return wanted(corpus, conversations=80, output={"shard_rows": 9}, window=2)


def accepted(directory: Path) -> int:
    try:
        return BuildReader(directory).funnel().accepted
    except BuildDirectoryError:
        return 0


def test_killed_again_and_again_no_passage_is_used_twice_and_none_is_lost(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.jsonl", [document(number) for number in range(80)])
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    directory, rng = tmp_path / "build", random.Random(7)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
    kills = 0
    for _ in range(3):
        before = accepted(directory)
        command = [sys.executable, str(tmp_path / "program.py"), str(corpus), str(directory)]
        process = subprocess.Popen(command, env=environment)
        deadline = time.monotonic() + 60
        while process.poll() is None and accepted(directory) <= before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(rng.random() * 0.1)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
    assert kills >= 2, "the build was killed in its middle"
    result = asyncio.run(run(all_of(corpus), directory))
    assert Counter(row.source_document for row in rows_of(result)) == {str(number): 1 for number in range(80)}


async def test_where_a_corpus_lies_does_not_count_what_it_holds_does(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.jsonl", [document(number) for number in range(9)])
    directory = tmp_path / "build"
    result = await run(wanted(corpus, conversations=3), directory)
    told = result.manifest.provenance.recipe["modes"][0]["corpus"]
    assert (told["dataset"], len(told["content"])) == ("corpus.jsonl", 64)
    assert str(tmp_path) not in redacted(result.manifest).model_dump_json()
    moved = corpus.rename(tmp_path / "moved.jsonl")
    assert len(rows_of(await run(wanted(moved, conversations=5), directory))) == 5
    write_corpus(moved, [document(number) for number in range(10)])
    with pytest.raises(BuildDirectoryError, match=r"differs in modes\.0\.corpus\.content;"):
        check_directory(wanted(moved, conversations=6), directory, Settings())
    told_in_card = card(result.manifest)
    assert "| reverse | corpus.jsonl |" in told_in_card
    assert "written by people" in told_in_card


def test_a_corpus_that_cannot_be_read_is_known_before_a_backbone_runs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^modes\.0\.corpus: .*there is no such file or folder"):
        check_directory(wanted(tmp_path / "missing.jsonl"), tmp_path / "build", Settings())
