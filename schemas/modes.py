"""The modes of a recipe: how its conversations are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.base import Frozen
from schemas.names import LanguageCode
from schemas.sampling import Sampling

Category = Literal["general", "math", "code"]
Share = Annotated[float, Field(ge=0, le=1)]

_USER = Sampling(temperature=1.0, max_tokens=256)
_REPLY = Sampling(temperature=0.6, top_p=0.9, max_tokens=1024)


class DatasetPlace(Frozen):
    """Where a dataset lies."""

    dataset: str = Field(min_length=1, description="a Parquet or JSONL file, a glob, a folder, or a name on the Hub")
    config: str | None = None
    split: str | None = Field(default=None, description="None: all of them")
    revision: str | None = Field(default=None, description="of the Hub: a branch, a tag or a commit")


class SourceDataset(DatasetPlace):
    """A dataset that drafts are made from: each of its rows is used once, in their order."""

    licence: str | None = Field(default=None, description="of the texts, for rows and card")
    id_column: str | None = Field(default=None, description="what rows are cited by; their number when left out")


class Corpus(SourceDataset):
    """Documents of the language, one a row; plain text files too, one document a file or a paragraph each."""

    text_column: str = "text"
    title_column: str | None = Field(default=None, description="`title` where there is such a column")
    min_chars: int = Field(default=200, ge=1, description="of a passage; shorter documents are passed over")
    max_chars: int = Field(default=4000, ge=100, description="of a passage; longer documents are cut into several")

    @model_validator(mode="after")
    def _ordered(self) -> Corpus:
        if self.min_chars > self.max_chars:
            raise ValueError(f"min_chars ({self.min_chars}) is above max_chars ({self.max_chars})")
        return self


class GivenConversations(SourceDataset):
    """Conversations in another language: a column of messages, or one of instructions and one of replies."""

    column: str | None = Field(default=None, description="messages or conversations when left out")
    instruction_column: str | None = None
    reply_column: str | None = None

    @model_validator(mode="after")
    def _both(self) -> GivenConversations:
        if (self.instruction_column is None) != (self.reply_column is None):
            raise ValueError("instruction_column and reply_column go together; give both, or column alone")
        if self.column is not None and self.instruction_column is not None:
            raise ValueError("column, or instruction_column and reply_column: not both")
        return self


class GivenPrompts(SourceDataset):
    """User prompts that people wrote, one a row; plain text files too, one a line."""

    column: str = "prompt"


class SteeringSpec(Frozen):
    """How user turns are steered towards the language; the texts are the language pack's."""

    system_prompt: bool = Field(default=True, description="a system prompt in the language, seen only by user turns")
    topics: Share = Field(default=1.0, description="the share of drafts whose system prompt names a topic")
    topics_from: Corpus | None = Field(
        default=None, description="documents whose titles, else first words, are the topics; None: those of the pack"
    )
    examples: int = Field(default=0, ge=0, le=16, description="example user turns shown in the system prompt")
    openers: Share = Field(default=0.0, description="the share of drafts whose first turn gets an opener")
    reply_system_prompt: bool = Field(
        default=False, description="a system prompt of the pack while replies are sampled"
    )


class Exchanges(Frozen):
    """How many exchanges a conversation has, drawn evenly from min to max."""

    min: int = Field(default=1, ge=1, le=32)
    max: int = Field(default=2, ge=1, le=32)

    @model_validator(mode="after")
    def _ordered(self) -> Exchanges:
        if self.min > self.max:
            raise ValueError(f"min ({self.min}) is above max ({self.max})")
        return self


class _Mode(Frozen):
    @model_validator(mode="before")
    @classmethod
    def _completed(cls, given: object) -> object:
        """What is not said of a sampling is as the mode has it, not as Sampling has it."""
        if not isinstance(given, dict):
            return given
        defaults = {name: field.default for name, field in cls.model_fields.items()}
        merged = {
            name: {**defaults[name].model_dump(), **value}
            for name, value in given.items()
            if isinstance(value, dict) and isinstance(defaults.get(name), Sampling)
        }
        return {**given, **merged}

    weight: float = Field(default=1.0, gt=0, description="its share of the drafts, beside the other modes' weights")


class MagpieMode(_Mode):
    """Both sides of the conversation are sampled from the backbone, after Magpie (arXiv 2406.08464)."""

    mode: Literal["magpie"] = "magpie"
    language: LanguageCode | None = Field(default=None, description="the recipe's when left out")
    categories: Mapping[Category, Annotated[float, Field(gt=0)]] = Field(
        default={"general": 1.0}, min_length=1, description="what is asked for, and how often"
    )
    exchanges: Exchanges = Exchanges()
    steering: SteeringSpec = SteeringSpec()
    user_sampling: Sampling = _USER
    reply_sampling: Sampling = _REPLY


class TranslationMode(_Mode):
    """Conversations of another language, translated turn by turn with what was translated before in sight."""

    mode: Literal["translation"]
    source: GivenConversations | None = Field(
        default=None, description="None: what this build accepts of mode magpie in the source language"
    )
    source_language: LanguageCode = "en"
    translation_sampling: Sampling = Sampling(temperature=0.3, top_p=0.9, frequency_penalty=0.15, max_tokens=2048)
    rewrite: bool = Field(default=False, description="translated turns are rewritten to read as if they were native")
    rewriting_sampling: Sampling = Sampling(temperature=0.6, top_p=0.9, max_tokens=2048)


class ReverseMode(_Mode):
    """Passages of a corpus become replies; the backbone writes the instruction (after MURI, arXiv 2409.12958)."""

    mode: Literal["reverse"]
    corpus: Corpus
    user_sampling: Sampling = Sampling(temperature=0.8, top_p=0.95, max_tokens=256)


class GroundedMode(_Mode):
    """A conversation about a passage of a corpus, which is shown while it is sampled."""

    mode: Literal["grounded"]
    corpus: Corpus
    exchanges: Exchanges = Exchanges()
    show_passage: bool = Field(default=True, description="the passage is published too, as the system message")
    user_sampling: Sampling = _USER
    reply_sampling: Sampling = Sampling(temperature=0.3, top_p=0.9, max_tokens=1024)


class CrossLingualMode(_Mode):
    """User turns in one language, replies in the recipe's."""

    mode: Literal["cross_lingual"]
    instruction_language: LanguageCode = "en"
    exchanges: Exchanges = Exchanges()
    steering: SteeringSpec = Field(default=SteeringSpec(), description="in the instruction language")
    user_sampling: Sampling = _USER
    reply_sampling: Sampling = _REPLY

    @model_validator(mode="after")
    def _own_reply_prompts(self) -> CrossLingualMode:
        if self.steering.reply_system_prompt:
            raise ValueError("steering.reply_system_prompt: replies have cross_lingual_prompts anyway; leave it out")
        return self


class PromptsMode(_Mode):
    """First user turns that are given; the replies, and user turns after the first, are sampled."""

    mode: Literal["prompts"]
    prompts: GivenPrompts
    exchanges: Exchanges = Exchanges(min=1, max=1)
    steering: SteeringSpec = Field(default=SteeringSpec(), description="of user turns after the first; without topics")
    user_sampling: Sampling = _USER
    reply_sampling: Sampling = _REPLY

    @model_validator(mode="after")
    def _given_first(self) -> PromptsMode:
        if self.steering.openers:
            raise ValueError("steering.openers: the first user turn is given; leave it out")
        if self.steering.topics_from is not None:
            raise ValueError("steering.topics_from: a given prompt has a topic; leave it out")
        return self


ModeSpec = Annotated[
    MagpieMode | TranslationMode | ReverseMode | GroundedMode | CrossLingualMode | PromptsMode,
    Field(discriminator="mode"),
]


def language_of(spec: ModeSpec, language: LanguageCode) -> LanguageCode:
    """The language of a mode's conversations in a recipe of `language`."""
    return (spec.language if isinstance(spec, MagpieMode) else None) or language


def topics_from(spec: ModeSpec) -> Corpus | None:
    """The corpus that a mode's topics come from; None where they are the language pack's, or there are none."""
    return spec.steering.topics_from if isinstance(spec, MagpieMode | CrossLingualMode) else None
