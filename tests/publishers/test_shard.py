from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishers.rows import SCHEMA
from publishers.shard import ROW_GROUP_ROWS, WRITING, config_name, read_shard, shard_path, split_of, write_shard
from schemas.conversation import Conversation, Message
from schemas.errors import StorageError
from tests.support.publishers_builds import conversation

ROWS = [conversation(number) for number in range(7)]


def test_size_and_sha256_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "data" / "magpie-eu" / "train-00000.parquet"
    size, sha256 = write_shard(ROWS, path)
    assert size == path.stat().st_size
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert pq.read_schema(path).equals(SCHEMA)
    assert [name.name for name in path.parent.iterdir()] == [path.name]


def test_the_same_rows_give_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    here = write_shard(ROWS, tmp_path / "here.parquet")
    code = (
        "import sys; from pathlib import Path; from publishers.shard import write_shard; "
        "from tests.support.publishers_builds import conversation; "
        "write_shard([conversation(number) for number in range(7)], Path(sys.argv[1]))"
    )
    there = tmp_path / "there.parquet"
    subprocess.run([sys.executable, "-c", code, str(there)], check=True)
    assert here[1] == hashlib.sha256(there.read_bytes()).hexdigest()


def test_other_rows_give_other_bytes(tmp_path: Path) -> None:
    assert write_shard(ROWS, tmp_path / "a.parquet") != write_shard(ROWS[::-1], tmp_path / "b.parquet")


def test_a_shard_has_rows(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one row"):
        write_shard([], tmp_path / "a.parquet")


@given(offset=st.integers(0, 9), limit=st.none() | st.integers(0, 9))
def test_a_page_is_a_slice(tmp_path_factory: pytest.TempPathFactory, offset: int, limit: int | None) -> None:
    path = tmp_path_factory.getbasetemp() / "page.parquet"
    if not path.exists():
        write_shard(ROWS, path)
    assert read_shard(path, offset, limit) == ROWS[offset:][:limit]


def test_a_page_across_row_groups(tmp_path: Path) -> None:
    rows = [conversation(number) for number in range(2 * ROW_GROUP_ROWS + 5)]
    write_shard(rows, tmp_path / "a.parquet")
    assert pq.ParquetFile(tmp_path / "a.parquet").metadata.num_row_groups == 3
    for offset in (0, ROW_GROUP_ROWS - 2, ROW_GROUP_ROWS, 2 * ROW_GROUP_ROWS - 1, len(rows) - 3, len(rows)):
        assert read_shard(tmp_path / "a.parquet", offset, 4) == rows[offset : offset + 4]


def test_rows_are_taken_as_they_are_written(tmp_path: Path) -> None:
    """Memory does not grow with the rows of a shard."""
    alive: set[int] = set()
    most = 0

    def rows() -> Iterator[Conversation]:
        nonlocal most
        for number in range(6 * ROW_GROUP_ROWS):
            row = conversation(number)
            alive.add(number)
            weakref.finalize(row, alive.discard, number)
            most = max(most, len(alive))
            yield row

    write_shard(rows(), tmp_path / "a.parquet")
    assert pq.ParquetFile(tmp_path / "a.parquet").metadata.num_row_groups == 6
    assert most <= 2 * ROW_GROUP_ROWS


def test_rows_that_cannot_be_had_leave_no_shard(tmp_path: Path) -> None:
    def rows() -> Iterator[Conversation]:
        yield from (conversation(number) for number in range(2 * ROW_GROUP_ROWS))
        raise LookupError("the third row group")

    with pytest.raises(LookupError, match="the third row group"):
        write_shard(rows(), tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []


def test_long_texts_stay_out_of_the_footer(tmp_path: Path) -> None:
    long = tuple(Message(role=role, content=f"{role} " * 400) for role in ("user", "assistant"))
    sizes = []
    texts: dict[str, Any] = {"messages": long, "sampling": "s" * 3_000, "source": "t" * 3_000}
    for number, changes in enumerate(({}, texts)):
        path = tmp_path / f"{number}.parquet"
        write_shard([conversation(0, **changes)], path)
        sizes.append(pq.ParquetFile(path).metadata.serialized_size)
    assert sizes[1] == pytest.approx(sizes[0], abs=200)


def test_ids_and_numbers_can_be_looked_for_by_row_group(tmp_path: Path) -> None:
    write_shard(ROWS, tmp_path / "a.parquet")
    group = pq.ParquetFile(tmp_path / "a.parquet").metadata.row_group(0)
    columns = {column.path_in_schema: column for column in map(group.column, range(group.num_columns))}
    assert {name for name, column in columns.items() if column.is_stats_set} == set(WRITING["write_statistics"])
    assert columns["id"].statistics.max == ROWS[-1].id
    assert all(column.has_offset_index for column in columns.values())


@pytest.mark.parametrize("content", [None, b"", b"PAR1 nothing of the kind PAR1"])
def test_a_missing_or_damaged_shard_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StorageError, match=r"a\.parquet cannot be read as a shard") as caught:
        read_shard(path)
    assert "\n" not in str(caught.value)


def test_a_full_disk_leaves_what_was_there_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    write_shard(ROWS[:2], path)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"a\.parquet cannot be written: No space left on device; free some space"):
        write_shard(ROWS, path)
    assert path.read_bytes() == before
    assert [name.name for name in tmp_path.iterdir()] == ["a.parquet"]


def test_a_write_that_the_system_cuts_off_leaves_nothing(tmp_path: Path) -> None:
    """A real refusal from the kernel in mid-write: the process may write files of 2 kB at most."""
    code = (
        "import resource, sys; from pathlib import Path; from publishers.shard import write_shard; "
        "from schemas.errors import StorageError; from tests.support.publishers_builds import conversation\n"
        "rows = [conversation(number) for number in range(50)]\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))\n"
        "try:\n    write_shard(rows, Path(sys.argv[1]))\n"
        "except StorageError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.parquet")], check=True, capture_output=True, text=True
    )
    assert "a.parquet cannot be written: File too large" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(StorageError, match="cannot be written"):
        write_shard(ROWS, tmp_path / "data" / "a.parquet")


def test_a_writer_killed_before_the_rename_leaves_no_shard_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    code = (
        "import os, sys, time; from pathlib import Path; from publishers.shard import write_shard; "
        "from tests.support.publishers_builds import conversation\n"
        "def stuck(_):\n    print('written', flush=True); time.sleep(600)\n"
        "os.fsync = stuck\n"
        "write_shard([conversation(number) for number in range(7)], Path(sys.argv[1]))"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "written\n"
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    left = [name.name for name in tmp_path.iterdir()]
    assert len(left) == 1
    assert left[0].startswith(".a.parquet.")
    write_shard(ROWS, path)
    assert [name.name for name in tmp_path.iterdir()] == ["a.parquet"]
    assert read_shard(path) == ROWS


def test_names() -> None:
    assert config_name("magpie", "eu") == "magpie-eu"
    assert shard_path("magpie-eu", "train", 3) == "data/magpie-eu/train-00003.parquet"
    assert shard_path("magpie-eu", "train", 123_456) == "data/magpie-eu/train-123456.parquet"


@given(st.text(), st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_a_larger_share_never_moves_a_row_back_to_training(row: str, one: float, other: float) -> None:
    smaller, larger = sorted((one, other))
    if split_of(row, smaller) == "validation":
        assert split_of(row, larger) == "validation"


def test_splits_have_about_the_share_asked_for() -> None:
    rows = [f"proba-{number}" for number in range(2_000)]
    assert sum(split_of(row, 0.1) == "validation" for row in rows) == pytest.approx(200, abs=60)
    assert all(split_of(row, 0.0) == "train" for row in rows)


def test_the_split_of_a_row_is_the_same_for_ever() -> None:
    splits = [split_of(f"proba-{number}", 0.5) for number in range(4)]
    assert splits == ["train", "validation", "train", "validation"]
