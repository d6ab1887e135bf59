"""Folders that are given for a model and hold none."""

from __future__ import annotations

from pathlib import Path


def why_no_model(folder: Path) -> str | None:
    """Why a folder holds no whole model; None where it may hold one."""
    if (folder / "config.json").is_file():
        return None
    if (folder / "model" / "config.json").is_file():
        return f"{folder} is the folder of a run; name its model, {folder / 'model'}"
    if (folder / "adapter_config.json").is_file():
        return f"{folder} holds an adapter, not a whole model; name the folder of the merged model, model/"
    return f"{folder} holds no model: there is no config.json"
