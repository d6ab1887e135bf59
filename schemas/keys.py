"""API keys: who may do what on a server, and how much of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import Frozen
from schemas.names import MOST, Name

ANY_NAMESPACE = "*"
LOCAL = "local"
Namespace = Annotated[str, Field(pattern=r"^(\*|[A-Za-z0-9][A-Za-z0-9._-]{0,95})$", examples=["your-group"])]


class Scope(StrEnum):
    """What a key is for. `admin` includes all the others, and the jobs of other keys."""

    SUBMIT = "submit"
    READ = "read"
    PUBLISH = "publish"
    REVIEW = "review"
    ADMIN = "admin"


class Limits(Frozen):
    """How much a key may ask for; None is without limit. Days are of UTC."""

    unfinished_jobs: int | None = Field(default=None, ge=1, le=MOST, description="queued, paused and running ones")
    conversations_a_day: int | None = Field(default=None, ge=1, le=MOST, description="accepted ones")
    tokens_a_day: int | None = Field(default=None, ge=1, le=MOST, description="generated ones")
    requests_a_minute: int | None = Field(default=None, ge=1, le=MOST, description="of each server")


class Usage(Frozen):
    """What a key has used."""

    unfinished_jobs: int = Field(default=0, ge=0)
    conversations_today: int = Field(default=0, ge=0)
    tokens_today: int = Field(default=0, ge=0)


class Key(Frozen):
    """A key as it is shown: all but the secret, of which there is a digest only."""

    id: str
    name: Name
    scopes: tuple[Scope, ...] = Field(min_length=1)
    namespaces: tuple[Namespace, ...] = Field(
        default=(), description="on the Hub that it may publish to; `*` is any of them"
    )
    limits: Limits = Limits()
    created: datetime
    expires: datetime | None = None
    revoked: datetime | None = None
    last_used: datetime | None = None

    def opens(self, now: datetime) -> bool:
        """Whether it opens something: it is neither revoked nor expired."""
        return self.revoked is None and (self.expires is None or self.expires > now)


class Caller(Frozen):
    """Who makes a request. Without an id it is `local`: the server is open, or the key is that of its environment."""

    key_id: str | None = None
    name: str = LOCAL
    scopes: tuple[Scope, ...] = (Scope.ADMIN,)
    namespaces: tuple[str, ...] = (ANY_NAMESPACE,)
    limits: Limits = Limits()

    def has(self, scope: Scope) -> bool:
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def may_change(self, key_id: str | None) -> bool:
        """Whether a job of that key is this caller's to change."""
        return self.key_id == key_id or Scope.ADMIN in self.scopes

    def may_publish_to(self, repo: str) -> bool:
        """Whether the repository, NAMESPACE/NAME, lies in a namespace of this caller's."""
        return ANY_NAMESPACE in self.namespaces or repo.partition("/")[0] in self.namespaces
