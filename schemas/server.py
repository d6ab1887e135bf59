"""What a server says of itself and of whoever asks: what it offers, whether it works, who one is to it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from schemas.base import Frozen
from schemas.keys import Limits, Scope, Usage


class Ready(Frozen):
    """Database, worker, storage and all declared backbones work."""

    status: str = "ready"
    backbones: tuple[str, ...]


class Me(Frozen):
    """The caller."""

    name: str = Field(description="of the key; `local` without one")
    scopes: tuple[Scope, ...]
    namespaces: tuple[str, ...] = Field(description="on the Hub that it may publish to; `*` is any of them")
    limits: Limits
    usage: Usage
    open: bool = Field(description="whether this server asks for no key")


class ListedRecipe(Frozen):
    """A recipe to start from."""

    name: str
    title: str
    description: str | None
    recipe: dict[str, Any] = Field(description="as it can be posted here: with a backbone that this server declares")
    problem: str | None = Field(default=None, description="why this server would not take it as it stands")


class Recipes(Frozen):
    """Recipes to start from."""

    items: tuple[ListedRecipe, ...]


class ListedLanguage(Frozen):
    """A language that recipes can be in."""

    code: str
    name: str = Field(description="in English", examples=["Basque"])
    autonym: str | None = Field(description="in the language itself", examples=["euskara"])
    complete: bool = Field(description="whether its pack lacks nothing; one that does still serves some modes")


class Languages(Frozen):
    """The language packs of this server."""

    items: tuple[ListedLanguage, ...]


class ListedBackbone(Frozen):
    """A model that this server samples."""

    name: str
    ready: bool
    problem: str | None = Field(description="why it cannot be used now")
    tokens_per_second: float | None = Field(description="as builds have measured it lately; null before any has")


class ListedBackbones(Frozen):
    """The declared backbones of this server."""

    items: tuple[ListedBackbone, ...]
