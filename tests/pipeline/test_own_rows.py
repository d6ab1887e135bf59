"""A build's own rows are translated in the same build: each once, also after kills; both languages are published."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from pipeline.own_rows import OwnRows
from pipeline.reader import BuildReader
from publishers.local import publish_to_folder
from publishers.shard import read_shard
from schemas.conversation import Conversation
from schemas.errors import BuildDirectoryError
from schemas.manifest import Manifest
from tests.publishers.test_loading import load
from tests.support import translations
from tests.support.translations import BASQUE, recipe, run

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import asyncio, sys
from pathlib import Path
from tests.support.translations import recipe, run

if __name__ == "__main__":
    asyncio.run(run(recipe(target={"conversations": 500}), Path(sys.argv[1]), delay_s=0.01))
"""


def rows_of(directory: Path, manifest: Manifest) -> dict[str, list[Conversation]]:
    found: dict[str, list[Conversation]] = {}
    for shard in manifest.shards:
        found.setdefault(shard.config, []).extend(read_shard(directory / shard.path))
    return found


def check(rows: dict[str, list[Conversation]]) -> None:
    """Every translation is that of another row of the build, turn by turn."""
    english = {row.id: row for row in rows["magpie-en"]}
    sources = [row.source_document for row in rows["translation-eu"]]
    assert len(sources) == len(set(sources))
    for row in rows["translation-eu"]:
        source = english[row.source_document or ""]
        assert [message.content for message in row.messages] == [BASQUE[m.content] for m in source.messages]
        assert set(row.turn_origins) == {"translated"}
        assert set(row.turn_languages) == {"eu"}
        assert json.loads(row.source or "") == {"dataset": "itzulia", "document": source.id, "licence": "cc0-1.0"}


async def test_english_rows_and_their_translations(tmp_path: Path) -> None:
    result = await run(recipe(), tmp_path)
    rows = rows_of(tmp_path, result.manifest)
    check(rows)
    assert len(rows["magpie-en"]) + len(rows["translation-eu"]) == 40
    assert len(rows["translation-eu"]) >= 12, "what was owed was given back"
    made = json.loads(rows["translation-eu"][0].sampling)
    assert made["translation"]["frequency_penalty"] == 0.15
    assert made["steering"]["translate_prompt"] in translations.PACK.modes.translate_prompts
    modes = Counter(row.mode for row in result.manifest.funnel.rows)
    assert set(modes) == {"magpie-en", "translation-eu"}


async def test_a_higher_target_translates_what_was_not_translated(tmp_path: Path) -> None:
    await run(recipe(), tmp_path)
    more = await run(recipe(target={"conversations": 120}), tmp_path)
    check(rows_of(tmp_path, more.manifest))


async def test_a_translation_is_in_the_split_of_its_source(tmp_path: Path) -> None:
    result = await run(recipe(output={"shard_rows": 8, "validation_share": 0.5}), tmp_path)
    splits: dict[str, str] = {}
    for shard in result.manifest.shards:
        for row in read_shard(tmp_path / shard.path):
            splits[row.id] = shard.split
            if row.source_document is not None:
                splits[f"of {row.source_document}"] = shard.split
    translated = {key.removeprefix("of "): split for key, split in splits.items() if key.startswith("of ")}
    assert set(translated.values()) == {"train", "validation"}
    assert all(splits[row] == split for row, split in translated.items())


async def test_rows_are_read_in_pages_from_ledger_and_shards(tmp_path: Path) -> None:
    await run(recipe(), tmp_path)
    english = [row.id for _, row in BuildReader(tmp_path).accepted(limit=1000, config="magpie-en")]
    sealed = [shard.rows for shard in BuildReader(tmp_path).manifest().shards]  # type: ignore[union-attr]
    assert sum(sealed) == 40
    reader = OwnRows(recipe(), tmp_path, "en")
    for start in (0, 5):
        reader.open(start)
        found = []
        while page := reader.read(3):
            assert len(page) <= 3
            found += page
        assert [material.number for material in found] == list(range(start, len(english)))
        assert [material.source.document for material in found] == english[start:]
    assert not reader.ended
    reader.open(len(english) + 1)
    assert reader.read(3) == []
    reader.close()


async def test_rows_that_come_later_are_read_later(tmp_path: Path) -> None:
    await run(recipe(target={"conversations": 9}), tmp_path)
    reader = OwnRows(recipe(), tmp_path, "en")
    reader.open(0)
    first = reader.read(1000)
    assert reader.read(1000) == []
    await run(recipe(target={"conversations": 60}), tmp_path)
    later = reader.read(1000)
    assert [material.number for material in first + later] == list(range(len(first) + len(later)))
    documents = [material.source.document for material in first + later]
    assert documents == [row.id for _, row in BuildReader(tmp_path).accepted(limit=1000, config="magpie-en")]


def accepted(directory: Path) -> int:
    try:
        return BuildReader(directory).funnel().accepted
    except BuildDirectoryError:
        return 0


@pytest.mark.parametrize("seed", range(2))
def test_killed_again_and_again_no_row_is_translated_twice_and_none_is_lost(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    directory = tmp_path / "build"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
    kills = before = 0
    for _ in range(3):
        process = subprocess.Popen([sys.executable, str(tmp_path / "program.py"), str(directory)], env=environment)
        deadline = time.monotonic() + 60
        while process.poll() is None and accepted(directory) <= before + 20 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(rng.random() * 0.3)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        before = accepted(directory)
    assert kills >= 2, "the build was killed in its middle"
    result = asyncio.run(run(recipe(target={"conversations": 500}), directory))
    rows = rows_of(directory, result.manifest)
    check(rows)
    # The first of the English rows are all translated: what a kill interrupted was taken up again.
    translated = {row.source_document for row in rows["translation-eu"]}
    english = [row.id for _, row in BuildReader(directory).accepted(limit=1000, config="magpie-en")]
    ranks = [rank for rank, row in enumerate(english) if row in translated]
    lost = set(range(max(ranks))) - set(ranks)
    assert all(rank > max(ranks) - 2 * 8 for rank in lost), "only those in flight at the target are not translated"


async def test_both_languages_are_published_and_load(tmp_path: Path) -> None:
    result = await run(recipe(), tmp_path / "build")
    publish_to_folder(tmp_path / "build", tmp_path / "target")
    card = (tmp_path / "target" / "README.md").read_text(encoding="utf-8")
    assert "language:\n- eu\n- en\n" in card
    assert "conversations in Basque (`eu`) and English (`en`)" in card
    assert result.manifest.language == "eu"
    loaded = load(str(tmp_path / "target"), tmp_path, HF_HUB_OFFLINE="1")["rows"]
    rows = rows_of(tmp_path / "build", result.manifest)
    for config, language in (("magpie-en", "en"), ("translation-eu", "eu")):
        assert [row["id"] for row in loaded[config]["train"]] == [row.id for row in rows[config]]
        assert {row["language"] for row in loaded[config]["train"]} == {language}
