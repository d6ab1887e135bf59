"""Names, codes and bounds that more than one of the nouns need."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

_CODE = r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$"
LanguageCode = Annotated[str, Field(pattern=_CODE, examples=["eu"])]
# What SQLite, PostgreSQL and JSON readers all hold exactly, and a dataset never needs.
MOST = (1 << 53) - 1
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$", examples=["demo"])]
# A repository of the Hub, with its namespace.
REPO = re.compile(r"(?!.*(--|\.\.|\.git$))(?=.{3,96}$)\w[\w.-]*/\w[\w.-]*", re.ASCII)
# What names a release: a tag of a repository on the Hub, by the rules of git.
TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
TAG_LENGTH = 100
Tag = Annotated[str, Field(pattern=f"^{TAG.pattern}$", max_length=TAG_LENGTH, examples=["v1.0"])]
# What a text that does not match is said to be.
IN_WORDS = {
    _CODE: "no language code, such as eu",
    f"^{NAME.pattern}$": "no name: lower-case letters, digits, ., _ and -, at most 64",
    f"^{TAG.pattern}$": "no tag: letters, digits, _ and -, with single dots between them",
}
