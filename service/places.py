"""Where on this machine the builds and publications of jobs lie."""

from __future__ import annotations

from pathlib import Path

from schemas.recipe import Recipe
from schemas.settings import Settings


def build_of(job_id: str, settings: Settings) -> Path:
    """The build directory of a job."""
    return settings.builds / job_id


def publication_of(job_id: str, recipe: Recipe, settings: Settings) -> Path:
    """The folder of a local publication: one for each build, as two builds of one recipe are two datasets."""
    return settings.publications / f"{recipe.name}-{job_id}"
