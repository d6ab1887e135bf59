"""The manifest: which sealed shards a build consists of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from schemas.base import Frozen
from schemas.funnel import Funnel


class Shard(Frozen):
    """One sealed Parquet file. `path` is relative to the build, and to the root of a publication."""

    path: str = Field(examples=["data/magpie-eu/train-00000.parquet"])
    config: str = Field(description="mode and language, such as `magpie-eu`")
    split: str
    rows: int = Field(ge=1)
    bytes: int = Field(ge=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Provenance(Frozen):
    """All that made the rows, for the card."""

    iturri_version: str
    recipe: dict[str, Any] = Field(description="the resolved recipe")
    fingerprint: str
    language_name: str
    language_names: dict[str, str] = Field(default={}, description="of all languages of the build, by code")
    backbone: str
    backbone_revision: str | None
    backbone_licence: str | None
    template_hash: str


class Manifest(Frozen):
    """What a build has sealed so far, and how it came about."""

    version: int = 1
    name: str
    language: str
    created: datetime
    updated: datetime
    complete: bool = Field(description="the target is reached and every accepted row is in a shard")
    provenance: Provenance
    funnel: Funnel
    shards: tuple[Shard, ...] = ()

    @property
    def rows(self) -> int:
        return sum(shard.rows for shard in self.shards)
