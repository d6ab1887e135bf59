"""The change log follows from the releases and the manifest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from publishers.changelog import Release, change_log
from schemas.manifest import Manifest, Shard
from tests.support.publishers_builds import manifest, recipe_fields


def state(day: int, *rows: int, recipe: dict[str, Any] | None = None, **changes: Any) -> Manifest:
    """As of a day, with a shard of so many rows each."""
    shards = tuple(
        Shard(
            path=f"data/magpie-eu/train-{number:05d}.parquet",
            config="magpie-eu",
            split="train",
            rows=count,
            bytes=10,
            sha256=f"{number:064x}",
        )
        for number, count in enumerate(rows)
    )
    made = manifest(shards, recipe, **changes)
    return made.model_copy(update={"updated": made.updated + timedelta(days=day)})


def test_each_release_says_what_it_has_and_what_is_new() -> None:
    first, second, now = state(0, 5), state(2, 5, 7), state(3, 5, 7, 1_000, complete=False)
    log = change_log([Release("v2", second), Release("v1", first)], now)
    assert log == change_log([Release("v1", first), Release("v2", second)], now)
    sections = log.split("\n## ")
    assert [section.splitlines()[0] for section in sections] == [
        "# Changes",
        "Unreleased, 2026-11-06",
        "v2, 2026-11-05",
        "v1, 2026-11-03",
    ]
    assert "1,012 conversations in 3 shards, 1,000 of them new" in sections[1]
    assert "`magpie-eu`, train: 1,000 more, 1,012 in all" in sections[1]
    assert "the build was not finished then" in sections[1]
    assert "12 conversations in 2 shards, 7 of them new" in sections[2]
    assert "5 conversations in 1 shard\n  - `magpie-eu`, train: 5\n" in sections[3]


def test_what_is_released_is_not_unreleased_too() -> None:
    assert "Unreleased" not in change_log([Release("v1", state(0, 5))], state(4, 5))


def test_two_tags_of_one_state() -> None:
    log = change_log([Release("v1", state(0, 5)), Release("v1.0", state(0, 5))], state(0, 5))
    assert "5 conversations in 1 shard, those of before" in log


def test_what_changed_in_the_recipe_is_named() -> None:
    recipe = recipe_fields()
    recipe["target"]["conversations"] = 500
    recipe["publish"]["title"] = "Elkarrizketak | bi\nlerro"
    log = change_log([Release("v1", state(0, 5))], state(1, 5, 5, recipe=recipe))
    assert "- `target.conversations`: 100 → 500" in log
    assert "- `publish.title`: not set → Elkarrizketak | bi lerro" in log
    assert "→" not in change_log([Release("v1", state(0, 5))], state(1, 5, 5))


def test_what_changed_in_a_mode_is_named_as_the_recipe_names_it() -> None:
    recipe = recipe_fields()
    recipe["modes"][0]["reply_sampling"]["temperature"] = 0.25
    recipe["modes"].append({"mode": "magpie", "language": "en"})
    log = change_log([Release("v1", state(0, 5))], state(1, 5, 5, recipe=recipe))
    assert "- `modes.0.reply_sampling.temperature`: 0.6 → 0.25" in log
    assert "- `modes.1.language`: not set → en" in log
    assert log.count("modes.0") == 1


def test_what_made_the_rows_beside_the_recipe_is_told_too() -> None:
    then, now = state(0, 5), state(1, 5, 5)
    changes = {"iturri_version": "0.2.0", "backbone_revision": "abc", "template_hash": "b" * 64}
    now = now.model_copy(update={"provenance": now.provenance.model_copy(update=changes)})
    log = change_log([Release("v1", then)], now)
    assert "- `Iturri`: 0.1.0 → 0.2.0" in log
    assert "- `backbone revision`: not set → abc" in log
    assert f"- `chat template`: {'a' * 12} → {'b' * 12}" in log
