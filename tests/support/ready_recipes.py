"""The recipes of datasets in recipes/, and those of models, which lie there too."""

from __future__ import annotations

from pathlib import Path

import yaml

_FOLDER = Path(__file__).parents[2] / "recipes"


def dataset_recipes() -> list[Path]:
    """Those that say how conversations are made."""
    return _with("modes")


def training_recipes() -> list[Path]:
    """Those of one model."""
    return _with("model")


def training_grids() -> list[Path]:
    """Those of many models."""
    return _with("backbones")


def _with(field: str) -> list[Path]:
    return [
        path for path in sorted(_FOLDER.glob("*.yaml")) if field in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]
