"""The fingerprint of a build: everything that affects what its rows are, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generators.backbone import Backbone
from languages.pack import LanguagePack
from pipeline.materials import FoundDataset, put
from schemas.errors import BuildDirectoryError
from schemas.filter_report import AgainstDataset
from schemas.recipe import Recipe

# What may change between two runs of one build. Everything else may not.
LEFT_OUT: frozenset[str] = frozenset(
    {
        "name",
        "target",
        "publish",
        "window",
        "output.directory",
        "output.shard_rows",
        "output.dropped_samples",
        "filters.duplicates.semantic.embedder.endpoints",
        "filters.duplicates.semantic.embedder.api_key_env",
        "filters.duplicates.semantic.embedder.timeout_s",
        "filters.duplicates.semantic.embedder.retries",
        "backbone.endpoints",
        "backbone.api_key_env",
        "backbone.timeout_s",
        "backbone.retries",
        "backbone.concurrency",
        "backbone.licence",
        "backbone.delay_s",
        "backbone.engine_args.max_num_seqs",
        "backbone.engine_args.max_num_batched_tokens",
        "backbone.engine_args.gpu_memory_utilization",
        "backbone.engine_args.tensor_parallel_size",
        "backbone.engine_args.pipeline_parallel_size",
        "backbone.engine_args.data_parallel_size",
        "backbone.engine_args.enforce_eager",
    }
)

Fields = dict[str, Any]


def fingerprint_fields(
    recipe: Recipe,
    backbone: Backbone,
    packs: Mapping[str, LanguagePack],
    against: tuple[AgainstDataset, ...] = (),
    materials: tuple[FoundDataset, ...] = (),
) -> Fields:
    """The fields that make a fingerprint, as JSON values. The backbone is running."""
    model = {"name": backbone.name, "revision": backbone.revision, "template": backbone.template.hash}
    return {**recipe_fields(recipe, packs, against, materials), "sampled_model": model}


def recipe_fields(
    recipe: Recipe,
    packs: Mapping[str, LanguagePack],
    against: tuple[AgainstDataset, ...] = (),
    materials: tuple[FoundDataset, ...] = (),
) -> Fields:
    """Those of the fields that are known before the backbone runs. `against` and `materials` are the datasets that the
    recipe's own fields name, as they were found.
    """
    fields = without_left_out(recipe.model_dump(mode="json"))
    fields["filters"]["duplicates"]["against"] = decisive_references(against)
    for one in materials:
        put(fields, one.path, one.decisive())
    return {**fields, "language_packs": {code: pack_digest(pack) for code, pack in packs.items()}}


def without_left_out(fields: Fields) -> Fields:
    """A recipe's fields, or a part of them under its own name, less those that may change between two runs."""
    kept: Fields = _without_left_out(fields, "")
    return kept


def decisive_references(against: tuple[AgainstDataset, ...]) -> list[Fields]:
    """What counts of them: what they hold and how it is read, not where it lies."""
    return [one.model_dump(mode="json", include={"kind", "columns", "content"}) for one in against]


def pack_digest(pack: LanguagePack) -> str:
    """sha256 over all that a pack holds. Where its files lie does not count, so that a run may go on elsewhere."""
    digest = hashlib.sha256(pack.model_dump_json(exclude={"profile", "words"}).encode())
    for path in (pack.profile, pack.words):
        digest.update(path.read_bytes() if path is not None else b"")
    return digest.hexdigest()


def refuse_another(ours: Fields, theirs: Fields, directory: Path) -> None:
    """Raises BuildDirectoryError that names the fields in which the build in the directory differs."""
    if differing := differing_fields(ours, theirs):
        raise BuildDirectoryError(
            f"{directory} holds a build of another recipe: it differs in {', '.join(differing)};"
            " choose another output.directory, or put these fields back"
        )


def fingerprint(fields: Fields) -> str:
    """sha256 over the fields, in hexadecimal."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def differing_fields(ours: Fields, theirs: Fields) -> list[str]:
    """The paths at which two sets of fields differ, sorted."""
    left, right = _flat(ours), _flat(theirs)
    return sorted(path for path in left.keys() | right.keys() if left.get(path) != right.get(path))


def _without_left_out(value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, inner in value.items():
        where = f"{path}.{key}" if path else key
        if where not in LEFT_OUT:
            kept[key] = _without_left_out(inner, where)
    return kept


def _flat(value: Any, path: str = "") -> dict[str, str]:
    children: list[tuple[str, Any]]
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = [(str(number), item) for number, item in enumerate(value)]
    else:
        return {path: json.dumps(value)}
    flat: dict[str, str] = {}
    for key, inner in children:
        flat |= _flat(inner, f"{path}.{key}" if path else key)
    return flat
