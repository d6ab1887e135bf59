"""A build that is killed: no committed row is lost or there twice, and it ends at its target, without repeats."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import combinations, pairwise
from pathlib import Path

from benchmarks.chaos.account import Account
from benchmarks.chaos.kills import Found, must
from benchmarks.duplicates.rows import rows
from cli.main import main
from filters.text import fold, words
from pipeline.reader import BuildReader
from publishers.atomic import is_leftover
from publishers.shard import read_shard, split_of
from schemas.filters import SHORT_WORDS, DuplicateFilter

# Enough drafts for the target, whichever of the user turns that are alike comes first.
TARGET, USER_TURNS = 120, 300
SHARD_ROWS, VALIDATION_SHARE = 25, 0.2
REPLIES = (
    "Bai, ondo pentsatutako galdera da; lehenik eta behin patxadaz hartu behar da hori.",
    "Nire ustez egunero pixka bat egitea da onena, eta astean behin atseden hartzea.",
    "Horretarako ez da ezer berezirik behar: gogoa, denbora pixka bat eta laguntza ona.",
)
DUPLICATES = DuplicateFilter()
ALL_DROPS = 100_000
OWN_FILES = ("build.lock", "ledger.sqlite", "manifest.json", "recipe.json")


class KilledBuild:
    """`iturri build` of a scripted backbone whose user turns repeat each other, word by word and nearly."""

    name = "build"

    def __init__(self, scratch: Path) -> None:
        self._recipe = scratch / "recipe.json"
        self._copy = scratch / "copy"

    def prepare(self) -> None:
        recipe = {
            "name": "chaos",
            "language": "eu",
            "seed": 1,
            "backbone": {
                "kind": "scripted",
                "user_turns": list(_user_turns()),
                "replies": REPLIES,
                "delay_s": 0.01,
            },
            "modes": [{"mode": "magpie", "exchanges": {"min": 1, "max": 2}}],
            "filters": {"language": {"enabled": False}},
            "target": {"conversations": TARGET},
            "output": {"shard_rows": SHARD_ROWS, "validation_share": VALIDATION_SHARE, "dropped_samples": ALL_DROPS},
            "publish": {"licence": "cc0-1.0"},
            "window": 8,
        }
        self._recipe.write_text(json.dumps(recipe), encoding="utf-8")

    def run(self, folder: Path) -> None:
        sys.argv[1:] = ["build", str(self._recipe), "--out", str(folder), "--quiet"]
        main()

    def killed(self, folder: Path, before: Found) -> Found:
        """All that was committed is there, as it was; every ended draft counts once; what is sealed is whole."""
        if not (folder / "recipe.json").exists():
            must(not before.get("rows"), "the recipe is gone")
            return {"phase": "starting", "claims_held": 0}
        self._copied(folder)
        account = Account.read(self._copy)
        account.check()
        rows = account.digests()
        missing = before.get("rows", {}).items() - rows.items()
        must(not missing, f"{len(missing)} committed rows are gone or changed, such as {sorted(missing)[:1]}")
        must(list(rows)[: len(before.get("rows", {}))] == list(before.get("rows", {})), "rows are in another order")
        return {
            "phase": self._phase(folder, account, before),
            "rows": rows,
            "epoch": account.epoch,
            "drops": len(account.drops),
            "claims_held": account.repeats_of(set(before.get("rows", {})), before.get("drops", 0)),
        }

    def complete(self, folder: Path, before: Found) -> Found:
        files = {one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()}
        found = self.killed(folder, before)
        reader = BuildReader(self._copy)
        manifest = reader.manifest()
        must(manifest is not None and manifest.complete, "the run has ended, and its manifest says that it has not")
        assert manifest is not None
        sealed = [(shard, row) for shard in manifest.shards for row in read_shard(folder / shard.path)]
        ids = [row.id for _, row in sealed]
        must(len(ids) == len(set(ids)) == TARGET, f"{len(ids)} rows, {len(set(ids))} ids, and a target of {TARGET}")
        must(set(ids) == set(found["rows"]), "other rows in the shards than in the ledger")
        strays = [row.id for shard, row in sealed if split_of(row.id, VALIDATION_SHARE) != shard.split]
        must(not strays, f"rows in the wrong split: {strays}")
        must({shard.split for shard, _ in sealed} == {"train", "validation"}, "too little to check: one split")
        must(manifest.funnel == reader.funnel(), "the manifest has another funnel than the ledger")
        repeated = [reason for reason in manifest.funnel.reasons() if reason.startswith("duplicates.")]
        must(repeated, "too little to check: no repeats")
        expected = {*OWN_FILES, *(shard.path for shard in manifest.shards)}
        must(files == expected, f"files that belong to no build, or the reverse: {files ^ expected}")
        repeats = list(_repeats([row.messages[0].content for _, row in sealed]))
        must(not repeats, f"{len(repeats)} pairs of kept rows repeat each other, such as {repeats[:1]}")
        return found

    def _copied(self, folder: Path) -> None:
        """What a kill has left is looked at in a copy: reading a ledger mends it, and that is the next run's to do."""
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(folder, self._copy, ignore=shutil.ignore_patterns("*-shm"))
        with closing(sqlite3.connect(self._copy / "ledger.sqlite")) as ledger:
            (said,) = ledger.execute("PRAGMA integrity_check").fetchone()
            must(said == "ok", f"the ledger is damaged: {said}")

    @staticmethod
    def _phase(folder: Path, account: Account, before: Found) -> str:
        if account.epoch == before.get("epoch"):
            return "starting"
        manifest = BuildReader(folder).manifest()
        if manifest is not None and manifest.complete:
            return "complete"
        return "sealing" if account.planned or any(map(is_leftover, folder.rglob("*"))) else "running"


def _user_turns() -> Iterator[str]:
    """Every third one says again what one before it said: in capitals, or without its last word."""
    rng, said = random.Random(1), list[str]()
    for number, row in enumerate(rows(USER_TURNS)):
        text = row.text
        if number % 3 == 2:
            earlier = rng.choice(said)
            text = earlier.upper() if number % 2 else f"{earlier.rpartition(' ')[0]}."
        said.append(text)
        yield text


def _repeats(texts: list[str]) -> Iterator[tuple[str, str]]:
    """Every pair of texts that are the same or too similar, found by comparing each with each, word by word."""
    told = [(text, fold(text), words(fold(text))) for text in texts]
    pairs = [set(pairwise(found)) if len(found) >= DUPLICATES.min_words else set() for *_, found in told]
    for (one, (text, folded, _)), (other, (text2, folded2, _)) in combinations(enumerate(told), 2):
        both, either = len(pairs[one] & pairs[other]), len(pairs[one] | pairs[other])
        short = min(len(pairs[one]), len(pairs[other])) <= SHORT_WORDS - DUPLICATES.ngram
        needed = DUPLICATES.short_threshold if short else DUPLICATES.threshold
        if folded == folded2 or (either and both / either >= needed):
            yield text, text2
