"""The model card: README.md of an adapted model, made from the report of its run alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path, PurePath
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from schemas.names import REPO
from schemas.training import TrainingRecipe
from schemas.training_report import HeldOutLoss, TrainingReport
from training.card_licence import UNKNOWN, licence_of
from training.card_metadata import CARD_NAME, card_metadata, is_adapter
from training.curve import CURVE_NAME
from training.whole_file import write_whole

_FOLDER = "path/to/this/folder"
_ENDPOINT = "http://127.0.0.1:8000/v1"
_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # which vLLM has kernels for: its MaxLoRARanks
# A path from the root on, but no address, no end tag and no fraction.
_FOLDERS = re.compile(r"(?<![\w/:.<])/(?:[\w.+@-]+/)+(?=[\w.+@-])")


def write(
    report: TrainingReport, folder: Path, base_licence: str | None = None, *, merged_from: tuple[str, ...] = ()
) -> None:
    """Write the card into the folder of the model, or of the adapter: whole or not at all.

    The picture of the losses is shown where it lies there already. `base_licence` is what is known of the base model's
    licence, an identifier or a name; it is proposed where the recipe gives none. `merged_from` are the models of a
    merge, which has no training recipe; a folder among them is named by its last part.

    Raises StorageError when the card cannot be written.
    """
    write_whole(folder / CARD_NAME, _card(report, folder, base_licence, merged_from).encode())


def _card(report: TrainingReport, folder: Path, base_licence: str | None, merged_from: tuple[str, ...]) -> str:
    publish = report.recipe.get("publish") or {}
    repo = publish.get("repo")
    recipe = None if merged_from else TrainingRecipe.model_validate(report.recipe)
    adapter = is_adapter(folder)
    base = _placeless(report.model)
    bases = tuple(map(_placeless, merged_from)) or (base,)
    licence = licence_of(publish.get("licence"), base_licence, bases[0])
    metadata = card_metadata(report, bases, licence.metadata, adapter=adapter, merged=bool(merged_from))
    method = _method(recipe, adapter=adapter)
    name = report.recipe["name"]
    return _template().render(
        metadata=_yaml(metadata),
        report=report,
        title=name,
        languages=_listed(report.recipe["languages"]),
        base=base,
        merged_from=merged_from and bases,
        is_adapter=adapter,
        method=method,
        repo=repo,
        load_from=repo or _FOLDER,
        serve=_serve(recipe, name, base, repo or _FOLDER) if recipe and adapter else f"vllm serve {repo or _FOLDER}",
        backbone=_yaml({"backbone": _backbone(name, repo or _FOLDER, licence.metadata, adapter=adapter)}),
        losses=[_rounded(loss) for loss in report.losses],
        curve=CURVE_NAME if (folder / CURVE_NAME).is_file() else None,
        time=_time(report.seconds),
        settings=list(_settings(recipe)) if recipe else [],
        licence_words=licence.words,
        citation_key=re.sub(r"[^A-Za-z0-9]", "_", f"iturri_{name}_{report.ended.year}"),
        made_from=f"Merged from {_listed(bases)}" if merged_from else f"Adapted from {base} by {method}",
    )


@cache
def _template() -> Template:
    # The card is Markdown, not HTML: escaping for HTML would spoil it. What is not ours goes through a filter below.
    environment = Environment(
        loader=PackageLoader("training", "."),
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "text": markdown_text,
        "hub": lambda name: _link(name, ""),
        "dataset": lambda name: _link(name, "datasets/"),
        "bibtex": lambda text: re.sub(r"([%#$&_])", r"\\\1", re.sub(r"[{}\\~^`]", "", _one_line(text))),
        "thousands": lambda number: f"{number:,}",
    }
    return environment.get_template("card.md.jinja")


def markdown_text(text: object) -> str:
    """A text that is not ours in one line of Markdown, as it is to be read: without markup, folders and what is unseen.

    Bars are escaped too, so that it fits a table's cell. A `_` within a word is no markup.
    """
    return re.sub(r"([\\`*\[\]<>|~$#!]|(?<!\w)_|_(?!\w))", r"\\\1", _FOLDERS.sub("", _one_line(text)))


def _one_line(text: object) -> str:
    """Without line breaks, and without what no one sees, such as marks that turn the direction of writing."""
    return "".join(letter for letter in " ".join(str(text).split()) if letter.isprintable())


def _placeless(model: str) -> str:
    """A model by its name on the Hub; of a folder the last part."""
    return model if REPO.fullmatch(model) else PurePath(model).name or model


def _link(name: str, kind: str) -> str:
    words = markdown_text(name)
    return f"[{words}](https://huggingface.co/{kind}{name})" if REPO.fullmatch(name) else words


def _listed(names: tuple[str, ...] | list[str]) -> str:
    *others, last = map(markdown_text, names)
    return f"{', '.join(others)} and {last}" if others else last


def _method(recipe: TrainingRecipe | None, *, adapter: bool) -> str:
    if recipe is None:
        return "merging"
    if recipe.method == "full":
        return "full fine-tuning"
    name, base = ("QLoRA", " of the base in 4 bits") if recipe.method == "qlora" else ("LoRA", "")
    merged = "" if adapter else ", merged into the weights"
    return f"{name}{base} with rank {recipe.lora.rank}{merged}"


def _settings(recipe: TrainingRecipe) -> Iterator[tuple[str, str]]:
    """Names and values of what the recipe decides; of the places of models and data nothing."""
    sections: dict[str, Mapping[str, Any]] = {
        "lora": recipe.lora.model_dump(mode="json") if recipe.method != "full" else {},
        "context": recipe.context.model_dump(mode="json"),
        "optimisation": recipe.optimisation.model_dump(mode="json"),
        "machine": recipe.machine.model_dump(mode="json"),
        "data": {"held_out_share": recipe.data.held_out_share},
    }
    for section, values in sections.items():
        for name, value in values.items():
            if value is not None:
                yield f"{section}.{name}", _value(value)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    return f"{value:.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _serve(recipe: TrainingRecipe, name: str, base: str, adapter: str) -> str:
    rank = min((one for one in _RANKS if one >= recipe.lora.rank), default=_RANKS[-1])
    model = base if REPO.fullmatch(base) else "path/to/the/base"
    return f"vllm serve {model} --enable-lora --max-lora-rank {rank} --lora-modules {name}={adapter}"


def _backbone(name: str, place: str, licence: Mapping[str, str], *, adapter: bool) -> dict[str, Any]:
    """What an Iturri recipe says of this model, to sample from it."""
    known = {} if licence["license"] == UNKNOWN else {"licence": licence.get("license_name", licence["license"])}
    if adapter:
        return {"kind": "openai", "model": name, "tokenizer": place, "endpoints": [_ENDPOINT], **known}
    return {"kind": "vllm", "model": place, **known}


def _rounded(loss: HeldOutLoss) -> dict[str, Any]:
    """As it is shown, so that the change is the one that readers compute."""
    before, after = round(loss.before, 3), round(loss.after, 3)
    return {**loss.model_dump(), "before": before, "after": after, "change": round(after - before, 3) + 0.0}


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _yaml(value: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(value), allow_unicode=True, sort_keys=False, width=10_000)
