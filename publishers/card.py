"""The dataset card: README.md of a publication, made from the manifest and the review marks alone."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from publishers.card_metadata import (
    card_metadata,
    configs_of,
    languages_of,
    mode_names,
    one_line,
    passages_shown,
    people_wrote_turns,
    title_of,
)
from publishers.changelog import CHANGELOG_NAME
from publishers.columns import COLUMNS
from publishers.dropped import DroppedFile
from publishers.handwritten import BEGIN, END
from publishers.licences import manifest_terms
from publishers.picture import PICTURE_NAME, funnel_words
from publishers.reviews import ReviewFile
from publishers.shard import config_name
from publishers.sources import mode_sources
from schemas.funnel import GATES, Funnel
from schemas.manifest import Manifest

_FOLDER = "path/to/this/folder"
# Filters that judge conversations of one mode alone.
_MODE_OF_FILTER = {"translation": "translation", "grounding": "grounded"}


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
        title=_text(title_of(manifest)),
        languages=_named_languages(manifest),
        description=_text(publish.get("description") or ""),
        publish=publish,
        terms=manifest_terms(manifest),
        backbone_spec=_backbone(recipe),
        target=(recipe.get("target") or {}).get("conversations"),
        sources=[source for mode in recipe.get("modes") or () for source in mode_sources(mode)],
        turns_of_people=people_wrote_turns(manifest),
        passages=passages_shown(manifest),
        modes=[_mode(mode, manifest) for mode in recipe.get("modes") or ()],
        filters=[
            _filter(name, spec)
            for name, spec in filters.items()
            if isinstance(spec, dict) and _MODE_OF_FILTER.get(name, name) in (name, *mode_names(manifest))
        ],
        dry=bool(filters.get("dry")),
        duplicates=duplicates.get("enabled", True),
        compared=bool(duplicates.get("against")),
        funnel_rows=_funnel_rows(manifest.funnel),
        splits=[(config, split, shards) for config, splits in configs_of(manifest) for split, shards in splits],
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
        citation_key="".join(
            part if part.isalnum() else "_" for part in f"iturri_{manifest.name}_{manifest.updated.year}"
        ),
        authors=[_bibtex(one_line(author)) for author in publish.get("authors") or ()],
    )


@cache
def _template() -> Template:
    # The card is Markdown, not HTML: escaping would spoil it. Text from recipes goes through `one_line` or `cell`.
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


def _named_languages(manifest: Manifest) -> str:
    """Such as ``Basque (`eu`) and English (`en`)``."""
    names = {manifest.language: manifest.provenance.language_name, **manifest.provenance.language_names}
    *others, last = [f"{names.get(code, code)} (`{code}`)" for code in languages_of(manifest)]
    return f"{', '.join(others)} and {last}" if others else last


def _mode(spec: dict[str, Any], manifest: Manifest) -> dict[str, Any]:
    plain = {key: value for key, value in spec.items() if key not in ("mode", "weight") and not isinstance(value, dict)}
    parts = {key: _words(value) for key, value in spec.items() if isinstance(value, dict)}
    if settings := _words(plain):
        parts = {"settings": settings, **parts}
    name = str(spec.get("mode", "?"))
    config = config_name(name, spec.get("language") or manifest.language)
    rows = sum(shard.rows for shard in manifest.shards if shard.config == config)
    return {"name": name, "config": config, "weight": spec.get("weight", 1), "rows": rows, "parts": parts}


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


def _text(text: str) -> str:
    """One line for the body: an opened comment would hide what follows, or look like a mark of ours."""
    return one_line(text).replace("<!--", "&lt;!--")


def _bibtex(text: str) -> str:
    """Without what would end the field or the block that it stands in."""
    return re.sub(r"[{}`\\]", "", text)


def _cell(text: object) -> str:
    return _text(str(text)).replace("|", "\\|")
