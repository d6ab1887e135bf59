"""The model card of a merge: README.md beside its weights, made from the report of what was merged and measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.names import REPO
from schemas.training import TrainingRecipe
from schemas.training_grid_report import MergeReport
from schemas.training_report import HeldOutLoss
from training.card_licence import licence_of
from training.card_metadata import CARD_NAME, TAG
from training.card_text import FOLDER, as_yaml, template
from training.whole_file import write_whole


@dataclass(frozen=True, slots=True)
class Merged:
    """A model that went in: how readers know it, and its licence where one is known."""

    name: str
    licence: str | None


def write(
    merge: MergeReport,
    recipe: TrainingRecipe,
    losses: tuple[HeldOutLoss, ...],
    models: Sequence[Merged],
    folder: Path,
) -> None:
    """Write the card into the folder of the merged model: whole or not at all.

    `recipe` is what the merge was measured by, `models` are those that went in, in the report's order. Where the recipe
    gives no licence, and all models are under the same, so is the merge; else none is stated. Raises StorageError when
    the card cannot be written.
    """
    names = [model.name for model in models]
    known = {model.licence for model in models}
    shared = known.pop() if len(known) == 1 else None
    chosen = recipe.publish.licence
    licence = licence_of(chosen, shared, names[0]).metadata
    hub_names = [name for name in dict.fromkeys(names) if REPO.fullmatch(name)]
    by_label = dict(zip((one.model for one in merge.models), names, strict=True))
    metadata = {
        "language": list(recipe.languages),
        **licence,
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        **({"base_model": hub_names, "base_model_relation": "merge"} if hub_names else {}),
        "tags": [TAG, "merge", "mergekit"],
    }
    text = template("merge_card.md.jinja").render(
        metadata=as_yaml(metadata),
        merge=merge,
        method=merge.method.replace("_", " "),
        models=list(zip(names, merge.models, strict=True)),
        speaker=by_label.get(merge.speaks_like.model, merge.speaks_like.model),
        losses=losses,
        chosen=chosen,
        shared=shared,
        licences=list(zip(names, (model.licence for model in models), strict=True)),
        load_from=FOLDER,
    )
    write_whole(folder / CARD_NAME, text.encode())
