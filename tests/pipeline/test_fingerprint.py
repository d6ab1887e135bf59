"""The fingerprint changes with everything that affects the rows, and with nothing on the list that is left out."""

from __future__ import annotations

from typing import Any

import pytest

from generators.opening import open_backbone
from languages.loader import load_pack
from pipeline.fingerprint import LEFT_OUT, differing_fields, fingerprint, fingerprint_fields
from schemas.recipe import Recipe

BASE: dict[str, Any] = {
    "name": "one",
    "language": "eu",
    "seed": 1,
    "backbone": {"kind": "scripted", "user_turns": ["Kaixo"], "replies": ["Bai"]},
    "target": {"conversations": 10},
}


def of(changes: dict[str, Any]) -> dict[str, Any]:
    recipe = Recipe.model_validate({**BASE, **changes})
    backbone = open_backbone("scripted", Recipe.model_validate(BASE).backbone)  # type: ignore[arg-type]
    return fingerprint_fields(recipe, backbone, {"eu": load_pack("eu")})


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "two"},
        {"target": {"conversations": 20, "max_drafts": 5}},
        {"publish": {"licence": "mit"}},
        {"window": 4},
        {"output": {"directory": "elsewhere", "shard_rows": 5, "dropped_samples": 1}},
        {"backbone": {**BASE["backbone"], "delay_s": 1.0}},
    ],
)
def test_what_does_not_affect_rows_is_left_out(changes: dict[str, Any]) -> None:
    assert fingerprint(of(changes)) == fingerprint(of({}))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"seed": 2}, "seed"),
        ({"output": {"validation_share": 0.5}}, "output.validation_share"),
        ({"filters": {"shape": {"min_chars": 5}}}, "filters.shape.min_chars"),
        ({"modes": [{"mode": "magpie", "exchanges": {"min": 1, "max": 5}}]}, "modes.0.exchanges.max"),
        ({"backbone": {**BASE["backbone"], "replies": ["Ez"]}}, "backbone.replies.0"),
    ],
)
def test_what_affects_rows_is_named_when_it_differs(changes: dict[str, Any], field: str) -> None:
    assert differing_fields(of(changes), of({})) == [field]
    assert fingerprint(of(changes)) != fingerprint(of({}))


def test_endpoints_and_parallel_sizes_are_left_out_of_real_backbones() -> None:
    def fields(backbone: dict[str, Any]) -> dict[str, Any]:
        recipe = Recipe.model_validate({**BASE, "backbone": backbone})
        scripted = open_backbone("scripted", Recipe.model_validate(BASE).backbone)  # type: ignore[arg-type]
        return fingerprint_fields(recipe, scripted, {"eu": load_pack("eu")})

    server = {"kind": "openai", "model": "m", "endpoints": ["http://a/v1"]}
    assert fields(server) == fields({**server, "endpoints": ["http://b/v1", "http://c/v1"], "timeout_s": 3})
    assert fields(server) != fields({**server, "model": "n"})
    engine = {"kind": "vllm", "model": "m", "engine_args": {"tensor_parallel_size": 1}}
    assert fields(engine) == fields({**engine, "engine_args": {"tensor_parallel_size": 8}})
    assert fields(engine) != fields({**engine, "engine_args": {"quantization": "fp8"}})


def test_of_an_embedder_the_model_counts_and_not_where_it_is() -> None:
    def changes(threshold: float = 0.9, **embedder: Any) -> dict[str, Any]:
        whole = {"model": "m", "endpoints": ["http://a/v1"], **embedder}
        return {"filters": {"duplicates": {"semantic": {"embedder": whole, "threshold": threshold}}}}

    base = of(changes())
    assert base == of(changes(endpoints=["http://b/v1"], api_key_env="KEY", timeout_s=3, retries=1))
    where = "filters.duplicates.semantic"
    assert differing_fields(of(changes(model="n")), base) == [f"{where}.embedder.model"]
    assert differing_fields(of(changes(dimensions=64)), base) == [f"{where}.embedder.dimensions"]
    assert differing_fields(of(changes(0.8)), base) == [f"{where}.threshold"]


def test_the_language_pack_is_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pack = load_pack("eu")
    recipe = Recipe.model_validate(BASE)
    backbone = open_backbone("scripted", recipe.backbone)  # type: ignore[arg-type]
    changed = pack.model_copy(update={"function_words": ("eta",)})
    fields, others = (fingerprint_fields(recipe, backbone, {"eu": one}) for one in (pack, changed))
    assert differing_fields(fields, others) == ["language_packs.eu"]


def test_every_field_left_out_exists() -> None:
    schema = Recipe.model_json_schema()
    names = set(schema["properties"])
    for definition in schema["$defs"].values():
        names |= set(definition.get("properties", {}))
    for path in LEFT_OUT:
        parts = path.split(".")
        assert parts[0] in schema["properties"]
        assert parts[1] in names if len(parts) > 1 else True
