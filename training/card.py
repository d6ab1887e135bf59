"""The model card: README.md of an adapted model, made from the report of its run alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from schemas.names import REPO
from schemas.training import TrainingRecipe
from schemas.training_report import LAST_STEPS, HeldOutLoss, TrainingReport
from training.card_licence import UNKNOWN, licence_of
from training.card_metadata import CARD_NAME, card_metadata, is_adapter
from training.card_text import FOLDER, as_yaml, listed, template
from training.curve import CURVE_NAME
from training.whole_file import write_whole

_ENDPOINT = "http://127.0.0.1:8000/v1"
_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # which vLLM has kernels for: its MaxLoRARanks


def write(report: TrainingReport, folder: Path, base_licence: str | None = None) -> None:
    """Write the card into the folder of the model, or of the adapter: whole or not at all.

    The picture of the losses is shown where it lies there already. `base_licence` is what is known of the base model's
    licence, an identifier or a name; it is proposed where the recipe gives none.

    Raises StorageError when the card cannot be written.
    """
    write_whole(folder / CARD_NAME, _card(report, folder, base_licence).encode())


def _card(report: TrainingReport, folder: Path, base_licence: str | None) -> str:
    recipe = TrainingRecipe.model_validate(report.recipe)
    repo = recipe.publish.repo
    adapter = is_adapter(folder)
    base = report.model
    licence = licence_of(recipe.publish.licence, base_licence, base)
    method = _method(recipe, adapter=adapter)
    taught = {f"{source.kind}-{source.language}" for source in report.sources if source.trained}
    return template("card.md.jinja").render(
        metadata=as_yaml(card_metadata(report, base, licence.metadata, adapter=adapter)),
        report=report,
        title=recipe.name,
        languages=listed(recipe.languages),
        base=base,
        is_adapter=adapter,
        method=method,
        repo=repo,
        load_from=repo or FOLDER,
        serve=_serve(recipe, base, repo or FOLDER) if adapter else f"vllm serve {repo or FOLDER}",
        backbone=as_yaml({"backbone": _backbone(recipe.name, repo or FOLDER, licence.metadata, adapter=adapter)}),
        losses=[_rounded(loss) | {"trained": loss.name in taught} for loss in report.losses],
        last_steps=LAST_STEPS,
        curve=CURVE_NAME if (folder / CURVE_NAME).is_file() else None,
        time=_time(report.seconds),
        settings=list(_settings(recipe)),
        licence_words=licence.words,
        citation_key=re.sub(r"[^A-Za-z0-9]", "_", f"iturri_{recipe.name}_{report.ended.year}"),
        made_from=f"Adapted from {base} by {method}",
    )


def _method(recipe: TrainingRecipe, *, adapter: bool) -> str:
    if recipe.method == "full":
        return "full fine-tuning"
    name, base = ("QLoRA", " of the base in 4 bits") if recipe.method == "qlora" else ("LoRA", "")
    merged = "" if adapter else ", merged into the weights"
    return f"{name}{base} with rank {recipe.lora.rank}{merged}"


def _settings(recipe: TrainingRecipe) -> Iterator[tuple[str, str]]:
    """Names and values of what the recipe decides; of the places of models and data nothing."""
    lora = recipe.lora.model_dump(mode="json") | {"alpha": recipe.lora.alpha_used}
    sections: dict[str, Mapping[str, Any]] = {
        "lora": lora if recipe.method != "full" else {},
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


def _serve(recipe: TrainingRecipe, base: str, adapter: str) -> str:
    rank = min((one for one in _RANKS if one >= recipe.lora.rank), default=_RANKS[-1])
    model = base if REPO.fullmatch(base) else "path/to/the/base"
    return f"vllm serve {model} --enable-lora --max-lora-rank {rank} --lora-modules {recipe.name}={adapter}"


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
