"""Which recipes a server takes over HTTP."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from languages.loader import available_languages
from pipeline.filtering.files import HUB_DATASETS, is_repository
from pipeline.materials import named_datasets, put
from pipeline.packs import load_packs
from publishers.licences import FIELD, recipe_terms
from schemas.errors import LanguageError
from schemas.filters import Reference, SemanticFilter
from schemas.names import Name
from schemas.recipe import Recipe
from schemas.settings import Settings, declared_backbones, declared_embedders, no_embedder
from service.bounds import check_bounds
from service.problems import bad_field

EXAMPLE: dict[str, Any] = {
    "name": "first",
    "language": "eu",
    "backbone": "demo",
    "modes": [{"mode": "magpie", "exchanges": {"min": 1, "max": 3}, "steering": {"topics": 0.8}}],
    "target": {"conversations": 200, "max_drafts": 4000},
    "publish": {"licence": "cc-by-4.0", "title": "A first dataset"},
}


class SubmittedRecipe(Recipe):
    """A recipe as a server takes it: the backbone by its declared name, and no paths."""

    backbone: Name = Field(description="the name of a backbone that the server declares; `GET /readyz` lists them")

    @field_validator("backbone", mode="before")
    @classmethod
    def _by_name(cls, value: object) -> object:
        if not isinstance(value, str):
            raise ValueError("must be the name of a backbone that this server declares")  # noqa: TRY004 pydantic's way
        return value


def admit(submitted: SubmittedRecipe, settings: Settings, backbones: tuple[str, ...]) -> Recipe:
    """The recipe to build. Raises ProblemError, a 422 that names the field."""
    if submitted.backbone not in backbones:
        raise bad_field("backbone", f"there is no backbone {submitted.backbone!r}; {known_backbones(backbones)}")
    if submitted.output.directory is not None:
        raise bad_field("output.directory", "the server chooses where a build lies; leave this out")
    check_bounds(submitted, settings)
    _admit_embedder(submitted.filters.duplicates.semantic, settings)
    if objection := recipe_terms(submitted, declared_backbones(settings).get(submitted.backbone)).objection():
        raise bad_field(FIELD, objection)
    known = available_languages(settings.languages)
    if submitted.language not in known:
        what = f"there is no language pack for {submitted.language!r}; known: {', '.join(known)}"
        raise bad_field("language", what)
    try:
        load_packs(submitted, settings)
    except LanguageError as error:
        raise bad_field("language", str(error)) from error
    against = tuple(_on_hub(place, one) for place, one in enumerate(submitted.filters.duplicates.against))
    duplicates = submitted.filters.duplicates.model_copy(update={"against": against})
    filters = submitted.filters.model_copy(update={"duplicates": duplicates})
    admitted = {
        **submitted.model_dump(),
        "filters": filters.model_dump(),
        "modes": list(submitted.model_dump()["modes"]),
    }
    for path, dataset in named_datasets(submitted):
        put(admitted, (*path, "dataset"), _hub_name(".".join(map(str, (*path, "dataset"))), dataset.dataset))
    return Recipe.model_validate(admitted)


def _on_hub(place: int, reference: Reference) -> Reference:
    """The same dataset, named so that no folder of this machine can be meant. Raises ProblemError."""
    name = _hub_name(f"filters.duplicates.against.{place}.dataset", reference.dataset)
    return reference.model_copy(update={"dataset": name})


def _hub_name(field: str, dataset: str) -> str:
    name = dataset.removeprefix(HUB_DATASETS)
    if not is_repository(name):
        what = f"{name!r} is no dataset on the Hub, NAMESPACE/NAME; a server reads none of its own files for a recipe"
        raise bad_field(field, what)
    return f"{HUB_DATASETS}{name}"


def _admit_embedder(semantic: SemanticFilter | None, settings: Settings) -> None:
    if semantic is None:
        return
    field, declared = "filters.duplicates.semantic.embedder", declared_embedders(settings)
    if not isinstance(semantic.embedder, str):
        known = f"known: {', '.join(sorted(declared))}" if declared else "it declares none, see ITURRI_BACKBONES"
        raise bad_field(field, f"must be the name of an embedder that this server declares; {known}")
    if semantic.embedder not in declared:
        raise bad_field(field, no_embedder(semantic.embedder, declared))


def known_backbones(names: tuple[str, ...]) -> str:
    return f"known: {', '.join(names)}" if names else "this server declares none, see ITURRI_BACKBONES"
