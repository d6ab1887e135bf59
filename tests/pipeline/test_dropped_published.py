"""The sample of dropped drafts is published where the recipe wants it, as a config of its own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import pytest
import yaml

from pipeline.reader import BuildReader
from publishers.dropped import DROPPED_NAME, SCHEMA
from publishers.local import publish_to_folder
from publishers.rows import features
from schemas.errors import PublishError
from tests.support.builds import DEEDS, REPLIES, SUBJECTS, recipe, run

WHERE = "data/dropped/train-00000.parquet"
TURNS = [f"Zergatik gustatzen zaio jendeari {subject} {deed}?" for subject in SUBJECTS for deed in DEEDS]
# Every turn comes twice in a row, as no test knows with which one a build begins.
FIELDS: dict[str, Any] = {
    "backbone": {"kind": "scripted", "user_turns": [turn for turn in TURNS for _ in range(2)], "replies": REPLIES},
    "modes": [{"mode": "magpie", "exchanges": {"min": 1, "max": 1}}],
    "filters": {"language": {"enabled": False}},
    "target": {"conversations": 35},
}


def wanted(wish: bool = True) -> dict[str, Any]:
    return FIELDS | {"publish": {"licence": "cc0-1.0", "dropped": wish}}


async def test_a_finished_build_that_is_run_again_gets_the_sample_and_loses_it_again(tmp_path: Path) -> None:
    build, target = tmp_path / "build", tmp_path / "target"
    await run(recipe(**wanted(False)), build)
    publish_to_folder(build, target)
    assert not (target / WHERE).exists()
    tokens = BuildReader(build).funnel().completion_tokens

    await run(recipe(**wanted()), build)
    assert BuildReader(build).funnel().completion_tokens == tokens, "nothing is sampled anew"
    publish_to_folder(build, target)
    samples = [sample for _, sample in BuildReader(build).dropped(limit=10_000)]
    assert samples
    rows = datasets.load_dataset(str(target), "dropped", split="train", cache_dir=str(tmp_path / "cache")).to_list()
    assert sorted(row["draft_id"] for row in rows) == sorted(sample.draft_id for sample in samples)
    one = next(sample for sample in samples if sample.draft_id == rows[0]["draft_id"])
    assert rows[0]["messages"] == [message.model_dump() for message in one.messages]
    assert (rows[0]["reason"], rows[0]["gate"], rows[0]["evidence"]) == (one.reason, one.gate, one.evidence)

    default = datasets.load_dataset(str(target), split="train", cache_dir=str(tmp_path / "cache"))
    assert default.num_rows == 35
    text = (target / "README.md").read_text(encoding="utf-8")
    for reason, count in Counter(sample.reason for sample in samples).items():
        assert f"| {reason} | {BuildReader(build).funnel().reasons()[reason]} | {count} |" in text
    configs = yaml.safe_load(text.split("---")[1])["configs"]
    assert [config["config_name"] for config in configs] == ["magpie-eu", "dropped"]
    assert "default" not in configs[1]
    assert publish_to_folder(build, target).uploaded == 0

    await run(recipe(**wanted(False)), build)
    publish_to_folder(build, target)
    assert not (build / DROPPED_NAME).exists()
    assert not (target / WHERE).exists()


async def test_a_file_that_is_no_sample_is_refused(tmp_path: Path) -> None:
    build = tmp_path / "build"
    await run(recipe(**wanted()), build)
    shard = next((build / "data").rglob("*.parquet"))
    for content, what in ((b"PAR1", "cannot be read as dropped drafts"), (shard.read_bytes(), "holds other columns")):
        (build / DROPPED_NAME).write_bytes(content)
        with pytest.raises(PublishError, match=what):
            publish_to_folder(build, tmp_path / "target")


def test_the_features_of_the_card_are_those_that_datasets_derives() -> None:
    assert features(SCHEMA) == datasets.Features.from_arrow_schema(SCHEMA)._to_yaml_list()
