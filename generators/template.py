"""Chat templates: the prompt ids and stop ids, derived from the tokenizer's own template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from schemas.conversation import Message


class ChatTemplate(Protocol):
    """What a mode needs to know of a tokenizer."""

    @property
    def hash(self) -> str:
        """sha256 of the template's text, as rows record it."""

    @property
    def stop_token_ids(self) -> tuple[int, ...]:
        """Every token that ends a turn."""

    @property
    def stop_texts(self) -> tuple[str, ...]:
        """What ends a user turn where the template writes no token after it; none for most templates."""

    @property
    def has_system_role(self) -> bool: ...

    def user_prefix(self, messages: Sequence[Message], opener: str | None = None) -> list[int]:
        """The ids up to where the next user turn's text starts, then the opener's."""

    def reply_prefix(self, messages: Sequence[Message]) -> list[int]:
        """The ids up to where the next reply's text starts."""
