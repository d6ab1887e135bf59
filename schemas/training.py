"""The training recipe: everything that decides what an adapted model will be."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from schemas.base import Frozen
from schemas.licences import Licence
from schemas.names import MOST, REPO, LanguageCode, Name

Method = Literal["full", "lora", "qlora"]
Precision = Literal["auto", "mixed", "bf16", "float32"]
LossOn = Literal["assistant", "all"]
TooLong = Literal["truncate", "drop"]

FEW_STEPS: Final = 20
"""A run of fewer teaches little, which is worth a warning."""


class StartingModel(Frozen):
    """The causal model that is trained, a folder or a repository of the Hub."""

    name: str = Field(min_length=1, description="a folder, or namespace/name on the Hub")
    revision: str | None = Field(default=None, description="branch, tag or commit; better a commit")
    chat_template: str | None = Field(
        default=None,
        description="what the result speaks, where not the model's own: a .jinja file, or a model that has one",
    )
    attention: str | None = Field(
        default=None,
        description="Transformers' attn_implementation; FlashAttention where it is installed and there is a GPU, else "
        "sdpa",
    )


class ConversationSource(Frozen):
    """Conversations of a publication: some of its configs, as often as `weight` says."""

    source: str = Field(min_length=1, description="a build, a publication's folder, or namespace/name on the Hub")
    revision: str | None = None
    split: str | None = Field(
        default=None,
        description="of another dataset, the one that is read, such as train_sft; train and validation when left out",
    )
    modes: tuple[str, ...] = Field(default=(), description="such as magpie; all of them when left out")
    languages: tuple[LanguageCode, ...] = Field(default=(), description="the recipe's when left out")
    weight: float = Field(
        default=1.0, gt=0, le=1000, description="how often each row is seen in an epoch; 0.5 draws half of the rows"
    )
    rows: int | None = Field(default=None, ge=1, le=MOST, description="at most so many, drawn by the seed")
    share: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="in data.held_out: only this share of the rows, by hash, where there is no validation split",
    )

    def overlaps(self, other: ConversationSource) -> bool:
        """Whether a row may be of both."""
        same = (self.source, self.revision, self.split) == (other.source, other.revision, other.split)
        modes = not self.modes or not other.modes or set(self.modes) & set(other.modes)
        languages = not self.languages or not other.languages or set(self.languages) & set(other.languages)
        return bool(same and modes and languages)


class CorpusSource(Frozen):
    """Documents, learnt as plain text."""

    source: str = Field(
        min_length=1,
        description="a .txt (documents between blank lines), .jsonl or .parquet file, a folder of them, or a dataset",
    )
    language: LanguageCode
    revision: str | None = None
    config: str | None = None
    split: str = "train"
    text_field: str = "text"
    weight: float = Field(default=1.0, gt=0, le=1000, description="how often each document is seen in an epoch")
    documents: int | None = Field(default=None, ge=1, le=MOST, description="at most so many, drawn by the seed")


class TrainingData(Frozen):
    """What is mixed; each of it is shuffled among the rest."""

    conversations: tuple[ConversationSource, ...] = ()
    corpus: tuple[CorpusSource, ...] = ()
    held_out_share: float = Field(
        default=0.02,
        ge=0,
        lt=1,
        description="of conversations without a validation split, and of documents: kept out by hash, for the loss",
    )
    held_out: tuple[ConversationSource, ...] = Field(
        default=(),
        description="only evaluated on, such as those of another language: their validation split, or all rows",
    )

    @model_validator(mode="after")
    def _some(self) -> TrainingData:
        if not self.conversations and not self.corpus:
            raise ValueError("there is nothing to train on: name conversations, a corpus, or both")
        return self

    @model_validator(mode="after")
    def _each_row_once(self) -> TrainingData:
        for (first, one), (second, other) in combinations(enumerate(self.conversations), 2):
            if one.overlaps(other):
                raise ValueError(
                    f"conversations.{second}: conversations.{first} has the same rows; to see them more often, set "
                    "weight"
                )
        return self

    @model_validator(mode="after")
    def _share_is_of_what_is_evaluated(self) -> TrainingData:
        for place, source in enumerate(self.conversations):
            if source.share is not None:
                raise ValueError(
                    f"conversations.{place}.share: only sources of data.held_out have one; to train on fewer rows, "
                    "set rows or weight"
                )
        return self


class Context(Frozen):
    """How long a sequence may be, and how conversations are laid side by side."""

    max_length: int = Field(
        default=8192, ge=16, le=MOST, description="tokens of a packed sequence, and of a conversation"
    )
    too_long: TooLong = Field(
        default="truncate", description="a longer conversation ends at its last exchange that fits, or is dropped"
    )
    packing: bool = True
    loss_on: LossOn = Field(
        default="assistant",
        description="`all` learns user turns too, for a model that will be sampled for both sides",
    )


class Lora(Frozen):
    """Low-rank adapters, for the methods lora and qlora."""

    rank: int = Field(default=64, ge=1, le=4096)
    alpha: float | None = Field(default=None, gt=0, description="over rank the adapter's scale; twice it when left out")
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: tuple[str, ...] = Field(default=("all-linear",), description="names of modules, or all-linear")
    merge: bool = Field(default=True, description="write the whole model too, with the adapter in its weights")

    @property
    def alpha_used(self) -> float:
        return self.alpha or 2.0 * self.rank

    def refuse_without(self, method: Method) -> None:
        """Raises ValueError where adapters are described and none are trained."""
        if method == "full" and self != Lora():
            raise ValueError("lora: method full trains no adapters; set method: lora, or leave this out")


Beta = Annotated[float, Field(ge=0, lt=1)]


class Muon(Frozen):
    """Orthogonalised momentum for the matrices, after Keller Jordan; the rest of the model is AdamW's."""

    learning_rate: float = Field(default=0.02, gt=0, lt=1)
    momentum: float = Field(default=0.95, ge=0, lt=1)


class Optimisation(Frozen):
    """How it learns. The defaults are those of Sainz et al. (EMNLP 2025), Appendix on training."""

    epochs: float = Field(default=4, gt=0, le=1000)
    max_steps: int | None = Field(default=None, ge=1, le=MOST, description="ends earlier than the epochs do")
    tokens_per_step: int = Field(
        default=2_097_152,
        ge=1,
        le=MOST,
        description="of all devices together; what does not fit at once is accumulated",
    )
    learning_rate: float = Field(default=1e-5, gt=0, lt=1)
    final_share: float = Field(default=1 / 3, ge=0, le=1, description="of the learning rate, at the end of the cosine")
    warmup: float = Field(default=0.1, ge=0, lt=1, description="share of the steps")
    weight_decay: float = Field(default=0.1, ge=0, lt=1)
    betas: tuple[Beta, Beta] = (0.9, 0.95)
    muon: Muon | None = Field(
        default=None, description="for a model that is trained from scratch, on one device; AdamW when left out"
    )
    clip: float = Field(default=1.0, gt=0, description="norm of the gradients")
    neftune: float = Field(default=5.0, ge=0, description="noise on the embeddings while training; 0 for none")
    seed: int = Field(default=33, ge=0, le=(1 << 32) - 1)


class Machine(Frozen):
    """What fits the machine; it changes speed and memory."""

    precision: Precision = Field(
        default="auto", description="mixed: bf16 arithmetic on float32 weights; auto: that on a GPU, float32 on a CPU"
    )
    gradient_checkpointing: bool = Field(default=False, description="less memory, about a quarter slower")
    liger: bool = Field(default=True, description="Liger's kernels, where they are installed and there is a GPU")
    sequences_per_pass: int = Field(default=1, ge=1, le=MOST, description="packed sequences on a device at once")


class Checkpoints(Frozen):
    """From which a killed run goes on."""

    every_steps: int = Field(default=50, ge=1, le=MOST)
    keep: int = Field(default=2, ge=1, le=1000)


def _repo_id(value: str) -> str:
    if not REPO.fullmatch(value):
        raise ValueError(f"{value!r} is no repository id of the form namespace/name")
    return value


class ModelPublish(Frozen):
    """What the model card says, and where the model goes."""

    repo: Annotated[str, AfterValidator(_repo_id)] | None = Field(
        default=None, description="a model on the Hub, namespace/name; made when missing"
    )
    private: bool = False
    licence: Licence | None = Field(default=None, description="the licence of the model, an identifier of the Hub")


class TrainingRecipe(Frozen):
    """One adapted model, wholly described."""

    name: Name
    model: StartingModel
    languages: tuple[LanguageCode, ...] = Field(
        min_length=1, description="of all that is trained on; a row of another language is refused"
    )
    data: TrainingData
    method: Method = "full"
    lora: Lora = Lora()
    context: Context = Context()
    optimisation: Optimisation = Optimisation()
    machine: Machine = Machine()
    evaluate_every_steps: int | None = Field(
        default=None, ge=1, le=MOST, description="held-out losses while it trains; at checkpoints when left out"
    )
    checkpoints: Checkpoints = Checkpoints()
    output: Path | None = Field(default=None, description="the run's directory; runs/NAME when left out")
    publish: ModelPublish = ModelPublish()

    @field_validator("model", mode="before", json_schema_input_type=str | StartingModel)
    @classmethod
    def _by_name(cls, value: object) -> object:
        """A model that is only a name may be written as one."""
        return {"name": value} if isinstance(value, str) else value

    @field_validator("languages")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if twice := next((one for place, one in enumerate(value) if one in value[:place]), None):
            raise ValueError(f"{twice} is named twice")
        return value

    @model_validator(mode="after")
    def _muon_trains_all(self) -> TrainingRecipe:
        if self.optimisation.muon is not None and self.method != "full":
            raise ValueError(f"optimisation.muon: method {self.method} trains adapters, which AdamW does; leave it out")
        return self

    @model_validator(mode="after")
    def _adapters_are_asked_for(self) -> TrainingRecipe:
        self.lora.refuse_without(self.method)
        return self

    @model_validator(mode="after")
    def _languages_are_named(self) -> TrainingRecipe:
        for place, corpus in enumerate(self.data.corpus):
            if corpus.language not in self.languages:
                raise ValueError(
                    f"data.corpus.{place}.language: {corpus.language} is none of the recipe's languages; add it there"
                )
        for place, source in enumerate(self.data.conversations):
            strange = [language for language in source.languages if language not in self.languages]
            if strange:
                raise ValueError(
                    f"data.conversations.{place}.languages: {strange[0]} is none of the recipe's languages;"
                    " add it there"
                )
        return self
