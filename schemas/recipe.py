"""The recipe: everything that decides what a dataset will be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from schemas.base import Frozen
from schemas.problems import CHOICES

LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$", examples=["eu"])]
# What SQLite, PostgreSQL and JSON readers all hold exactly, and a dataset never needs.
MOST = (1 << 53) - 1
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$", examples=["demo"])]


class Sampling(Frozen):
    """How one role is sampled. Names and meanings are vLLM's."""

    temperature: float = Field(default=1.0, ge=0, le=5)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=1, description="None: off")
    min_p: float = Field(default=0.0, ge=0, le=1)
    repetition_penalty: float = Field(default=1.0, gt=0, le=5)
    presence_penalty: float = Field(default=0.0, ge=-2, le=2)
    frequency_penalty: float = Field(default=0.0, ge=-2, le=2)
    max_tokens: int = Field(default=1024, ge=1, le=MOST)
    ignore_eos: bool = Field(default=False, description="sample exactly max_tokens; for benchmarks")


class VllmBackbone(Frozen):
    """vLLM in this process. `engine_args` go to vLLM's AsyncEngineArgs untouched."""

    kind: Literal["vllm"] = "vllm"
    model: str = Field(min_length=1, description="a folder, or a name on the Hub")
    revision: str | None = None
    licence: str | None = Field(default=None, description="the licence of the weights, for the dataset card")
    engine_args: dict[str, Any] = Field(default_factory=dict)


def _http(endpoints: tuple[str, ...]) -> tuple[str, ...]:
    for endpoint in endpoints:
        try:
            parts = urlsplit(endpoint)
            good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:  # a port beyond 65535, or half an IPv6 address
            good = False
        if not good:
            raise ValueError(f"{endpoint!r} is no http(s) address, such as http://127.0.0.1:8000/v1")
    return tuple(endpoint.rstrip("/") for endpoint in endpoints)


Endpoints = Annotated[
    tuple[str, ...], Field(min_length=1, description="base URLs that end in /v1"), AfterValidator(_http)
]


class OpenAIBackbone(Frozen):
    """One or many OpenAI-compatible servers, sampled through `/v1/completions`."""

    kind: Literal["openai"]
    model: str = Field(min_length=1, description="the name under which the servers know the model")
    endpoints: Endpoints
    tokenizer: str | None = Field(
        default=None, description="where the chat template is; the model's name when left out"
    )
    revision: str | None = None
    licence: str | None = None
    api_key_env: str | None = Field(default=None, description="the environment variable that holds the servers' key")
    timeout_s: float = Field(default=600, gt=0, description="the most one completion may take")
    concurrency: int | None = Field(
        default=None, ge=1, description="requests in flight at each endpoint; found by itself when left out"
    )
    retries: int = Field(default=5, ge=0)


class ScriptedBackbone(Frozen):
    """Replies written beforehand: for unit tests and dry runs. It samples nothing."""

    kind: Literal["scripted"]
    user_turns: tuple[str, ...] = Field(min_length=1)
    replies: tuple[str, ...] = Field(min_length=1)
    delay_s: float = Field(default=0.0, ge=0)


BackboneSpec = Annotated[VllmBackbone | OpenAIBackbone | ScriptedBackbone, Field(discriminator="kind")]


class EmbedderSpec(Frozen):
    """One or many OpenAI-compatible servers that embed texts, through `/v1/embeddings`."""

    kind: Literal["embeddings"] = "embeddings"
    model: str = Field(min_length=1, description="the name under which the servers know the model")
    endpoints: Endpoints
    dimensions: int | None = Field(
        default=None, ge=1, le=65_536, description="asked of models that can shorten their vectors; None: the model's"
    )
    api_key_env: str | None = Field(default=None, description="the environment variable that holds the servers' key")
    timeout_s: float = Field(default=60, gt=0, description="the most one request may take")
    retries: int = Field(default=5, ge=0)


def _declared_name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError(f"{value!r} is not a declared name; give the backbone whole: {{kind: vllm, model: {value}}}")
    return value


def _declared_embedder(value: str) -> str:
    if not NAME.fullmatch(value):
        whole = f"{{model: {value}, endpoints: [http://127.0.0.1:8000/v1]}}"
        raise ValueError(f"{value!r} is not a declared name; give the embedder whole: {whole}")
    return value


def _named_or_whole(value: object) -> str:
    return CHOICES[0] if isinstance(value, str) else CHOICES[1]


BackboneChoice = Annotated[
    Annotated[str, AfterValidator(_declared_name), Tag(CHOICES[0])] | Annotated[BackboneSpec, Tag(CHOICES[1])],
    Discriminator(_named_or_whole),
]
EmbedderChoice = Annotated[
    Annotated[str, AfterValidator(_declared_embedder), Tag(CHOICES[0])] | Annotated[EmbedderSpec, Tag(CHOICES[1])],
    Discriminator(_named_or_whole),
]


class SteeringSpec(Frozen):
    """How user turns are steered towards the language; the texts are the language pack's."""

    system_prompt: bool = Field(default=True, description="a system prompt in the language, seen only by user turns")
    topics: float = Field(default=1.0, ge=0, le=1, description="the share of drafts whose system prompt names a topic")
    examples: int = Field(default=0, ge=0, le=16, description="example user turns shown in the system prompt")
    openers: float = Field(default=0.0, ge=0, le=1, description="the share of drafts whose first turn gets an opener")
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


class MagpieMode(Frozen):
    """Both sides of the conversation are sampled from the backbone, after Magpie (arXiv 2406.08464)."""

    mode: Literal["magpie"] = "magpie"
    weight: float = Field(default=1.0, gt=0)
    exchanges: Exchanges = Exchanges()
    steering: SteeringSpec = SteeringSpec()
    user_sampling: Sampling = Sampling(temperature=1.0, max_tokens=256)
    reply_sampling: Sampling = Sampling(temperature=0.6, top_p=0.9, max_tokens=1024)


ModeSpec = MagpieMode


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


class Reference(Frozen):
    """A dataset that is there already, which no row may repeat."""

    dataset: str = Field(min_length=1, description="a Parquet or JSONL file, a glob, a folder, or a name on the Hub")
    config: str | None = None
    split: str | None = Field(default=None, description="None: all of them")
    revision: str | None = Field(default=None, description="of the Hub: a branch, a tag or a commit")
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


class Filters(Frozen):
    """The filters of a build. Cheap ones run first; each says what it drops."""

    dry: bool = Field(default=False, description="judge and count, but drop nothing; for benchmarks")
    shape: ShapeFilter = ShapeFilter()
    repetition: RepetitionFilter = RepetitionFilter()
    language: LanguageFilter = LanguageFilter()
    duplicates: DuplicateFilter = DuplicateFilter()


class Target(Frozen):
    """When a build is done."""

    conversations: int = Field(ge=1, le=MOST)
    max_drafts: int | None = Field(default=None, ge=1, le=MOST, description="give up after so many drafts")
    min_acceptance: float = Field(default=0.001, ge=0, le=1, description="give up below this share, after 1,000 drafts")


class Output(Frozen):
    """Where the build lies and how its shards are cut."""

    directory: Path | None = Field(default=None, description="the build directory; builds/NAME when left out")
    shard_rows: int = Field(default=10_000, ge=1, le=MOST)
    validation_share: float = Field(
        default=0.0, ge=0, lt=1, description="by hash of the row's id, so stable under growth"
    )
    dropped_samples: int = Field(
        default=50, ge=0, le=MOST, description="dropped drafts kept per reason, for people to read"
    )


def _repo_id(value: str) -> str:
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", value, re.ASCII):
        raise ValueError(f"{value!r} is no repository id of the form namespace/name")
    return value


RepoId = Annotated[str, AfterValidator(_repo_id)]


class Publish(Frozen):
    """What the dataset card says, and where the publication goes."""

    repo: RepoId | None = None
    private: bool = False
    licence: str | None = Field(default=None, description="the licence of the dataset, an identifier of the Hub")
    title: str | None = None
    description: str | None = None


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

    @field_validator("modes")
    @classmethod
    def _each_once(cls, modes: tuple[ModeSpec, ...]) -> tuple[ModeSpec, ...]:
        names = [mode.mode for mode in modes]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"the mode {name} is there twice; give it once, with its weight")
        return modes
