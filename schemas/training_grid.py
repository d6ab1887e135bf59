"""The grid of training variants: backbones and data named once, settings shared by all.

The variants are those of Sainz et al. (EMNLP 2025), under the names of their repository, hitz-zentroa/latxa-instruct:
`exp_{backbone}_{corpus}{language}{other}`. Backbone 0 is a base model, 1 the same already trained on the corpus, 2 the
instructed one. The three digits say whether the corpus, the instructions in the language and those in the other
language, English there, are trained on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from schemas.base import Frozen
from schemas.licences import Licence
from schemas.names import MOST, LanguageCode, Name
from schemas.training import (
    Checkpoints,
    Context,
    ConversationSource,
    CorpusSource,
    Lora,
    Machine,
    Method,
    Optimisation,
    StartingModel,
)

BACKBONES = ("base", "corpus_trained", "instructed")  # by their digit
CellName = Annotated[str, Field(pattern=r"^exp_[012]_[01]{3}$", examples=["exp_2_101"])]
MergeMethod = Literal["task_arithmetic", "linear", "slerp"]


class CellParts(NamedTuple):
    """What the name of a cell says."""

    backbone: int
    corpus: bool
    language: bool
    other: bool

    @property
    def name(self) -> str:
        return f"exp_{self.backbone}_{self.corpus:d}{self.language:d}{self.other:d}"

    @property
    def trains(self) -> bool:
        return self.corpus or self.language or self.other


def parts_of(cell: str) -> CellParts:
    """The parts of a name such as exp_2_101."""
    corpus, language, other = (digit == "1" for digit in cell[6:])
    return CellParts(int(cell[4]), corpus, language, other)


ALL_CELLS = tuple(f"exp_{backbone}_{data:03b}" for backbone in range(3) for data in range(8))


def _named(value: object, field: str) -> object:
    """A model that is only a name may be written as one."""
    return {field: value} if isinstance(value, str) else value


class Backbones(Frozen):
    """The models that the variants start from; the cells of one that is left out are left out too."""

    base: StartingModel | None = Field(default=None, description="exp_0: pretrained only")
    corpus_trained: StartingModel | None = Field(default=None, description="exp_1: the base, trained on the corpus")
    instructed: StartingModel | None = Field(
        default=None, description="exp_2: its chat template is what all variants speak"
    )

    @field_validator(*BACKBONES, mode="before", json_schema_input_type=str | StartingModel | None)
    @classmethod
    def _by_name(cls, value: object) -> object:
        return _named(value, "name")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not any(self.by_digit()):
            raise ValueError(f"name at least one of {', '.join(BACKBONES)}")
        return self

    def by_digit(self) -> tuple[StartingModel | None, ...]:
        return self.base, self.corpus_trained, self.instructed


class ArmBase(Frozen):
    """A model that is merged: the result of a cell, by its name, or any other."""

    model: str = Field(
        min_length=1,
        description="a cell, such as exp_0_100 (exp_2_000 is the untouched backbone), a folder, or namespace/name on "
        "the Hub",
    )
    revision: str | None = None


class ArmModel(ArmBase):
    """A model that is merged, and how much of it."""

    weight: float = 1.0


class MergeArm(Frozen):
    """A baseline without training: a model made of others' weights.

    task_arithmetic: base + sum of weight x (model - base). linear: the mean of the models by weight. slerp: from the
    first model to the second along the arc between them, as far as the second's share of the weights says.
    """

    name: Name
    method: MergeMethod
    models: tuple[ArmModel, ...] = Field(min_length=1)
    base: ArmBase | None = Field(default=None, description="task_arithmetic: what the differences are taken from")

    @field_validator("base", mode="before", json_schema_input_type=str | ArmBase | None)
    @classmethod
    def _base_by_name(cls, value: object) -> object:
        return _named(value, "model")

    @field_validator(
        "models", mode="before", json_schema_input_type=Annotated[tuple[str | ArmModel, ...], Field(min_length=1)]
    )
    @classmethod
    def _models_by_name(cls, value: object) -> object:
        return [_named(one, "model") for one in value] if isinstance(value, list | tuple) else value

    @field_validator("name")
    @classmethod
    def _own_name(cls, value: str) -> str:
        if value.startswith(("exp_", "table.")) or value == "measured":
            raise ValueError(f"{value!r} could be taken for a cell or a file of the grid; choose another")
        return value

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.method == "task_arithmetic" and self.base is None:
            raise ValueError("base: task_arithmetic needs the model that the differences are taken from")
        if self.method != "task_arithmetic" and self.base is not None:
            raise ValueError(f"base: {self.method} has none; leave it out")
        if self.method == "slerp" and len(self.models) != 2:
            raise ValueError(f"models: slerp is between two models, not {len(self.models)}")
        if self.method == "linear" and len(self.models) < 2:
            raise ValueError("models: a mean of one model is that model; name two or more")
        for place, one in enumerate(self.models):
            if self.method != "task_arithmetic" and one.weight <= 0:
                raise ValueError(f"models.{place}.weight: {self.method} needs weights above 0")
        named = [(one.model, one.revision) for one in self.inputs()]
        if twice := next((one for one in named if named.count(one) > 1), None):
            raise ValueError(f"models: {twice[0]} is named twice")
        return self

    def inputs(self) -> tuple[ArmBase, ...]:
        """All that is merged, the base first."""
        return (self.base, *self.models) if self.base else self.models


class TrainingGrid(Frozen):
    """The variants of one language, as one file."""

    name: Name
    language: LanguageCode
    other_language: LanguageCode = Field(
        default="en", description="whose instructions act as replay: the one the backbone was instructed in"
    )
    backbones: Backbones
    corpus: tuple[CorpusSource, ...] = Field(default=(), description="in the language: the first digit")
    instructions: dict[LanguageCode, tuple[ConversationSource, ...]] = Field(
        default={}, description="by language: the second digit, and those of the other language: the third"
    )
    held_out_share: float = Field(
        default=0.02, ge=0, lt=1, description="of data without a validation split: kept out of training, for the loss"
    )
    held_out: tuple[ConversationSource, ...] = Field(
        default=(), description="only evaluated on, by every variant, beside all the instructions that it is not taught"
    )
    method: Method = "full"
    lora: Lora = Lora()
    context: Context = Context()
    optimisation: Optimisation = Optimisation()
    machine: Machine = Machine()
    evaluate_every_steps: int | None = Field(default=None, ge=1, le=MOST)
    checkpoints: Checkpoints = Checkpoints()
    licence: Licence | None = Field(default=None, description="of the results, for their cards")
    cells: Literal["all"] | tuple[CellName, ...] = Field(
        default="all", description="`all` that say something, and the untouched backbones; or their names"
    )
    arms: tuple[MergeArm, ...] = Field(default=(), description="baselines that are merged, not trained")
    output: Path | None = Field(default=None, description="a folder with a run's directory each; runs/NAME")

    @field_validator("cells", mode="wrap")
    @classmethod
    def _all_or_names(cls, value: Any, handler: Any) -> Any:
        """One message, not one for each of the two ways to write it."""
        if isinstance(value, str) and value != "all":
            raise ValueError(f"{value!r} is neither `all` nor a list of names such as exp_2_101")
        for one in value if isinstance(value, list | tuple) else ():
            if one not in ALL_CELLS:
                raise ValueError(f"{one!r} is no name of a variant; those are exp_0_000 to exp_2_111")
        return handler(value)

    @model_validator(mode="before")
    @classmethod
    def _say_the_language(cls, value: Any) -> Any:
        """What is listed under a language is taught in it: its configs of that language are read, no others."""
        if not isinstance(value, dict) or not isinstance(instructions := value.get("instructions"), dict):
            return value
        filled = {
            language: [
                {**one, "languages": [language]} if isinstance(one, dict) and not one.get("languages") else one
                for one in sources
            ]
            if isinstance(sources, list | tuple)
            else sources
            for language, sources in instructions.items()
        }
        return {**value, "instructions": filled}

    @model_validator(mode="after")
    def _adapters_are_asked_for(self) -> Self:
        self.lora.refuse_without(self.method)
        return self

    @model_validator(mode="after")
    def _languages(self) -> Self:
        known = (self.language, self.other_language)
        if self.language == self.other_language:
            raise ValueError(f"other_language: it is the language itself, {self.language}")
        for place, corpus in enumerate(self.corpus):
            if corpus.language != self.language:
                raise ValueError(f"corpus.{place}.language: {corpus.language} is not the grid's, {self.language}")
        for language, sources in self.instructions.items():
            if language not in known:
                raise ValueError(f"instructions.{language}: the grid's languages are {' and '.join(known)}")
            for place, source in enumerate(sources):
                if source.languages != (language,):
                    raise ValueError(
                        f"instructions.{language}.{place}.languages: what is listed under {language} is read in it; "
                        "leave this out"
                    )
                if source.share is not None:
                    raise ValueError(
                        f"instructions.{language}.{place}.share: only sources of held_out have one; to train on fewer "
                        "rows, set rows or weight"
                    )
        if not self.corpus and not any(self.instructions.values()):
            raise ValueError("there is nothing to train on: name a corpus, instructions, or both")
        return self

    @model_validator(mode="after")
    def _can_be_made(self) -> Self:
        if self.cells != "all":
            for place, cell in enumerate(self.cells):
                if cell in self.cells[:place]:
                    raise ValueError(f"cells.{place}: {cell} is named twice")
                if missing := self.missing(cell):
                    raise ValueError(f"cells.{place}: {cell} needs {missing}, which the grid does not name")
        names = [arm.name for arm in self.arms]
        for place, arm in enumerate(self.arms):
            if arm.name in names[:place]:
                raise ValueError(f"arms.{place}.name: {arm.name} is named twice")
            for one in arm.inputs():
                if one.model in ALL_CELLS and (missing := self.missing(one.model)):
                    raise ValueError(f"arms.{place}: {one.model} needs {missing}, which the grid does not name")
        return self

    def missing(self, cell: str) -> str | None:
        """The field that a cell needs and this grid leaves empty."""
        parts = parts_of(cell)
        if self.backbones.by_digit()[parts.backbone] is None:
            return f"backbones.{BACKBONES[parts.backbone]}"
        if parts.corpus and not self.corpus:
            return "corpus"
        if parts.language and not self.instructions.get(self.language):
            return f"instructions.{self.language}"
        if parts.other and not self.instructions.get(self.other_language):
            return f"instructions.{self.other_language}"
        return None
