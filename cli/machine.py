"""The settings of this machine as a command sees them, and what a user may call a build."""

from __future__ import annotations

from pathlib import Path

from schemas.backbones import BackboneSpec
from schemas.errors import RecipeError, SettingsError
from schemas.recipe import Recipe
from schemas.settings import Settings, declared_backbones, read_settings


def machine_settings(backbones: Path | None = None) -> Settings:
    """The settings from the environment; `--backbones` wins over ITURRI_BACKBONES. Raises SettingsError."""
    settings = read_settings()
    if backbones is None:
        return settings
    if not backbones.is_file():
        raise SettingsError(f"--backbones: {backbones}: no such file")
    return settings.model_copy(update={"backbones": backbones})


def resolved_backbone(recipe: Recipe, settings: Settings) -> BackboneSpec:
    """The recipe's own backbone, or the declared one of that name. Raises RecipeError, SettingsError."""
    if not isinstance(recipe.backbone, str):
        return recipe.backbone
    declared = declared_backbones(settings)
    if recipe.backbone in declared:
        return declared[recipe.backbone]
    known = f"known: {', '.join(sorted(declared))}" if declared else "none is declared"
    raise RecipeError(
        f"backbone: there is no backbone named {recipe.backbone!r} ({known}); declare it in the file that "
        "ITURRI_BACKBONES or --backbones names, or describe it in the recipe"
    )


def build_folder(build: str, settings: Settings) -> Path:
    """The folder of a build that the user gave by its path, or by its name among this machine's builds."""
    path = Path(build)
    by_name = settings.builds / build
    return by_name if not path.exists() and by_name.exists() else path
