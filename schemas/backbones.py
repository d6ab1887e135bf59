"""Backbones and embedders, as recipes and the file of declared ones describe them."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Discriminator, Field, Tag

from schemas.base import Frozen
from schemas.names import NAME
from schemas.problems import CHOICES


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
