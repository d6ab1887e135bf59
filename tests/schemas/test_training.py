"""Training recipes: what does not go together is refused, with the field and the cure."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.training import Lora, TrainingRecipe
from schemas.training_grid import TrainingGrid

FIELDS: dict[str, Any] = {
    "name": "proba",
    "model": "group/model",
    "languages": ["eu", "en"],
    "data": {"conversations": [{"source": "group/data"}]},
}
GRID: dict[str, Any] = {
    "name": "sareta",
    "language": "eu",
    "backbones": {"base": "group/base"},
    "corpus": [{"source": "corpus.txt", "language": "eu"}],
}


def test_adapters_have_twice_their_rank_as_alpha_where_none_is_said() -> None:
    assert Lora(rank=8).alpha_used == 16
    assert Lora(rank=8, alpha=5).alpha_used == 5
    assert Lora().alpha_used == 128, "the default rank's, 64"


@pytest.mark.parametrize(("model", "fields"), [(TrainingRecipe, FIELDS), (TrainingGrid, GRID)])
def test_adapters_that_nothing_trains_are_refused(model: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="lora: method full trains no adapters; set method: lora"):
        model.model_validate({**fields, "lora": {"rank": 8}})
    for method in ("lora", "qlora"):
        assert model.model_validate({**fields, "method": method, "lora": {"rank": 8}}).lora.rank == 8
    written = model.model_validate(fields)
    assert model.model_validate_json(written.model_dump_json()) == written


@pytest.mark.parametrize(
    ("first", "second", "twice"),
    [
        ({}, {}, True),
        ({"weight": 2}, {"rows": 10}, True),
        ({"modes": ["magpie"]}, {}, True),
        ({"modes": ["magpie", "reverse"]}, {"modes": ["reverse"]}, True),
        ({"modes": ["magpie"]}, {"modes": ["reverse"]}, False),
        ({"languages": ["eu"]}, {"languages": ["en"]}, False),
        ({"split": "train_sft"}, {"split": "train_gen"}, False),
        ({"revision": "v1"}, {"revision": "v2"}, False),
    ],
)
def test_rows_are_named_once(first: dict[str, Any], second: dict[str, Any], twice: bool) -> None:
    sources = [{"source": "group/data", **first}, {"source": "group/other"}, {"source": "group/data", **second}]
    fields = {**FIELDS, "data": {"conversations": sources}}
    if twice:
        with pytest.raises(ValidationError, match=r"conversations\.2: conversations\.0 has the same rows; .*weight"):
            TrainingRecipe.model_validate(fields)
    else:
        assert len(TrainingRecipe.model_validate(fields).data.conversations) == 3
