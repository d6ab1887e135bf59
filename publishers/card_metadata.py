"""The metadata of a dataset card: what the Hub and `datasets` read of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from publishers.licences import licence_metadata
from publishers.rows import features
from publishers.shard import config_name
from publishers.side_table import SIDE_SPLIT, SideTable
from schemas.manifest import Manifest, Shard

# The Hub's own size classes: below which number of rows, and its name.
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
    (10_000_000_000, "1B<n<10B"),
    (100_000_000_000, "10B<n<100B"),
    (1_000_000_000_000, "100B<n<1T"),
)


def card_metadata(manifest: Manifest, tables: Sequence[SideTable] = ()) -> dict[str, Any]:
    """The metadata of the card: https://huggingface.co/docs/hub/datasets-cards.

    Files are named one by one: shards that a running publication has put there already stay invisible until its card
    comes with the last commit. A split without files is not declared, as `load_dataset` would fail on it. Byte counts
    are those of the Parquet files. `tables` are the last configs, and never the one that is loaded by default.
    """
    configs = configs_of(manifest)
    publish = manifest.provenance.recipe.get("publish") or {}
    return {
        "language": list(languages_of(manifest)),
        **licence_metadata(publish),
        "pretty_name": title_of(manifest),
        "size_categories": [size_category(manifest.rows)],
        "task_categories": ["text-generation"],
        "annotations_creators": ["machine-generated"],
        "language_creators": ["machine-generated", *_found(manifest)],
        "tags": ["synthetic", "conversational", "instruction-tuning", "iturri", *mode_names(manifest)],
        "configs": [
            {
                "config_name": config,
                **({"default": True} if number == 0 else {}),
                "data_files": [{"split": split, "path": [shard.path for shard in shards]} for split, shards in splits],
            }
            for number, (config, splits) in enumerate(configs)
        ]
        + [_table_config(table) for table in tables],
        "dataset_info": [
            {
                "config_name": config,
                "features": features(),
                "splits": [
                    {
                        "name": split,
                        "num_bytes": sum(shard.bytes for shard in shards),
                        "num_examples": sum(shard.rows for shard in shards),
                    }
                    for split, shards in splits
                ],
                "download_size": (size := sum(shard.bytes for _, shards in splits for shard in shards)),
                "dataset_size": size,
            }
            for config, splits in configs
        ]
        + [_table_info(table) for table in tables],
    }


def _table_config(table: SideTable) -> dict[str, Any]:
    return {"config_name": table.config, "data_files": [{"split": SIDE_SPLIT, "path": [table.path]}]}


def _table_info(table: SideTable) -> dict[str, Any]:
    size = len(table.content)
    return {
        "config_name": table.config,
        "features": features(table.schema),
        "splits": [{"name": SIDE_SPLIT, "num_bytes": size, "num_examples": table.rows}],
        "download_size": size,
        "dataset_size": size,
    }


def size_category(rows: int) -> str:
    """The Hub's size class of a dataset with so many rows."""
    return next((name for limit, name in _SIZES if rows < limit), "n>1T")


def configs_of(manifest: Manifest) -> list[tuple[str, list[tuple[str, list[Shard]]]]]:
    """Config -> split -> its shards, in the order of their names; `train` before `validation`."""
    tree: dict[str, dict[str, list[Shard]]] = {}
    for shard in sorted(manifest.shards, key=lambda shard: shard.path):
        tree.setdefault(shard.config, {}).setdefault(shard.split, []).append(shard)
    return [(config, sorted(splits.items())) for config, splits in sorted(tree.items())]


def languages_of(manifest: Manifest) -> tuple[str, ...]:
    """The languages of the conversations, the recipe's first; those of the user turns where they are another one."""
    configs = {shard.config for shard in manifest.shards}
    ours = sorted(config.partition("-")[2] for config in configs)
    modes = manifest.provenance.recipe.get("modes") or ()
    asked = [
        mode["instruction_language"]
        for mode in modes
        if "instruction_language" in mode and config_name(mode.get("mode", ""), manifest.language) in configs
    ]
    first = [manifest.language] if manifest.language in ours or not ours else []
    return tuple(dict.fromkeys((*first, *ours, *asked)))


def title_of(manifest: Manifest) -> str:
    publish = manifest.provenance.recipe.get("publish") or {}
    return one_line(publish.get("title") or f"{manifest.name} ({manifest.provenance.language_name})")


def mode_names(manifest: Manifest) -> list[str]:
    return sorted({str(mode["mode"]) for mode in manifest.provenance.recipe.get("modes") or () if "mode" in mode})


def people_wrote_turns(manifest: Manifest) -> bool:
    """Whether some turns are texts of a dataset, as they stand there."""
    return any(mode in ("reverse", "prompts") for mode in mode_names(manifest))


def passages_shown(manifest: Manifest) -> bool:
    """Whether some system messages are published, which hold a passage."""
    modes = manifest.provenance.recipe.get("modes") or ()
    return any(mode.get("mode") == "grounded" and mode.get("show_passage", True) for mode in modes)


def _found(manifest: Manifest) -> list[str]:
    return ["found"] if people_wrote_turns(manifest) or passages_shown(manifest) else []


def one_line(text: str) -> str:
    return " ".join(text.split())
