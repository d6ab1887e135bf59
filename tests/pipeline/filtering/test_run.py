"""Filtering an existing dataset: what is kept, what is dropped and why, and going on after any end."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filters.chain import open_filters, walk
from languages.loader import load_pack
from pipeline.filtering import block as filter_block
from pipeline.filtering.directory import LOCK_NAME
from pipeline.filtering.files import DatasetInput
from pipeline.filtering.judging import row_messages
from pipeline.filtering.messages import MOST_MESSAGES, RowDraft, read_row
from pipeline.filtering.run import FilterOutcome, FilterProgress, FilterResult, filter_dataset
from publishers.publication import sha256_of
from schemas.errors import DatasetError, InputError, StorageError
from schemas.filter_report import FilterReport
from schemas.filters import Filters, ShapeFilter
from schemas.settings import Settings
from schemas.verdict import Drop
from tests.support.dataset_rows import (
    CHEAP,
    MESSAGES,
    REPEATS,
    exchange,
    kept_ids,
    read_parts,
    results,
    row,
    rows,
    write_jsonl,
    write_parquet,
)

ROOT = Path(__file__).resolve().parents[3]
BLOCK = 500
# Imports little, since every worker imports it too.
PROGRAM = """
import sys
from pathlib import Path
from pipeline.filtering import block as filter_block
from pipeline.filtering.files import DatasetInput
from pipeline.filtering.run import filter_dataset
from schemas.settings import Settings
from schemas.verdict import Drop
from tests.support.dataset_rows import REPEATS

if __name__ == "__main__":
    filter_block.BLOCK_ROWS = int(sys.argv[3])
    asked, settings = DatasetInput(sys.argv[1]), Settings(workers=1)
    filter_dataset(asked, language="eu", filters=REPEATS, settings=settings, out=Path(sys.argv[2]))
"""


def filtered(given: Path | str, out: Path | None = None, **options: Any) -> FilterResult:
    """A run with cheap filters and one worker."""
    asked = DatasetInput(str(given), column=options.pop("column", None), limit=options.pop("limit", None))
    settings = Settings(workers=options.pop("workers", 1))
    return filter_dataset(asked, **{"language": "eu", "filters": CHEAP, "settings": settings, "out": out, **options})


def files(out: Path) -> dict[str, str]:
    """The parts, by their names: sha256."""
    return {path.relative_to(out).as_posix(): sha256_of(path) for path in sorted(out.rglob("*.parquet"))}


def counts(report: FilterReport) -> dict[str, int]:
    return {one.reason: one.rows for one in report.reasons}


def repeating(count: int) -> list[dict[str, Any]]:
    """Rows of which every seventh says what the one before it said."""
    return [row(number - (number % 7 == 6)) | {"id": number} for number in range(count)]


def test_kept_rows_are_those_of_the_input_and_dropped_ones_say_why(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = filtered(write_jsonl(tmp_path / "rows.jsonl", rows(600)), out)
    assert result.outcome is FilterOutcome.COMPLETE
    report = result.report
    assert (report.rows, report.kept, report.dropped, report.complete) == (600, 480, 120, True)
    assert (report.kept_share, counts(report)) == (0.8, {"shape.colon": 120})
    (reason,) = report.reasons
    assert reason.share == 0.2
    assert [(sample.row, sample.turn) for sample in reason.samples] == [(number, 0) for number in range(4, 100, 5)]
    assert reason.samples[0].evidence.startswith("ends with: ")
    assert FilterReport.model_validate_json((out / "report.json").read_bytes()) == report
    for part in report.parts:
        assert sha256_of(out / part.path) == part.sha256
        assert (out / part.path).stat().st_size == part.bytes
    for kind, number in (("kept", 480), ("dropped", 120)):
        loaded = load_dataset("parquet", data_files=f"{out}/{kind}/*.parquet", split="train", cache_dir=str(tmp_path))
        assert loaded.num_rows == number
        found = loaded.to_list()
        if kind == "kept":
            assert found == [row(number) for number in kept_ids(600)]
        else:
            assert [one["id"] for one in found] == list(range(4, 600, 5))
            assert {one["iturri_reason"] for one in found} == {"shape.colon"}
            assert found[0]["iturri_turn"] == 0
            assert found[0]["iturri_evidence"] == reason.samples[0].evidence


def test_types_of_parquet_stay(tmp_path: Path) -> None:
    made = pa.table(
        {
            "messages": pa.array([one["messages"] for one in rows(10)], pa.large_list(MESSAGES.value_type)),
            "kind": pa.array([f"k{number % 3}" for number in range(10)]).dictionary_encode(),
            "inner": pa.StructArray.from_arrays([pa.array(["a", "b"] * 5).dictionary_encode()], ["tag"]),
            "time": pa.array([1_700_000_000_000_000_000 + number for number in range(10)], pa.timestamp("ns", "UTC")),
            "small": pa.array(range(10), pa.uint8()),
            "bytes": pa.array([b"\xff"] * 10),
            "never": pa.nulls(10),
            "nulls": pa.array([[None] * (number % 3) for number in range(10)], pa.list_(pa.null())),
            "any": pa.array([json.dumps([number]) for number in range(10)]).cast(pa.json_()),
            "iturri_reason": ["an earlier run's"] * 10,
        }
    )
    made = made.replace_schema_metadata({"owner": "kept"})
    pq.write_table(made, tmp_path / "rows.parquet")
    filtered(tmp_path / "rows.parquet", tmp_path / "out")
    (kept,) = (tmp_path / "out" / "kept").iterdir()
    (dropped,) = (tmp_path / "out" / "dropped").iterdir()
    original = pq.read_table(tmp_path / "rows.parquet")
    assert pq.read_schema(kept).equals(original.schema, check_metadata=True)
    assert pq.read_table(kept).to_pylist() == [original.slice(number, 1).to_pylist()[0] for number in kept_ids(10)]
    assert pq.read_table(dropped)["iturri_reason"].to_pylist() == ["shape.colon"] * 2
    options: dict[str, Any] = {"split": "train", "cache_dir": str(tmp_path)}
    loaded = load_dataset("parquet", data_files=str(kept), **options)
    given_rows = load_dataset("parquet", data_files=str(tmp_path / "rows.parquet"), **options)
    assert loaded.features == given_rows.features
    assert loaded.to_list() == given_rows.select(kept_ids(10)).to_list()
    assert load_dataset("parquet", data_files=str(dropped), **options)["any"][:] == [[4], [9]]


def test_the_language_is_judged_and_system_messages_are_not(tmp_path: Path) -> None:
    english = "This reply is entirely in English, and it should therefore be dropped by the filter of the language."
    good = row(0)["messages"]
    given_rows = [
        {
            "conversations": [
                {"from": "human" if one["role"] == "user" else "gpt", "value": one["content"]} for one in good
            ]
        },
        {"conversations": [{"from": "system", "value": english}, *exchange(good[0]["content"], good[1]["content"])]},
        {"conversations": [{"from": "system", "value": english}, *exchange(good[0]["content"], english)]},
    ]
    filters = CHEAP.model_copy(update={"language": Filters().language})
    path = write_jsonl(tmp_path / "rows.jsonl", given_rows)
    report = filtered(path, filters=filters).report
    assert (report.column, counts(report)) == ("conversations", {"language.foreign": 1})
    assert (report.reasons[0].samples[0].row, report.reasons[0].samples[0].turn) == (2, 2)


INVALID: list[tuple[Any, str, int | None]] = [
    (None, "there are none", None),
    ("text", "no list: 'text'", None),
    ({"role": "user", "content": "x"}, "no list", None),
    ([], "the list is empty", None),
    (["text"], "message 0: no role and content: 'text'", 0),
    ([None], "message 0: no role and content: None", 0),
    ([{}], "message 0: has no role", 0),
    ([{"role": 3, "content": "x"}], "message 0: the role 3 is not known", 0),
    ([*exchange("x", "y"), {"role": "tool", "content": "z"}], "message 2: the role 'tool' is not known", 2),
    ([{"role": "user"}], "message 0: has no content", 0),
    ([{"role": "user", "content": [{"type": "text", "text": "x"}]}], "message 0: its content is no text", 0),
    ([{"role": "system", "content": None}], "message 0: has no content", 0),
    ([{"role": "system", "content": "x"}], "nothing but system messages", None),
    (exchange("x", "half \ud83d"), "message 1: its content holds half a surrogate pair", 1),
]


@pytest.mark.parametrize(("messages", "evidence", "turn"), INVALID)
def test_rows_without_messages_are_dropped(messages: Any, evidence: str, turn: int | None) -> None:
    drop = read_row(messages, "eu")
    assert not isinstance(drop, RowDraft)
    assert (drop.reason, drop.turn) == ("messages.invalid", turn)
    assert drop.evidence.startswith(evidence)


@pytest.mark.parametrize("role", ["user", "human", "prompter", "Human", " USER "])
@pytest.mark.parametrize("answerer", ["assistant", "gpt", "model", "bot", "chatgpt"])
def test_roles(role: str, answerer: str) -> None:
    read = read_row([{"role": role, "content": "x"}, {"from": answerer, "value": "y", "weight": 1}], "eu")
    assert isinstance(read, RowDraft)
    assert [turn.role for turn in read.draft.turns] == ["user", "assistant"]
    assert read.draft.last.finish_reason == "stop"


def test_what_no_filter_should_have_to_see(tmp_path: Path) -> None:
    """Whatever a row holds, the run gives an answer, and in reasonable time."""
    fine = row(0)["messages"]
    lines: list[Any] = [
        {"messages": fine},
        {"messages": [one[0] for one in INVALID[:-1]]},
        {"messages": fine * 50_000},
        {"messages": exchange("x" * 1_000_000, fine[1]["content"])},
        {"messages": exchange("Zer da hau\0\x07\x1b[0m\u202e, mesedez?", "Kontrol-karaktereak dira horiek, lagun.")},
        {"messages": exchange("Zer da hau?", [{"type": "text"}])},
        '{"messages": [{"role": "user", "content": "\\ud83d"}]}',
        '{"messages": ',
    ]
    began = time.monotonic()
    report = filtered(write_jsonl(tmp_path / "rows.jsonl", lines), tmp_path / "out").report
    assert time.monotonic() - began < 20
    assert counts(report) == {"messages.invalid": 4, "messages.too_many": 1, "shape.too_long": 1}
    assert report.kept == 2
    evidence = [sample.evidence for one in report.reasons for sample in one.samples]
    assert f"100,000 messages, {MOST_MESSAGES:,} at most" in evidence
    assert any(one.startswith("rows.jsonl, line 8: no JSON") for one in evidence)
    (kept,) = (tmp_path / "out" / "kept").iterdir()
    loaded = load_dataset("parquet", data_files=str(kept), split="train", cache_dir=str(tmp_path)).to_list()
    assert [one["messages"] for one in loaded] == [lines[0]["messages"], lines[4]["messages"]]


def test_parquet_that_is_no_utf8(tmp_path: Path) -> None:
    content = pa.array([b"kaixo, zer moduz?", b"\xff\xfe"])
    broken = pa.Array.from_buffers(pa.string(), 2, content.buffers())
    roles = pa.array(["user", "user"])
    messages = pa.ListArray.from_arrays([0, 1, 2], pa.StructArray.from_arrays([roles, broken], ["role", "content"]))
    pq.write_table(pa.table({"messages": messages}), tmp_path / "rows.parquet")
    report = filtered(tmp_path / "rows.parquet", tmp_path / "out").report
    assert (report.kept, counts(report)) == (1, {"messages.invalid": 1})
    assert report.reasons[0].samples[0].evidence == "no UTF-8"


contents = st.text() | st.none() | st.integers() | st.lists(st.text(), max_size=2)
messages = st.dictionaries(
    st.sampled_from(["role", "from", "content", "value"]), contents | st.sampled_from(["user", "gpt"])
)
anything = contents | st.lists(messages | contents, max_size=5)


# The first text of all takes a second or two.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(anything)
def test_no_row_raises(made: Any) -> None:
    read = read_row(made, "eu")
    if isinstance(read, RowDraft):
        verdict = walk(open_filters(CHEAP, load_pack("eu")), read.draft)
        read = read.named(verdict) if isinstance(verdict, Drop) else read
    if not isinstance(read, RowDraft):
        assert read.evidence
        assert "." in read.reason
        assert read.turn is None or read.turn < len(made)


def test_json_that_is_none_in_a_column_of_json() -> None:
    column = pa.array(['[{"role": "user"}]', "{", None]).cast(pa.json_())
    first, second, third = row_messages(column)
    assert (first, second.reason, third) == ([{"role": "user"}], "messages.invalid", None)


def test_workers_change_nothing(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "rows.parquet", repeating(3000))
    reports = []
    for workers in (1, 2):
        out = tmp_path / str(workers)
        reports.append(filtered(path, out, workers=workers, filters=REPEATS).report)
    assert files(tmp_path / "1") == files(tmp_path / "2")
    assert reports[0].reasons == reports[1].reasons
    assert counts(reports[0])["duplicates.exact"] > 100
    evidence = next(one for one in reports[0].reasons if one.reason == "duplicates.exact").samples[0].evidence
    kept = read_parts(tmp_path / "1" / "kept")
    assert (
        kept[int(evidence.split(";")[0].removeprefix("repeats kept row "))]["messages"][0]["content"][:60] in evidence
    )


def test_killed_again_and_again(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", repeating(6000))
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    out, whole = tmp_path / "out", tmp_path / "whole"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}

    def started(folder: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(tmp_path / "program.py"), str(path), str(folder), str(BLOCK)]
        return subprocess.Popen(command, env=environment)

    def read() -> int:
        report = out / "report.json"
        return FilterReport.model_validate_json(report.read_bytes()).rows if report.exists() else 0

    rng = random.Random(5)
    uninterrupted = started(whole)
    for _ in range(2):
        before = read()
        process = started(out)
        while process.poll() is None and read() <= before:
            time.sleep(0.01)
        time.sleep(rng.random() * 0.1)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it was killed in its middle"
        assert before < read() < 6000
    for name in ("kept/part-00099.parquet", "dropped/.part-00001.parquet.0123.tmp"):
        (out / name).write_bytes(b"left over")
    assert started(out).wait() == 0
    assert uninterrupted.wait() == 0
    assert files(out) == files(whole)
    reports = [FilterReport.model_validate_json((one / "report.json").read_bytes()) for one in (out, whole)]
    assert results(reports[0]) == results(reports[1])
    assert reports[0].complete
    assert {part.path for part in reports[0].parts} == set(files(out))
    assert not list(out.rglob("*.tmp"))


def test_stopped_and_gone_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filter_block, "BLOCK_ROWS", BLOCK)
    monkeypatch.setattr("pipeline.filtering.run.PROGRESS_EVERY_S", 0)
    path, out = write_parquet(tmp_path / "rows.parquet", repeating(3000), row_group_size=BLOCK), tmp_path / "out"
    seen: list[FilterProgress] = []
    options: dict[str, Any] = {"filters": REPEATS, "on_progress": seen.append}
    first = filtered(path, out, stop=lambda: bool(seen) and seen[-1].rows >= 1300, **options)
    assert first.outcome is FilterOutcome.STOPPED
    assert (first.report.rows, first.report.complete) == (1000, False)
    assert len(read_parts(out / "kept")) == first.report.kept
    assert seen[-1].total == 3000
    stopped_at_once = filtered(path, out, stop=lambda: True, **options)
    assert (stopped_at_once.outcome, stopped_at_once.report.rows) == (FilterOutcome.STOPPED, 1000)
    second = filtered(path, out, **options)
    assert second.outcome is FilterOutcome.COMPLETE
    assert second.report.seconds > first.report.seconds
    filtered(path, tmp_path / "whole", filters=REPEATS)
    assert read_parts(out / "kept") == read_parts(tmp_path / "whole" / "kept")
    before = files(out), (out / "report.json").read_bytes()
    third = filtered(path, out, stop=lambda: True, **options)
    assert third.outcome is FilterOutcome.NOTHING_TO_DO
    assert third.report == second.report
    assert (files(out), (out / "report.json").read_bytes()) == before


def test_another_run_is_refused_by_name(tmp_path: Path) -> None:
    path, out = write_jsonl(tmp_path / "rows.jsonl", rows(20)), tmp_path / "out"
    filtered(path, out)
    strict = CHEAP.model_copy(update={"shape": ShapeFilter(min_chars=9)})
    for words, options in (
        ("filters.shape.min_chars was 2, is 9", {"filters": strict}),
        ("filters.duplicates.enabled was false, is true", {"filters": REPEATS}),
        ("input.limit was null, is 5", {"limit": 5}),
        ('language was "eu", is "gl"', {"language": "gl"}),
    ):
        with pytest.raises(InputError, match=f"--out: .* holds another run: {words}"):
            filtered(path, out, **options)
    write_jsonl(path, rows(21))
    with pytest.raises(InputError, match=r"input\.files\.0\.bytes was \d+, is \d+"):
        filtered(path, out)


def test_folders_that_are_no_place_for_a_run(tmp_path: Path) -> None:
    for name in ("data", "other"):
        (tmp_path / name).mkdir()
    path = write_jsonl(tmp_path / "data" / "rows.jsonl", rows(20))
    (tmp_path / "other" / "precious.txt").write_text("x", encoding="utf-8")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for name, words in (
        ("other", "holds precious.txt and no report.json"),
        ("file", "is no folder"),
        ("data", "overlap"),
    ):
        with pytest.raises(InputError, match=f"--out: .*{words}"):
            filtered(path, tmp_path / name)
    with pytest.raises(InputError, match="overlap"):
        filtered(tmp_path / "data", tmp_path / "data" / "out")
    assert sorted(one.name for one in (tmp_path / "other").iterdir()) == ["precious.txt"]
    out = tmp_path / "out"
    out.mkdir()
    with FileLock(out / LOCK_NAME), pytest.raises(InputError, match="in use by another run"):
        filtered(path, out)
    (out / "report.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=r"report\.json is no report of a filter run"):
        filtered(path, out)


def test_sealed_parts_that_are_gone_are_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, out = write_jsonl(tmp_path / "rows.jsonl", rows(20)), tmp_path / "out"
    filtered(path, out)
    part = out / "kept" / "part-00000.parquet"
    content = part.read_bytes()
    part.write_bytes(content[:-1])
    with pytest.raises(StorageError, match="bytes and not"):
        filtered(path, out)
    part.unlink()
    with pytest.raises(StorageError, match="put it back"):
        filtered(path, out)


def test_large_rows_fill_a_block_sooner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filter_block, "BLOCK_BYTES", 1_000_000)
    given_rows = [{"messages": exchange(f"{number} zer da? " + "ab " * 9_000, "ez dakit")} for number in range(90)]
    filters = CHEAP.model_copy(update={"repetition": CHEAP.repetition.model_copy(update={"enabled": False})})
    report = filtered(write_parquet(tmp_path / "rows.parquet", given_rows), tmp_path / "out", filters=filters).report
    assert [part.rows for part in report.parts] == [36, 36, 18]
    assert read_parts(tmp_path / "out" / "kept") == given_rows


def test_without_a_folder_only_the_report_is_made(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", rows(2000))
    report = filtered(path, limit=800, column="messages").report
    assert (report.rows, report.kept, report.parts, report.complete) == (800, 640, (), True)
    assert (report.input.limit, report.input.column) == (800, "messages")
    assert [one.name for one in tmp_path.iterdir()] == ["rows.jsonl"]


def test_a_worker_that_dies_is_said(tmp_path: Path) -> None:
    def kill() -> bool:
        for process in psutil.Process().children():
            with suppress(psutil.Error):
                if any("spawn_main" in word for word in process.cmdline()):
                    process.kill()
        return False

    path = write_parquet(tmp_path / "rows.parquet", rows(5000))
    with pytest.raises(DatasetError, match="process of the filters has died"):
        filtered(path, stop=kill)


def test_dry_filters_make_no_sense_here(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", rows(1))
    with pytest.raises(InputError, match=r"filters\.dry"):
        filtered(path, filters=CHEAP.model_copy(update={"dry": True}))
