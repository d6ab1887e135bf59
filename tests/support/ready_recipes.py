"""The recipes of datasets in recipes/, where those of models lie too."""

from __future__ import annotations

from pathlib import Path

import yaml

_FOLDER = Path(__file__).parents[2] / "recipes"


def dataset_recipes() -> list[Path]:
    """Those that say how conversations are made."""
    return [
        path for path in sorted(_FOLDER.glob("*.yaml")) if "modes" in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]
