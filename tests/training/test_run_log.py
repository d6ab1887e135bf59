"""The log of a run: a line a step, whatever a kill has torn."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import StorageError
from training.run_log import RunLog


@pytest.fixture
def log(tmp_path: Path) -> RunLog:
    log = RunLog(tmp_path / "log.jsonl")
    for step in (1, 2, 3):
        log.append({"step": step, "loss": step / 10})
    return log


def test_what_is_appended_is_read(log: RunLog) -> None:
    assert log.records() == [{"step": step, "loss": step / 10} for step in (1, 2, 3)]


def test_a_log_that_was_never_begun_has_no_records(tmp_path: Path) -> None:
    assert RunLog(tmp_path / "log.jsonl").records() == []


@pytest.mark.parametrize("torn", ['{"step": 4, "lo', '{"step"', "{", "\0\0\0\0"])
def test_a_line_that_a_kill_has_torn_is_left_out_and_gone_when_the_log_is_cut(
    log: RunLog, tmp_path: Path, torn: str
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(path.read_text() + torn)
    assert [record["step"] for record in log.records()] == [1, 2, 3]
    log.cut(3)
    log.append({"step": 4})
    assert [record["step"] for record in log.records()] == [1, 2, 3, 4]


def test_cut_back_to_a_checkpoint_it_forgets_what_is_trained_again(log: RunLog, tmp_path: Path) -> None:
    log.cut(2)
    assert [record["step"] for record in log.records()] == [1, 2]
    log.cut(0)
    assert log.records() == []
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]


def test_a_disk_that_refuses_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").mkdir()
    with pytest.raises(StorageError, match=r"log\.jsonl cannot be written: .*; free some space"):
        RunLog(tmp_path / "log.jsonl").append({"step": 1})
