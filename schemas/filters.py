"""The filters of a recipe."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from schemas.backbones import EmbedderChoice
from schemas.base import Frozen
from schemas.modes import DatasetPlace


class ShapeFilter(Frozen):
    """Empty turns, turns cut off by max_tokens, user turns that end in ':', leftover role markers."""

    enabled: bool = True
    min_chars: int = Field(default=2, ge=1)
    max_chars: int = Field(default=32_000, ge=1)


class RepetitionFilter(Frozen):
    """Loops: one word too often, or word n-grams that repeat."""

    enabled: bool = True
    max_word_count: int = Field(
        default=100, ge=1, description="the most often one whitespace token may occur in a turn"
    )
    ngram: int = Field(default=4, ge=2)
    max_repeated_share: float = Field(default=0.3, ge=0, le=1, description="the share of n-grams that are repeats")


DetectorName = Literal["arbitrated", "langdetect", "py3langid", "both"]


class LanguageFilter(Frozen):
    """Every turn on its own must be in the language it is meant to be in."""

    enabled: bool = True
    detector: DetectorName = Field(
        default="arbitrated",
        description="arbitrated: py3langid, and langdetect where it is unsure; both: only what both agree on",
    )
    min_words: int = Field(default=6, ge=1, description="shorter turns are judged with the conversation, not alone")


class Reference(DatasetPlace):
    """A dataset that is there already, which no row may repeat."""

    kind: Literal["publication", "benchmark"] | None = Field(
        default=None, description="None: a publication where a column messages or conversations is there"
    )
    columns: tuple[str, ...] = Field(
        default=(), description="a benchmark's columns to read; all that hold text when left out"
    )

    @model_validator(mode="after")
    def _of_a_benchmark(self) -> Reference:
        if self.columns and self.kind == "publication":
            raise ValueError("columns are those of a benchmark; leave them out, or say kind: benchmark")
        return self


def _reference(value: object) -> object:
    return {"dataset": value} if isinstance(value, str) else value


ReferenceChoice = Annotated[Reference, BeforeValidator(_reference, json_schema_input_type=str | Reference)]


class SemanticFilter(Frozen):
    """First user turns that say the same in other words, by the cosine of their embeddings."""

    embedder: EmbedderChoice = Field(description="a declared name, or the servers themselves")
    threshold: float = Field(
        default=0.95, ge=0.1, le=1, description="cosine from which a turn is a duplicate; models differ in their scale"
    )


# In a turn of fewer words one word that is another makes another question.
SHORT_WORDS = 10


class DuplicateFilter(Frozen):
    """Exact and near duplicates of the first user turn, and exact ones of the whole conversation."""

    enabled: bool = Field(default=True, description="false: rows are compared with those of `against` only")
    ngram: int = Field(default=2, ge=1, le=16, description="words in a shingle")
    threshold: float = Field(
        default=0.65, ge=0.1, le=1, description="Jaccard similarity from which a turn is a near duplicate"
    )
    short_threshold: float = Field(
        default=0.8,
        ge=0.1,
        le=1,
        description=f"the same where one of the two has fewer than {SHORT_WORDS} words, if it is the higher one",
    )
    min_words: int = Field(default=5, ge=1, le=1000, description="turns with fewer words are compared exactly only")
    max_family_share: float | None = Field(
        default=None,
        ge=0.005,
        le=1,
        description="the most that one template family, rows that begin or end alike, may be of all rows; None: no cap",
    )
    against: tuple[ReferenceChoice, ...] = Field(
        default=(), description="earlier publications whose rows are repeats, and benchmarks that no turn may quote"
    )
    semantic: SemanticFilter | None = Field(default=None, description="None: off")


class WatchFilter(Frozen):
    """Turns are judged while they are sampled: loops, and plainly another language."""

    enabled: bool = True
    from_tokens: int = Field(default=32, ge=8, le=4096, description="tokens before the first look; each next at twice")


class TranslationFilter(Frozen):
    """Translated turns against what they were translated from."""

    enabled: bool = True
    min_ratio: float = Field(default=0.65, gt=0, description="least letters, as a share of the source's")
    max_ratio: float = Field(default=1.8, gt=0, description="most letters, as a share of the source's")
    max_leftover: float = Field(
        default=0.2, ge=0, le=1, description="the most of the source's word 4-grams that may stand there untranslated"
    )


class GroundingFilter(Frozen):
    """Replies about a passage must rest on it."""

    enabled: bool = True
    min_support: float = Field(
        default=0.5, ge=0, le=1, description="the least share of a reply's content words that the passage or user has"
    )


class Filters(Frozen):
    """The filters of a build. Cheap ones run first; each says what it drops."""

    dry: bool = Field(
        default=False,
        description="judge, but drop nothing except unfit materials; for benchmarks, and not for publishing",
    )
    watch: WatchFilter = WatchFilter()
    shape: ShapeFilter = ShapeFilter()
    repetition: RepetitionFilter = RepetitionFilter()
    language: LanguageFilter = LanguageFilter()
    duplicates: DuplicateFilter = DuplicateFilter()
    translation: TranslationFilter = TranslationFilter()
    grounding: GroundingFilter = GroundingFilter()
