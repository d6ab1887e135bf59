"""How much of a server one recipe may ask for."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.settings import Settings
from service.admission import EXAMPLE, SubmittedRecipe, admit
from service.problems import ProblemError

CORPUS = {"dataset": "user/texts"}


def refusal(changes: dict[str, Any], settings: Settings | None = None) -> tuple[str, str]:
    """(Field, what is said of it) of the recipe with these changes."""
    recipe = SubmittedRecipe.model_validate({**EXAMPLE, **changes})
    with pytest.raises(ProblemError) as caught:
        admit(recipe, settings or Settings(), ("demo",))
    assert caught.value.status_code == 422
    (error,) = caught.value.errors
    return error.field, error.message


def test_the_targets_cap_is_the_servers() -> None:
    target = {"target": {"conversations": 5000}}
    recipe = SubmittedRecipe.model_validate({**EXAMPLE, **target})
    for cap in (None, 5000):
        assert admit(recipe, Settings(max_conversations=cap), ("demo",)).target.conversations == 5000
    said = refusal(target, Settings(max_conversations=4999))
    assert said == ("target.conversations", "this server makes at most 4,999 conversations for one recipe")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"window": 4097}, "window"),
        ({"output": {"shard_rows": 1_000_001}}, "output.shard_rows"),
        ({"output": {"dropped_samples": 10_001}}, "output.dropped_samples"),
        ({"filters": {"repetition": {"ngram": 65}}}, "filters.repetition.ngram"),
        ({"filters": {"shape": {"max_chars": 1_000_001}}}, "filters.shape.max_chars"),
        ({"filters": {"translation": {"max_ratio": 1e7}}}, "filters.translation.max_ratio"),
        ({"filters": {"duplicates": {"against": ["user/data"] * 65}}}, "filters.duplicates.against"),
        (
            {"filters": {"duplicates": {"against": [{"dataset": "user/data", "columns": ["a"] * 65}]}}},
            "filters.duplicates.against.0.columns",
        ),
        (
            {"filters": {"duplicates": {"against": [{"dataset": "user/data", "config": "a" * 501}]}}},
            "filters.duplicates.against.0.config",
        ),
        (
            {"modes": [{"mode": "magpie", "reply_sampling": {"max_tokens": 65_537}}]},
            "modes.0.reply_sampling.max_tokens",
        ),
        ({"modes": [{"mode": "magpie", "weight": 1e308}]}, "modes.0.weight"),
        ({"modes": [{"mode": "magpie", "categories": {"general": 1e308}}]}, "modes.0.categories.general"),
        ({"modes": [{"mode": "reverse", "corpus": {**CORPUS, "max_chars": 1 << 40}}]}, "modes.0.corpus.max_chars"),
        (
            {"modes": [{"mode": "magpie", "steering": {"topics_from": {**CORPUS, "revision": "r" * 501}}}]},
            "modes.0.steering.topics_from.revision",
        ),
    ],
)
def test_what_would_hold_up_all_others_is_refused(changes: dict[str, Any], field: str) -> None:
    assert refusal(changes)[0] == field


@pytest.mark.parametrize("changes", [{"publish": {"title": "a\0b"}}, {"publish": {"description": "\0"}}])
def test_what_a_database_does_not_take_is_refused(changes: dict[str, Any]) -> None:
    field, said = refusal(changes)
    assert field.startswith("publish.") and "zero character" in said


def test_prose_may_be_long() -> None:
    recipe = SubmittedRecipe.model_validate({**EXAMPLE, "publish": {"description": "a" * 20_000}})
    assert len(admit(recipe, Settings(), ("demo",)).publish.description or "") == 20_000
    for field, most in (("description", 20_000), ("title", 500)):
        long = SubmittedRecipe.model_validate({**EXAMPLE, "publish": {field: "a" * (most + 1)}})
        with pytest.raises(ProblemError, match=f"publish.{field}: has at most {most:,} characters"):
            admit(long, Settings(), ("demo",))
