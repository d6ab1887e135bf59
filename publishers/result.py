"""What came of publishing."""

from __future__ import annotations

from pydantic import Field

from schemas.base import Frozen


class PublicationResult(Frozen):
    """A finished publication: everything of the manifest is at the target."""

    target: str = Field(description="the folder, or the address of the repository")
    files: int = Field(description="files of the publication")
    uploaded: int = Field(description="files that this call put there")
    skipped: int = Field(description="files that were there already")
    bytes: int = Field(description="the size of the files that this call put there")
    tag: str | None = Field(default=None, description="on the Hub: the release that the commit is")
    revision: str | None = Field(default=None, description="on the Hub: the commit that holds the publication")
