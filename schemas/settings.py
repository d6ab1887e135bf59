"""What belongs to a machine: read from the environment, `ITURRI_*`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, SecretStr, TypeAdapter, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.backbones import BackboneSpec, EmbedderSpec, OpenAIBackbone, ScriptedBackbone, VllmBackbone
from schemas.errors import RecipeError, SettingsError
from schemas.filters import Filters
from schemas.names import MOST, Name
from schemas.problems import first_problem
from schemas.yaml_text import parse_yaml

_KEY_CHARACTERS = 16


class Settings(BaseSettings):
    """The settings of this machine. A recipe never repeats them."""

    model_config = SettingsConfigDict(env_prefix="ITURRI_", env_ignore_empty=True, frozen=True, extra="forbid")

    backbones: Path | None = Field(default=None, description="YAML file that declares named backbones and embedders")
    builds: Path = Field(default=Path("builds"), description="where build directories lie")
    publications: Path = Field(default=Path("publications"), description="where local publications go")
    data: Path = Field(default=Path(".iturri"), description="the service's own data, the embedded PostgreSQL among it")
    languages: Path | None = Field(default=None, description="a folder with language packs of your own")
    recipes: Path | None = Field(
        default=None, description="a folder of recipes that a server offers to start from; `recipes` where there is one"
    )
    database_url: SecretStr | None = Field(default=None, description="PostgreSQL; the embedded one when not set")
    api_key: SecretStr | None = Field(
        default=None, description="one more API key, with all scopes and no limits, beside those of `iturri keys`"
    )
    max_conversations: int | None = Field(
        default=None, ge=1, le=MOST, description="the most that a recipe over HTTP may have as its target; None: no cap"
    )
    jobs_at_once: int = Field(default=2, ge=1, le=64, description="jobs that one server runs at the same time")
    workers: int = Field(
        default=0, ge=0, le=1024, description="processes for heavy filters; 0: one less than the cores, at most 8"
    )
    duplicates_memory_mb: int = Field(
        default=4096, ge=1, description="of memory for the duplicate filter of one run; more of it goes to a file"
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = Field(
        default="text", description="`json`: one object a line, with the ids of job and request"
    )

    @field_validator("api_key")
    @classmethod
    def _hard_to_guess(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < _KEY_CHARACTERS:
            raise ValueError(f"a key of fewer than {_KEY_CHARACTERS} characters can be guessed; `openssl rand -hex 24`")
        return key


def read_settings() -> Settings:
    """Settings from the environment; raises SettingsError that names the variable."""
    try:
        return Settings()
    except ValidationError as error:
        where, what = first_problem(error)
        raise SettingsError(f"ITURRI_{where.upper()}: {what}") from error


Declared = Annotated[VllmBackbone | OpenAIBackbone | ScriptedBackbone | EmbedderSpec, Field(discriminator="kind")]


@cache
def _specs() -> TypeAdapter[dict[str, Declared]]:
    return TypeAdapter(dict[Name, Declared])


def declared_backbones(settings: Settings) -> dict[str, BackboneSpec]:
    """The backbones that ITURRI_BACKBONES declares, by name; none when it is not set.

    A model that is a folder is looked for beside the file. Raises SettingsError.
    """
    return {name: spec for name, spec in _declared(settings).items() if not isinstance(spec, EmbedderSpec)}


def declared_embedders(settings: Settings) -> dict[str, EmbedderSpec]:
    """The embedders that the same file declares, by name. Raises SettingsError."""
    return {name: spec for name, spec in _declared(settings).items() if isinstance(spec, EmbedderSpec)}


def with_embedder(filters: Filters, settings: Settings) -> Filters:
    """The filters with the embedder itself where they have its declared name. Raises RecipeError, SettingsError."""
    duplicates = filters.duplicates
    if duplicates.semantic is None or not isinstance(duplicates.semantic.embedder, str):
        return filters
    name, declared = duplicates.semantic.embedder, declared_embedders(settings)
    if name not in declared:
        raise RecipeError(f"filters.duplicates.semantic.embedder: {no_embedder(name, declared)}")
    semantic = duplicates.semantic.model_copy(update={"embedder": declared[name]})
    return filters.model_copy(update={"duplicates": duplicates.model_copy(update={"semantic": semantic})})


def no_embedder(name: str, declared: Iterable[str]) -> str:
    """What to say of a name that is not among the declared ones, and what to do."""
    known = ", ".join(sorted(declared))
    return (
        f"there is no embedder named {name!r} ({f'known: {known}' if known else 'none is declared'}); declare it, "
        "with `kind: embeddings`, in the file that ITURRI_BACKBONES names"
    )


def _declared(settings: Settings) -> dict[str, Declared]:
    path = settings.backbones
    if path is None:
        return {}
    try:
        specs = _specs().validate_python(parse_yaml(path.read_text(encoding="utf-8"), path.name))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"ITURRI_BACKBONES: {path} cannot be read: {error}") from error
    except ValidationError as error:
        where, what = first_problem(error)
        raise SettingsError(f"ITURRI_BACKBONES: {path}: {where or 'the file'}: {what}") from error
    return {name: _beside(spec, path.parent) for name, spec in specs.items()}


def _beside(spec: Declared, folder: Path) -> Declared:
    if isinstance(spec, VllmBackbone) and (folder / spec.model).is_dir():
        return spec.model_copy(update={"model": str((folder / spec.model).resolve())})
    return spec
