"""The recipe: everything that decides what a dataset will be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from schemas.backbones import BackboneChoice
from schemas.base import Frozen
from schemas.filters import Filters
from schemas.licences import OTHER, Licence, LicenceLink, LicenceName
from schemas.modes import CrossLingualMode, MagpieMode, ModeSpec, TranslationMode, language_of
from schemas.names import MOST, REPO, LanguageCode, Name


class Target(Frozen):
    """When a build is done."""

    conversations: int = Field(ge=1, le=MOST)
    drain: bool = Field(
        default=False,
        description="at the target, finish the drafts in flight and keep them too, instead of cutting off",
    )
    max_drafts: int | None = Field(default=None, ge=1, le=MOST, description="give up after so many sampled drafts")
    min_acceptance: float = Field(default=0.001, ge=0, le=1, description="give up below this share, after 1,000 drafts")


class Output(Frozen):
    """Where the build lies and how its shards are cut."""

    directory: Path | None = Field(default=None, description="the build directory; builds/NAME when left out")
    shard_rows: int = Field(default=10_000, ge=1, le=MOST)
    validation_share: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="by hash of the row's id, or of the document's that it is made from: stable under growth",
    )
    dropped_samples: int = Field(
        default=50, ge=0, le=MOST, description="dropped drafts kept per reason, for people to read"
    )


def _repo_id(value: str) -> str:
    if not REPO.fullmatch(value):
        raise ValueError(f"{value!r} is no repository id of the form namespace/name")
    return value


RepoId = Annotated[str, AfterValidator(_repo_id)]


class Publish(Frozen):
    """What the dataset card says, and where the publication goes, and when."""

    every_shards: int | None = Field(
        default=None, ge=1, le=MOST, description="publish to `repo` while the build runs, after so many further shards"
    )
    every_minutes: int | None = Field(
        default=None, ge=1, le=MOST, description="the same whenever so long has passed and there is a new shard"
    )
    repo: RepoId | None = Field(default=None, description="a dataset on the Hub, namespace/name; made when missing")
    private: bool = Field(default=False, description="whether a repository that is made is private")
    licence: Licence | None = Field(default=None, description="the licence of the dataset, an identifier of the Hub")
    licence_name: LicenceName | None = Field(
        default=None, validate_default=True, description="of licence `other`: an id for it, such as my-licence-1.0"
    )
    licence_link: LicenceLink | None = Field(
        default=None,
        validate_default=True,
        description="of licence `other`: an https address, or a file of the repository such as LICENSE",
    )
    title: str | None = Field(default=None, description="of the card; else the name and the language")
    description: str | None = Field(default=None, description="what the dataset is, at the head of the card")
    authors: tuple[str, ...] = Field(default=(), description="whom the card's citation names, `First Last` each")
    dropped: bool = Field(
        default=False, description="publish the sample of dropped drafts, `output.dropped_samples`, as a config too"
    )

    @property
    def along(self) -> bool:
        """Whether the build is published while it runs, and once more at its end."""
        return self.every_shards is not None or self.every_minutes is not None

    @field_validator("repo", "licence")
    @classmethod
    def _there_for_pushes(cls, value: str | None, info: ValidationInfo) -> str | None:
        """What is declared above it is validated before it, and defaults are validated too."""
        asked = next((name for name in ("every_shards", "every_minutes") if info.data.get(name) is not None), None)
        if value is None and asked is not None:
            what = {"repo": "the dataset on the Hub, namespace/name", "licence": "the dataset's, such as cc-by-4.0"}
            raise ValueError(f"publish.{asked} needs it: {what[str(info.field_name)]}")
        return value

    @field_validator("licence_name", "licence_link")
    @classmethod
    def _of_other(cls, value: str | None, info: ValidationInfo) -> str | None:
        if "licence" not in info.data:  # that one is wrong, and said to be
            return value
        licence = info.data["licence"]
        if value is None and licence == OTHER:
            raise ValueError("licence `other` is told by licence_name and licence_link; give both")
        if value is not None and licence != OTHER:
            raise ValueError(f"belongs to licence `other` alone, and the licence is {licence or 'not given'}")
        return value


class Recipe(Frozen):
    """One dataset, wholly described."""

    name: Name
    language: LanguageCode
    seed: int = Field(default=0, ge=0, le=MOST)
    backbone: BackboneChoice = Field(description="a declared name, or the backbone itself")
    modes: tuple[ModeSpec, ...] = Field(default=(MagpieMode(),), min_length=1)
    filters: Filters = Filters()
    target: Target
    output: Output = Output()
    publish: Publish = Publish()
    window: int | None = Field(
        default=None, ge=1, le=65_536, description="drafts in flight; the backbone's own when left out"
    )
    adaptive: bool = Field(
        default=True, description="move drafts towards the steering that yields most accepted, diverse conversations"
    )

    @model_validator(mode="after")
    def _modes_fit(self) -> Recipe:
        made = [(mode.mode, language_of(mode, self.language)) for mode in self.modes]
        for number, (mode, (name, language)) in enumerate(zip(self.modes, made, strict=True)):
            where = f"modes.{number}"
            if (name, language) in made[:number]:
                raise ValueError(
                    f"{where}: the mode {name} is there twice in {language}; give it once, with its weight"
                )
            if isinstance(mode, TranslationMode):
                if mode.source_language == self.language:
                    raise ValueError(f"{where}.source_language: {language} is the recipe's language; name another one")
                if mode.source is None:
                    self._check_feeder(mode, where)
            if isinstance(mode, CrossLingualMode) and mode.instruction_language == self.language:
                raise ValueError(f"{where}.instruction_language: {language} is the recipe's language; name another one")
        return self

    def _check_feeder(self, mode: TranslationMode, where: str) -> None:
        """Where a mode translates what this build makes, that must be made, and there is no more than is made."""
        asked = mode.source_language
        magpies = (one for one in self.modes if isinstance(one, MagpieMode))
        feeder = next((one for one in magpies if language_of(one, self.language) == asked), None)
        if feeder is None:
            raise ValueError(
                f"{where}.source: name a dataset, or add {{mode: magpie, language: {asked}}}, whose conversations are "
                "translated then"
            )
        if mode.weight > feeder.weight:
            raise ValueError(
                f"{where}.weight: what magpie makes is translated once, so {mode.weight:g} is more than there will"
                f" be; {feeder.weight:g}, the weight of magpie, at most"
            )
