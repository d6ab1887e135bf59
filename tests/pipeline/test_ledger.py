"""The ledger: what is committed stays, what is not leaves no trace, and one run at a time may write."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ledger import Ledger
from pipeline.ledger_schema import STEPS
from schemas.arms import Arm
from schemas.errors import BuildDirectoryError, EpochLostError, LedgerError, StorageError
from schemas.manifest import Shard
from tests.pipeline.conftest import FIELDS, accepted, dropped

OpenLedger = Callable[..., Ledger]


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_rows_counts_and_spending_are_committed_together(open_ledger: OpenLedger, tmp_path: Path) -> None:
    ledger = open_ledger()
    ledger.commit([accepted(0), dropped(1), accepted(2)], engine_seconds=1.5, unfinished_completion_tokens=7)
    ledger.commit([dropped(3)], engine_seconds=0.5)
    assert (ledger.accepted(), ledger.dropped()) == (2, 2)
    assert list(ledger.signatures()) == [("row-0", b"signature"), ("row-2", b"signature")]
    meta = {key: value for key, value in query(tmp_path / "ledger.sqlite", "SELECT key, value FROM meta")}
    assert float(meta["engine_seconds"]) == 2.0
    assert float(meta["unfinished_completion_tokens"]) == 7


def test_a_transaction_that_fails_leaves_nothing(open_ledger: OpenLedger) -> None:
    ledger = open_ledger()
    ledger.commit([accepted(0)])
    with pytest.raises(LedgerError, match="UNIQUE"):
        ledger.commit([accepted(1), dropped(2), accepted(0)])
    assert (ledger.accepted(), ledger.dropped(), ledger.done_drafts()) == (1, 0, (1, set()))


def test_arms_are_set_in_the_transaction_of_the_outcomes(open_ledger: OpenLedger) -> None:
    ledger = open_ledger()
    arm = Arm(mode="magpie-eu", factor="topic", arm="mendia = 'harria'")
    once, twice = arm.counted(40, 1 / 3), arm.counted(40, 1 / 3).counted(11, None)
    ledger.commit([accepted(0)], arms=[once, arm.model_copy(update={"factor": "opener"})])
    ledger.commit([dropped(1)], arms=[twice])
    with pytest.raises(LedgerError, match="UNIQUE"):
        ledger.commit([accepted(0)], arms=[twice.counted(5, None)])
    found = {one.factor: one for one in open_ledger().arms()}
    assert found["topic"] == twice
    assert found["opener"].drafts == 0


def test_an_earlier_run_cannot_write_any_more(open_ledger: OpenLedger) -> None:
    first = open_ledger()
    first.commit([accepted(0)])
    second = open_ledger()
    with pytest.raises(EpochLostError):
        first.commit([accepted(1)])
    with pytest.raises(EpochLostError):
        first.plan_shard("magpie-eu", "train", 1, "data/x.parquet")
    assert not first.holds_epoch()
    second.commit([accepted(1)])
    assert second.accepted() == 2


def test_another_recipe_is_refused_with_the_fields_that_differ(open_ledger: OpenLedger) -> None:
    open_ledger().commit([accepted(0)])
    with pytest.raises(BuildDirectoryError, match=r"differs in language, seed;"):
        open_ledger({**FIELDS, "language": "gl", "seed": 8})
    assert open_ledger().accepted() == 1


def test_embeddings_are_committed_with_their_rows(open_ledger: OpenLedger) -> None:
    ledger = open_ledger()
    with_vectors = [replace(accepted(number), embedding=bytes([number]) * 4) for number in range(3)]
    with pytest.raises(LedgerError, match="UNIQUE"):
        ledger.commit([with_vectors[0], with_vectors[0]])
    assert list(ledger.embeddings()) == []
    ledger.commit([with_vectors[2], accepted(7), with_vectors[1]])
    assert list(ledger.embeddings()) == [("row-2", b"\2\2\2\2"), ("row-1", b"\1\1\1\1")]


def test_a_ledger_of_the_first_version_migrates(tmp_path: Path, open_ledger: OpenLedger) -> None:
    connection = sqlite3.connect(tmp_path / "ledger.sqlite")
    connection.executescript(f"{STEPS[0]} PRAGMA user_version = 1;")
    connection.close()
    ledger = open_ledger()
    ledger.commit([accepted(0), replace(accepted(1), embedding=b"\1\2")])
    assert list(ledger.embeddings()) == [("row-1", b"\1\2")]
    assert query(tmp_path / "ledger.sqlite", "PRAGMA user_version") == [(len(STEPS),)]


def test_a_ledger_of_the_future_is_refused(open_ledger: OpenLedger, tmp_path: Path) -> None:
    open_ledger().close()
    connection = sqlite3.connect(tmp_path / "ledger.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LedgerError, match="newer Iturri"):
        open_ledger()


def test_a_file_that_is_no_ledger_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"this is not a database, " * 100)
    with pytest.raises(LedgerError, match="is damaged"):
        Ledger(tmp_path / "ledger.sqlite", FIELDS, write_ahead=True, dropped_samples=1)


def test_a_full_disk_is_a_storage_error_and_what_was_committed_stays(open_ledger: OpenLedger) -> None:
    ledger = open_ledger()
    ledger.commit([accepted(0)])
    pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
    ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="free some space"):
        ledger.commit([accepted(index, "luze " * 5000) for index in range(1, 50)])
    assert ledger.accepted() == 1


def test_the_reservoir_keeps_as_many_as_asked_per_reason_and_counts_all(
    open_ledger: OpenLedger, tmp_path: Path
) -> None:
    ledger = open_ledger(dropped_samples=5)
    for start in range(0, 200, 20):
        ledger.commit([dropped(index, "shape.empty") for index in range(start, start + 20)])
    ledger.commit([dropped(index, "language.foreign") for index in range(200, 203)])
    by_reason = "SELECT reason, count(*) FROM dropped GROUP BY reason"
    counts = {reason: count for reason, count in query(tmp_path / "ledger.sqlite", by_reason)}
    assert counts == {"shape.empty": 5, "language.foreign": 3}
    assert ledger.dropped() == 203
    kept = [row[0] for row in query(tmp_path / "ledger.sqlite", "SELECT body FROM dropped WHERE reason='shape.empty'")]
    assert len(set(kept)) == 5
    assert any(f'"row-{index}"' in str(body) for body in kept for index in range(20, 200)), "late drops get in too"


def test_shards_take_the_oldest_rows_once_and_release_their_text(open_ledger: OpenLedger, tmp_path: Path) -> None:
    ledger = open_ledger()
    ledger.commit([accepted(index) for index in range(5)])
    assert ledger.unsealed() == {("magpie-eu", "train"): 5}
    plan = ledger.plan_shard("magpie-eu", "train", 3, "data/magpie-eu/train-00000.parquet")
    assert ledger.planned_shards() == [plan]
    assert [row.id for row in ledger.shard_rows(plan)] == ["row-0", "row-1", "row-2"]
    sealed = Shard(path=plan.path, config=plan.config, split=plan.split, rows=3, bytes=9, sha256="a" * 64)
    ledger.seal_shard(plan, sealed)
    assert ledger.planned_shards() == []
    assert ledger.shards() == (sealed,)
    assert ledger.unsealed() == {("magpie-eu", "train"): 2}
    bodies = query(tmp_path / "ledger.sqlite", "SELECT body IS NULL FROM rows ORDER BY seq")
    assert [row[0] for row in bodies] == [1, 1, 1, 0, 0]
    assert ledger.accepted() == 5


def test_the_rows_of_a_shard_come_page_by_page_and_lock_nothing_in_between(
    open_ledger: OpenLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.ledger._PAGE_ROWS", 2)
    ledger = open_ledger()
    ledger.commit([accepted(index) for index in range(7)])
    plan = ledger.plan_shard("magpie-eu", "train", 5, "data/magpie-eu/train-00000.parquet")
    assert plan.rows == 5
    rows = ledger.shard_rows(plan)
    assert next(rows).id == "row-0"
    # A run that takes the build over seals the shard meanwhile, and its rows have no text any more.
    sealed = Shard(path=plan.path, config=plan.config, split=plan.split, rows=5, bytes=9, sha256="a" * 64)
    open_ledger().seal_shard(plan, sealed)
    assert next(rows).id == "row-1"
    with pytest.raises(EpochLostError, match="another run has taken this build over"):
        next(rows)


@settings(max_examples=40)
@given(order=st.permutations(range(30)), ended=st.integers(0, 30), size=st.integers(1, 7))
def test_the_low_water_mark_and_the_rest_say_exactly_which_drafts_ended(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], ended: int, size: int
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    ledger = Ledger(path, FIELDS, write_ahead=True, dropped_samples=1)
    try:
        indices = order[:ended]
        for start in range(0, ended, size):
            ledger.commit([dropped(index) for index in indices[start : start + size]])
        low, above = ledger.done_drafts()
        assert set(range(low)) | above == set(indices)
        assert all(index > low for index in above)
    finally:
        ledger.close()
