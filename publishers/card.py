"""The dataset card: README.md of a publication, made from the manifest and the review marks alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from publishers.changelog import CHANGELOG_NAME
from publishers.columns import COLUMNS
from publishers.dropped import DroppedFile
from publishers.handwritten import BEGIN, END
from publishers.licences import licence_metadata, manifest_terms
from publishers.picture import PICTURE_NAME, funnel_words
from publishers.reviews import ReviewFile
from publishers.rows import features
from publishers.shard import config_name
from publishers.side_table import SIDE_SPLIT, SideTable
from publishers.sources import mode_sources
from schemas.funnel import GATES, Funnel
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

_FOLDER = "path/to/this/folder"


def card(
    manifest: Manifest,
    repo: str | None = None,
    reviews: ReviewFile | None = None,
    dropped: DroppedFile | None = None,
    *,
    changelog: bool = False,
) -> str:
    """The card in Markdown, with the Hub's metadata in front. What is given alike gives the same card.

    `repo` is the repository it is for; without one, the recipe's, or else a folder. A recipe without a licence gives a
    card that says so (`license: unknown`). With `changelog` it points to the change log beside it.
    """
    recipe = manifest.provenance.recipe
    publish = recipe.get("publish") or {}
    filters = recipe.get("filters") or {}
    duplicates = filters.get("duplicates") or {}
    repo = repo or publish.get("repo")
    tables = [file.table for file in (reviews, dropped) if file is not None]
    metadata = yaml.safe_dump(card_metadata(manifest, tables), allow_unicode=True, sort_keys=False, width=10_000)
    return _template().render(
        metadata=metadata,
        manifest=manifest,
        provenance=manifest.provenance,
        funnel=manifest.funnel,
        title=_text(_title(manifest)),
        languages=_named_languages(manifest),
        description=_text(publish.get("description") or ""),
        publish=publish,
        terms=manifest_terms(manifest),
        backbone_spec=_backbone(recipe),
        target=(recipe.get("target") or {}).get("conversations"),
        sources=[source for mode in recipe.get("modes") or () for source in mode_sources(mode)],
        turns_of_people=_people_wrote_turns(manifest),
        passages=_passages_shown(manifest),
        modes=[_mode(mode, manifest) for mode in recipe.get("modes") or ()],
        filters=[_filter(name, spec) for name, spec in filters.items() if isinstance(spec, dict)],
        dry=bool(filters.get("dry")),
        duplicates=duplicates.get("enabled", True),
        compared=bool(duplicates.get("against")),
        funnel_rows=_funnel_rows(manifest.funnel),
        splits=[(config, split, shards) for config, splits in _configs(manifest) for split, shards in splits],
        reviews=reviews,
        dropped=dropped,
        sample_limit=_sample_limit(recipe),
        dropped_rows=_dropped_rows(manifest.funnel, dropped),
        changelog=CHANGELOG_NAME if changelog else None,
        repo=repo,
        load_from=repo or _FOLDER,
        folder=manifest.name if repo else _FOLDER,
        columns=list(COLUMNS.items()),
        picture_name=PICTURE_NAME,
        picture_words=funnel_words(manifest.funnel),
        begin=BEGIN,
        end=END,
        citation_key="".join(part if part.isalnum() else "_" for part in manifest.name),
    )


def card_metadata(manifest: Manifest, tables: Sequence[SideTable] = ()) -> dict[str, Any]:
    """The metadata of the card: https://huggingface.co/docs/hub/datasets-cards.

    Files are named one by one: shards that a running publication has put there already stay invisible until its card
    comes with the last commit. A split without files is not declared, as `load_dataset` would fail on it. Byte counts
    are those of the Parquet files. `tables` are the last configs, and never the one that is loaded by default.
    """
    configs = _configs(manifest)
    publish = manifest.provenance.recipe.get("publish") or {}
    return {
        "language": list(_languages(manifest)),
        **licence_metadata(publish),
        "pretty_name": _title(manifest),
        "size_categories": [size_category(manifest.rows)],
        "task_categories": ["text-generation"],
        "annotations_creators": ["machine-generated"],
        "language_creators": ["machine-generated", *_found(manifest)],
        "tags": ["synthetic", "conversational", "instruction-tuning", "iturri", *_mode_names(manifest)],
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


@cache
def _template() -> Template:
    # The card is Markdown, not HTML: escaping would spoil it. Text from recipes goes through `_one_line` or `cell`.
    environment = Environment(
        loader=PackageLoader("publishers", "."),
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _cell
    environment.filters["percent"] = lambda share: f"{share:.1%}"
    environment.filters["thousands"] = lambda number: f"{number:,}"
    return environment.get_template("card.md.jinja")


def _configs(manifest: Manifest) -> list[tuple[str, list[tuple[str, list[Shard]]]]]:
    """Config -> split -> its shards, in the order of their names; `train` before `validation`."""
    tree: dict[str, dict[str, list[Shard]]] = {}
    for shard in sorted(manifest.shards, key=lambda shard: shard.path):
        tree.setdefault(shard.config, {}).setdefault(shard.split, []).append(shard)
    return [(config, sorted(splits.items())) for config, splits in sorted(tree.items())]


def _languages(manifest: Manifest) -> tuple[str, ...]:
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


def _named_languages(manifest: Manifest) -> str:
    """Such as ``Basque (`eu`) and English (`en`)``."""
    names = {manifest.language: manifest.provenance.language_name, **manifest.provenance.language_names}
    *others, last = [f"{names.get(code, code)} (`{code}`)" for code in _languages(manifest)]
    return f"{', '.join(others)} and {last}" if others else last


def _title(manifest: Manifest) -> str:
    publish = manifest.provenance.recipe.get("publish") or {}
    return _one_line(publish.get("title") or f"{manifest.name} ({manifest.provenance.language_name})")


def _mode_names(manifest: Manifest) -> list[str]:
    return sorted({str(mode["mode"]) for mode in manifest.provenance.recipe.get("modes") or () if "mode" in mode})


def _mode(spec: dict[str, Any], manifest: Manifest) -> dict[str, Any]:
    plain = {key: value for key, value in spec.items() if key not in ("mode", "weight") and not isinstance(value, dict)}
    parts = {key: _words(value) for key, value in spec.items() if isinstance(value, dict)}
    if settings := _words(plain):
        parts = {"settings": settings, **parts}
    name = str(spec.get("mode", "?"))
    config = config_name(name, spec.get("language") or manifest.language)
    rows = sum(shard.rows for shard in manifest.shards if shard.config == config)
    return {"name": name, "config": config, "weight": spec.get("weight", 1), "rows": rows, "parts": parts}


def _people_wrote_turns(manifest: Manifest) -> bool:
    """Whether some turns are texts of a dataset, as they stand there."""
    return any(mode in ("reverse", "prompts") for mode in _mode_names(manifest))


def _passages_shown(manifest: Manifest) -> bool:
    """Whether some system messages are published, which hold a passage."""
    modes = manifest.provenance.recipe.get("modes") or ()
    return any(mode.get("mode") == "grounded" and mode.get("show_passage", True) for mode in modes)


def _found(manifest: Manifest) -> list[str]:
    return ["found"] if _people_wrote_turns(manifest) or _passages_shown(manifest) else []


def _filter(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    settings = {key: value for key, value in spec.items() if key != "enabled"}
    return {"name": name, "enabled": spec.get("enabled", True), "settings": _words(settings)}


def _backbone(recipe: dict[str, Any]) -> str:
    spec = recipe.get("backbone")
    return str(spec.get("kind", "?")) if isinstance(spec, dict) else "declared by name"


def _words(settings: dict[str, Any]) -> str:
    """Settings as `name value` pairs, those of a part in brackets; what is not set is left out."""
    return ", ".join(f"{key} {_word(value)}" for key, value in settings.items() if value not in (None, []))


def _word(value: Any) -> str:
    if isinstance(value, dict):
        return f"({_words(value)})"
    if isinstance(value, list):
        return f"[{', '.join(map(_word, value))}]"
    return value if isinstance(value, str) else json.dumps(value)


def _funnel_rows(funnel: Funnel) -> list[dict[str, Any]]:
    """Drafts by mode, gate and reason, over all exchanges; gates in the order in which drafts meet them."""
    order = {gate: number for number, gate in enumerate(GATES)}
    sums: dict[tuple[str, str, str], tuple[int, int, int]] = {}
    for row in funnel.rows:
        key = (row.mode, row.gate, row.reason)
        drafts, tokens, saved = sums.get(key, (0, 0, 0))
        sums[key] = (drafts + row.drafts, tokens + row.completion_tokens, saved + funnel.saved(row))
    rows = [
        {"mode": mode, "gate": gate, "reason": reason, "drafts": drafts, "tokens": tokens, "saved": saved}
        for (mode, gate, reason), (drafts, tokens, saved) in sums.items()
    ]
    return sorted(
        rows, key=lambda row: (row["mode"], order.get(row["gate"], len(GATES)), -row["drafts"], row["reason"])
    )


def _sample_limit(recipe: dict[str, Any]) -> str:
    limit = (recipe.get("output") or {}).get("dropped_samples")
    return "" if limit is None else f", at most {limit:,} for each reason"


def _dropped_rows(funnel: Funnel, dropped: DroppedFile | None) -> list[tuple[str, int, int]]:
    """Reason, drafts dropped for it, and how many of them are in the sample."""
    if dropped is None:
        return []
    return [(reason, drafts, dropped.reasons.get(reason, 0)) for reason, drafts in funnel.reasons().items()]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _text(text: str) -> str:
    """One line for the body: an opened comment would hide what follows, or look like a mark of ours."""
    return _one_line(text).replace("<!--", "&lt;!--")


def _cell(text: object) -> str:
    return _text(str(text)).replace("|", "\\|")
