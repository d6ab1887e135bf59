"""A build that is held against what exists: what is dropped, what is not its own, and what it takes to go on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.build import check_directory
from pipeline.reader import BuildReader
from publishers.card import card
from publishers.shard import read_shard
from schemas.errors import BuildDirectoryError, InputError
from schemas.manifest import Manifest
from schemas.recipe import Recipe
from schemas.settings import Settings
from tests.support.benchmarks import FIRST, QUESTIONS, write_benchmark
from tests.support.builds import REPLIES, recipe, run
from tests.support.dataset_rows import exchange, write_jsonl

NEW = "Nola prestatzen da marmitako on bat etxean, eta zer osagai behar dira horretarako?"
OLD = "Zer egin dezaket asteburuan Donostian lagunekin, euria egiten badu egun osoan?"
NEARLY_OLD = "Zer egin dezaket asteburuan Donostian nire lagunekin, euria egiten badu egun osoan?"


def held_against(*references: Any, duplicates: bool = True, **changes: Any) -> Recipe:
    """A recipe whose backbone asks what is new, what is old, and what a benchmark asks."""
    made = recipe(
        filters={
            "language": {"enabled": False},
            "duplicates": {"enabled": duplicates, "against": [*map(str, references)]},
        },
        **changes,
    )
    scripted = {"kind": "scripted", "user_turns": [NEW, OLD, NEARLY_OLD, f"Esan: {FIRST}"], "replies": REPLIES}
    return Recipe.model_validate({**made.model_dump(), "backbone": scripted})


def earlier(folder: Path) -> Path:
    return write_jsonl(folder / "earlier.jsonl", [{"messages": exchange(OLD, "Bai.")}])


def user_turns(directory: Path, manifest: Manifest) -> set[str]:
    return {row.messages[0].content for shard in manifest.shards for row in read_shard(directory / shard.path)}


async def test_a_manifest_names_what_it_was_held_against_and_no_place(tmp_path: Path) -> None:
    folder = tmp_path / "ezkutua"
    against = earlier(folder), write_benchmark(folder / "questions.jsonl")
    manifest = (await run(held_against(*against, target={"conversations": 1}), tmp_path / "build")).manifest
    told = manifest.provenance.recipe["filters"]["duplicates"]["against"]
    assert [(one["dataset"], one["kind"]) for one in told] == [
        ("earlier.jsonl", "publication"),
        ("questions.jsonl", "benchmark"),
    ]
    assert all(len(one["content"]) == 64 for one in told)
    assert "ezkutua" not in manifest.model_dump_json() + card(manifest)
    assert "against [(dataset earlier.jsonl, kind publication, content" in card(manifest)


async def test_rows_of_an_earlier_publication_and_items_of_a_benchmark_are_dropped(tmp_path: Path) -> None:
    against = earlier(tmp_path), write_benchmark(tmp_path / "questions.jsonl")
    made = held_against(*against, duplicates=False, target={"conversations": 10})
    directory = tmp_path / "build"
    manifest = (await run(made, directory)).manifest
    assert user_turns(directory, manifest) == {NEW}
    assert manifest.funnel.accepted == 10, "rows of other datasets are none of its own"
    dropped = {row.reason: row.gate for row in manifest.funnel.rows if "." in row.reason}
    assert set(dropped) == {"duplicates.exact", "duplicates.near", "contamination.ngram"}
    assert set(dropped.values()) == {"user_turn"}, "before a reply is paid for"
    said = {sample.reason: sample.evidence for _, sample in BuildReader(directory).dropped(limit=200)}
    assert said["duplicates.exact"].startswith("repeats earlier.jsonl row 0; this one: Zer egin")
    assert said["duplicates.near"].startswith("repeats earlier.jsonl row 0 (similarity 0.")
    assert said["contamination.ngram"].startswith("shares 14 words with questions.jsonl row 0: zein mendi igo")


async def test_a_reply_that_quotes_a_benchmark_ends_the_draft(tmp_path: Path) -> None:
    made = held_against(write_benchmark(tmp_path / "questions.jsonl"), target={"conversations": 5, "max_drafts": 40})
    answer = QUESTIONS[1]["choices"]["text"][1]
    scripted = {"kind": "scripted", "user_turns": [NEW], "replies": [f"Jakina: {answer}"]}
    changed = Recipe.model_validate({**made.model_dump(), "backbone": scripted})
    with pytest.raises(Exception, match=r"contamination\.ngram"):
        await run(changed, tmp_path / "build")
    (row,) = (one for one in BuildReader(tmp_path / "build").funnel().rows if one.reason == "contamination.ngram")
    assert row.gate == "reply"


async def test_its_own_repeats_are_still_found_and_an_earlier_build_can_be_named(tmp_path: Path) -> None:
    first = await run(recipe(target={"conversations": 8}), tmp_path / "first")
    assert first.manifest.complete
    second = recipe(
        target={"conversations": 200, "max_drafts": 300, "min_acceptance": 0},
        filters={
            "language": {"enabled": False},
            "duplicates": {"threshold": 1.0, "against": [str(tmp_path / "first")]},
        },
    )
    with pytest.raises(Exception, match="gave up"):
        await run(second, tmp_path / "second")
    reader = BuildReader(tmp_path / "second")
    seen = user_turns(tmp_path / "first", first.manifest)
    kept = [row.messages[0].content for _, row in reader.accepted(limit=200)]
    assert len(kept) == len(set(kept)) == 40 - len(seen)
    assert not seen & set(kept)
    assert {row.reason for row in reader.funnel().rows} >= {"duplicates.exact"}


async def test_a_changed_benchmark_is_another_recipe_and_a_moved_one_is_not(tmp_path: Path) -> None:
    path, directory = write_benchmark(tmp_path / "questions.jsonl"), tmp_path / "build"
    made = held_against(path, duplicates=False, target={"conversations": 3})
    await run(made, directory)
    moved = shutil.move(path, tmp_path / "moved.jsonl")
    more = held_against(moved, duplicates=False, target={"conversations": 6})
    check_directory(more, directory, Settings())
    assert (await run(more, directory)).manifest.funnel.accepted == 6
    write_jsonl(Path(moved), QUESTIONS[1:])
    refused = r"differs in filters\.duplicates\.against\.0\.content;"
    with pytest.raises(BuildDirectoryError, match=refused):
        check_directory(more, directory, Settings())
    with pytest.raises(BuildDirectoryError, match=refused):
        await run(more, directory)
    with pytest.raises(BuildDirectoryError, match=r"filters\.duplicates\.against\.0\.kind"):
        check_directory(held_against(earlier(tmp_path), duplicates=False), directory, Settings())


def test_a_dataset_that_is_not_there_is_known_before_a_backbone_runs(tmp_path: Path) -> None:
    made = held_against(earlier(tmp_path), tmp_path / "missing.jsonl")
    with pytest.raises(InputError, match=r"^filters\.duplicates\.against\.1: .*there is no such file or folder"):
        check_directory(made, tmp_path / "build", Settings())
