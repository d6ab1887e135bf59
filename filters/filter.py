"""The protocol of filters: they judge drafts at gates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from schemas.conversation import Draft, Gate
from schemas.funnel import Diversity
from schemas.verdict import Verdict


class Filter(Protocol):
    """Judges drafts. At USER_TURN and REPLY it looks at the last turn, at CONVERSATION at the whole draft.

    At MATERIAL there are no turns yet, and it looks at the passage, which may be missing.
    At SAMPLING the last turn is not all there yet: only what no end of it could mend is dropped.

    A filter without state may run in another process: it must be picklable and `judge` a function of its arguments.
    """

    @property
    def name(self) -> str:
        """The first part of its reasons, such as `language` in `language.foreign`."""

    @property
    def gates(self) -> frozenset[Gate]: ...

    @property
    def heavy(self) -> bool:
        """Costs so much CPU that it belongs in the process pool."""

    def judge(self, draft: Draft, gate: Gate) -> Verdict: ...


@runtime_checkable
class ClaimingFilter(Filter, Protocol):
    """A filter that remembers what it has seen. It runs in the build's own process.

    `judge` claims the draft's signature. A claim ends with `release` (the draft was dropped later), or lasts from
    `confirm` on.
    """

    def release(self, draft_id: str) -> None:
        """Forget what the draft claimed; nothing happens when it claimed nothing."""

    def confirm(self, draft_id: str) -> bytes:
        """The draft is accepted: what it claimed is its own for good. Its signature, for the ledger."""

    def restore(self, rows: Iterable[tuple[str | None, bytes]], diversity: Diversity | None) -> None:
        """Claim again what the ledger holds of accepted rows, (id, signature); `diversity` is the last one told."""

    def diversity(self) -> Diversity:
        """How different the rows are that are claimed for good."""
