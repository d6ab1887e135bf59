"""What a model is called where others read it: on cards, in reports and tables."""

from __future__ import annotations

from pathlib import Path

from training.run_directory import ADAPTER, MODEL


def shown_name(model: str) -> str:
    """Its name on the Hub; of a folder the last part, and of a run's result its run, for a path is of one machine."""
    path = Path(model)
    if not path.is_dir():
        return model
    path = path.resolve()
    return path.parent.name if path.name in (MODEL, ADAPTER) else path.name
