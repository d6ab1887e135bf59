"""The public face of Iturri: what users import, each name from the room that holds it.

    from iturri import build, build_directory, open_backbone, read_recipe, read_settings

Names are looked up when they are first used, so that `import iturri` is cheap.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from filters.filter import ClaimingFilter, Filter
    from generators.backbone import Backbone, Completion, SampleRequest
    from generators.mode import Mode, Step
    from generators.opening import open_backbone
    from generators.template import ChatTemplate
    from languages.loader import available_languages, load_pack
    from languages.pack import LanguagePack
    from pipeline.build import BuildResult, Outcome, Progress, build
    from pipeline.directory import build_directory
    from pipeline.filtering.files import DatasetInput
    from pipeline.filtering.run import FilterOutcome, FilterProgress, FilterResult, filter_dataset
    from pipeline.reader import BuildReader
    from publishers.hub import publish_to_hub
    from publishers.local import publish_to_folder
    from publishers.result import PublicationResult
    from publishers.url import publish_to_url
    from schemas.backbones import BackboneSpec
    from schemas.conversation import Conversation, Draft, Gate, Message, Turn
    from schemas.dry_run import DryRun
    from schemas.errors import (
        BackboneError,
        BuildDirectoryError,
        BuildError,
        ClientError,
        DatasetError,
        EmbedderError,
        EpochLostError,
        HubAuthError,
        HubBusyError,
        InputError,
        IturriError,
        LanguageError,
        LedgerError,
        ProcessDiedError,
        PublishError,
        RecipeError,
        ServiceError,
        SettingsError,
        StorageError,
        TemplateError,
        TrainingError,
    )
    from schemas.filter_report import FilterReport
    from schemas.filters import Filters
    from schemas.funnel import DroppedSample, Funnel, FunnelRow
    from schemas.job import Job, JobEvent, JobProgress, JobState
    from schemas.manifest import Manifest, Provenance, Shard
    from schemas.reading import read_recipe, read_training_recipe
    from schemas.recipe import Recipe
    from schemas.review import Review
    from schemas.settings import Settings, declared_backbones, read_settings
    from schemas.training import TrainingRecipe
    from schemas.training_report import TrainingReport
    from schemas.verdict import Drop, Keep, Verdict
    from service.client.client import Client
    from training.run import train

    __version__: str

_HOMES = {
    "filters.filter": ("ClaimingFilter", "Filter"),
    "generators.backbone": ("Backbone", "Completion", "SampleRequest"),
    "generators.mode": ("Mode", "Step"),
    "generators.opening": ("open_backbone",),
    "generators.template": ("ChatTemplate",),
    "languages.loader": ("available_languages", "load_pack"),
    "languages.pack": ("LanguagePack",),
    "pipeline.build": ("BuildResult", "Outcome", "Progress", "build"),
    "pipeline.filtering.files": ("DatasetInput",),
    "pipeline.filtering.run": ("FilterOutcome", "FilterProgress", "FilterResult", "filter_dataset"),
    "pipeline.directory": ("build_directory",),
    "pipeline.reader": ("BuildReader",),
    "publishers.hub": ("publish_to_hub",),
    "publishers.local": ("publish_to_folder",),
    "publishers.result": ("PublicationResult",),
    "publishers.url": ("publish_to_url",),
    "schemas.conversation": ("Conversation", "Draft", "Gate", "Message", "Turn"),
    "schemas.errors": (
        "BackboneError",
        "BuildDirectoryError",
        "BuildError",
        "ClientError",
        "DatasetError",
        "EmbedderError",
        "EpochLostError",
        "HubAuthError",
        "HubBusyError",
        "InputError",
        "IturriError",
        "LanguageError",
        "LedgerError",
        "ProcessDiedError",
        "PublishError",
        "RecipeError",
        "ServiceError",
        "SettingsError",
        "StorageError",
        "TemplateError",
        "TrainingError",
    ),
    "schemas.backbones": ("BackboneSpec",),
    "schemas.dry_run": ("DryRun",),
    "schemas.filter_report": ("FilterReport",),
    "schemas.filters": ("Filters",),
    "schemas.funnel": ("DroppedSample", "Funnel", "FunnelRow"),
    "schemas.job": ("Job", "JobEvent", "JobProgress", "JobState"),
    "schemas.manifest": ("Manifest", "Provenance", "Shard"),
    "schemas.reading": ("read_recipe", "read_training_recipe"),
    "schemas.recipe": ("Recipe",),
    "schemas.review": ("Review",),
    "schemas.settings": ("Settings", "declared_backbones", "read_settings"),
    "schemas.training": ("TrainingRecipe",),
    "schemas.training_report": ("TrainingReport",),
    "schemas.verdict": ("Drop", "Keep", "Verdict"),
    "service.client.client": ("Client",),
    "training.run": ("train",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Backbone",
    "BackboneError",
    "BackboneSpec",
    "BuildDirectoryError",
    "BuildError",
    "BuildReader",
    "BuildResult",
    "ChatTemplate",
    "ClaimingFilter",
    "Client",
    "ClientError",
    "Completion",
    "Conversation",
    "DatasetError",
    "DatasetInput",
    "Draft",
    "Drop",
    "DroppedSample",
    "DryRun",
    "EmbedderError",
    "EpochLostError",
    "Filter",
    "FilterOutcome",
    "FilterProgress",
    "FilterReport",
    "FilterResult",
    "Filters",
    "Funnel",
    "FunnelRow",
    "Gate",
    "HubAuthError",
    "HubBusyError",
    "InputError",
    "IturriError",
    "Job",
    "JobEvent",
    "JobProgress",
    "JobState",
    "Keep",
    "LanguageError",
    "LanguagePack",
    "LedgerError",
    "Manifest",
    "Message",
    "Mode",
    "Outcome",
    "ProcessDiedError",
    "Progress",
    "Provenance",
    "PublicationResult",
    "PublishError",
    "Recipe",
    "RecipeError",
    "Review",
    "SampleRequest",
    "ServiceError",
    "Settings",
    "SettingsError",
    "Shard",
    "Step",
    "StorageError",
    "TemplateError",
    "TrainingError",
    "TrainingRecipe",
    "TrainingReport",
    "Turn",
    "Verdict",
    "__version__",
    "available_languages",
    "build",
    "build_directory",
    "declared_backbones",
    "filter_dataset",
    "load_pack",
    "open_backbone",
    "publish_to_folder",
    "publish_to_hub",
    "publish_to_url",
    "read_recipe",
    "read_settings",
    "read_training_recipe",
    "train",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = _version("iturri")
    elif name in _HOME_OF:
        value = getattr(import_module(_HOME_OF[name]), name)
    else:
        raise AttributeError(f"module 'iturri' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
