"""The account of a build: all that its ledger and its shards say, and whether it adds up."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chaos.kills import must
from filters.duplicates.signature import Signature, text_hash
from pipeline.reader import BuildReader
from publishers.publication import sha256_of
from schemas.arms import Arm
from schemas.conversation import Conversation
from schemas.funnel import DroppedSample, Funnel
from schemas.manifest import Manifest, Shard

_NAMED = re.compile(r"repeats ([0-9a-f]{8}-[0-9a-f]{8}-\d+)")
_LASTING = ("duplicates.exact", "duplicates.near")
MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Account:
    """Read from a folder in which no run goes on. Rows and drops are in their order; every drop must be among them."""

    directory: Path
    epoch: int
    ended: frozenset[int]
    funnel: Funnel
    manifest: Manifest | None
    rows: tuple[Conversation, ...]
    draft_indices: tuple[int, ...]
    signatures: tuple[bytes, ...]
    drops: tuple[DroppedSample, ...]
    shards: tuple[Shard, ...]
    planned: int
    arms: tuple[Arm, ...]

    @classmethod
    def read(cls, directory: Path) -> Account:
        reader = BuildReader(directory)
        with closing(sqlite3.connect(directory / "ledger.sqlite")) as ledger:
            meta = dict(ledger.execute("SELECT key, value FROM meta"))
            ended = {index for (index,) in ledger.execute("SELECT draft_index FROM done")}
            rows = ledger.execute("SELECT draft_index, signature FROM rows ORDER BY seq").fetchall()
            shards = ledger.execute(
                "SELECT path, config, split, rows, bytes, sha256 FROM shards ORDER BY number"
            ).fetchall()
        sealed = [dict(zip(Shard.model_fields, shard, strict=True)) for shard in shards if shard[-1] is not None]
        for shard in map(Shard.model_validate, sealed):  # before rows are read from them
            path = directory / shard.path
            whole = path.is_file() and path.stat().st_size == shard.bytes and sha256_of(path) == shard.sha256
            must(whole, f"{shard.path} is not what was sealed")
        return cls(
            directory=directory,
            epoch=int(meta["epoch"]),
            ended=frozenset({*range(int(meta.get("low_water", 0))), *ended}),
            funnel=reader.funnel(),
            manifest=reader.manifest(),
            rows=tuple(row for _, row in reader.accepted(limit=MOST)),
            draft_indices=tuple(index for index, _ in rows),
            signatures=tuple(signature for _, signature in rows),
            drops=tuple(drop for _, drop in reader.dropped(limit=MOST)),
            shards=tuple(map(Shard.model_validate, sealed)),
            planned=len(shards) - len(sealed),
            arms=reader.arms(),
        )

    def check(self) -> None:
        """Raises CheckError when it does not add up."""
        funnel = self.funnel
        must(funnel.accepted == len(self.rows) == len(self.signatures), "the funnel accepts another number of rows")
        must(funnel.dropped == len(self.drops), f"{funnel.dropped} drops by the funnel, and {len(self.drops)} drafts")
        must(funnel.drafts == len(self.ended), f"{funnel.drafts} drafts by the funnel, {len(self.ended)} have ended")
        styles = [arm for arm in self.arms if arm.factor == "style"]
        counted = (sum(arm.drafts for arm in styles), sum(arm.accepted for arm in styles))
        must(
            counted == (funnel.drafts, funnel.accepted), f"{counted} drafts, accepted ones, by the arms of the steering"
        )
        dropped = [int(drop.draft_id.rpartition("-")[2]) for drop in self.drops]
        must(sorted([*self.draft_indices, *dropped]) == sorted(self.ended), "a draft has ended twice, or not at all")
        must(len({row.id for row in self.rows}) == len(self.rows), "two rows have one id")
        for row, signature in zip(self.rows, self.signatures, strict=True):
            claim = Signature.from_bytes(signature)
            must(claim.first == text_hash(row.messages[0].content), f"row {row.id} claims another one's first turn")
        ids = {row.id for row in self.rows}
        lost = [drop.draft_id for drop in self.drops if drop.reason in _LASTING and _named(drop) not in ids]
        must(not lost, f"drafts were dropped as repeats of rows that there are not: {lost}")
        listed = self.manifest.shards if self.manifest is not None else ()
        must(listed == self.shards[: len(listed)], "the manifest lists other shards than the ledger")

    def digests(self) -> dict[str, str]:
        """A hash of each row and its claim, by id."""
        return {
            row.id: hashlib.sha256(row.model_dump_json().encode() + signature).hexdigest()
            for row, signature in zip(self.rows, self.signatures, strict=True)
        }

    def repeats_of(self, ids: set[str], after: int) -> int:
        """How many drafts from drop `after` on were dropped because they repeat one of these rows."""
        return sum(drop.reason in _LASTING and _named(drop) in ids for drop in self.drops[after:])


def _named(drop: DroppedSample) -> str | None:
    found = _NAMED.match(drop.evidence)
    return found and found[1]
