"""Reading existing datasets: every kind of file, any rows, from any place on, and what is said about bad input."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pipeline.filtering.jsonl_source
from pipeline.filtering.files import DatasetInput, find_files
from pipeline.filtering.json_columns import MOST_KEYS, Seen, from_column, to_batch
from pipeline.filtering.row_batch import RowSource
from pipeline.filtering.source import judged_column, open_source
from publishers.local import publish_to_folder
from schemas.errors import InputError
from tests.support.dataset_rows import exchange, rows, write_jsonl, write_parquet
from tests.support.publishers_builds import make_build

HALF = "\\ud83d"


def opened(given: Path | str, **options: Any) -> RowSource:
    source = open_source(find_files(DatasetInput(str(given), **options)), lambda: False)
    assert source is not None
    return source


def read(source: RowSource, start: int = 0) -> list[dict[str, Any]]:
    """All rows, JSON columns as what they stand for."""
    found: list[dict[str, Any]] = []
    for batch in source.batches(start):
        columns = [from_column(batch.rows.column(name)) for name in source.schema.names]
        found.extend(dict(zip(source.schema.names, values, strict=True)) for values in zip(*columns, strict=True))
    return found


def faults(source: RowSource) -> dict[int, str]:
    """By the row's place in the input."""
    found: dict[int, str] = {}
    start = 0
    for batch in source.batches(0):
        found |= {start + place: fault for place, fault in batch.faults.items()}
        start += batch.rows.num_rows
    return found


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.ndjson", "A.JSONL", "a.jsonl.gz", "a.json.zst"])
def test_jsonl_of_every_name(tmp_path: Path, name: str) -> None:
    plain = write_jsonl(tmp_path / "plain", rows(700)).read_bytes()
    path = tmp_path / name
    # Arrow tells by the name whether to compress.
    with pa.output_stream(path) as stream:
        stream.write(plain)
    assert (path.read_bytes() == plain) == (path.suffix not in (".gz", ".zst"))
    assert read(opened(path)) == rows(700)


@pytest.mark.parametrize("name", ["a.parquet", "a.pq"])
def test_parquet(tmp_path: Path, name: str) -> None:
    source = opened(write_parquet(tmp_path / name, rows(1500)))
    assert source.rows == 1500
    assert read(source) == rows(1500)


def test_compressed_in_several_pieces(tmp_path: Path) -> None:
    lines = [json.dumps(one).encode() + b"\n" for one in rows(9)]
    (tmp_path / "a.jsonl.gz").write_bytes(b"".join(map(gzip.compress, lines)))
    assert read(opened(tmp_path / "a.jsonl.gz")) == rows(9)


def test_a_glob_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    given = rows(40)
    for number in (2, 0, 1, 3):
        write_jsonl(tmp_path / f"part-{number}.jsonl", given[number * 10 : number * 10 + 10])
    (tmp_path / "part-9.jsonl").mkdir()
    assert read(opened(f"{tmp_path}/part-*.jsonl")) == given
    found = find_files(DatasetInput(f"{tmp_path}/**/*.jsonl"))
    assert [file.name for file in found.files] == [f"part-{number}.jsonl" for number in range(4)]


def test_a_folder_is_read_as_datasets_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "parquet"  # also the name of a format
    (folder / "data").mkdir(parents=True)
    write_parquet(folder / "data" / "train-00000.parquet", rows(9))
    write_parquet(folder / "data" / "test-00000.parquet", rows(3))
    assert read(opened(folder)) == rows(9)
    assert read(opened(folder, split="test")) == rows(3)
    with pytest.raises(InputError, match=r"--split: .* has no split 'dev'; it has: train, test"):
        opened(folder, split="dev")
    with pytest.raises(InputError, match=r"--config: .*'other' not found"):
        opened(folder, config="other")


def test_a_publication_is_read_by_its_card(tmp_path: Path) -> None:
    make_build(tmp_path / "build")
    publish_to_folder(tmp_path / "build", tmp_path / "target")
    source = opened(tmp_path / "target", config="magpie-eu", split="validation")
    assert [one["id"] for one in read(source)] == ["proba-magpie-1000000", "proba-magpie-1000001"]
    about = find_files(DatasetInput(str(tmp_path / "target"))).about
    assert (about.config, about.split, len(about.files)) == ("magpie-eu", "train", 2)


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize("limit", [None, 1, 777, 1201, 5000])
def test_the_same_batches_from_every_place_where_one_ends(tmp_path: Path, kind: str, limit: int | None) -> None:
    given = rows(1800)
    for number, (start, stop) in enumerate([(0, 600), (600, 601), (601, 601), (601, 1800)]):
        path = tmp_path / f"{number}.{kind}"
        part = given[start:stop]
        if kind == "jsonl":
            write_jsonl(path, part)
        else:
            schema = pa.Table.from_pylist(given).schema
            pq.write_table(pa.Table.from_pylist(part, schema=schema), path, row_group_size=320)
    source = opened(f"{tmp_path}/*.{kind}", limit=limit)
    assert source.rows == min(1800, limit or 1800)
    whole = [batch.rows.num_rows for batch in source.batches(0)]
    assert read(source) == given[: source.rows]
    for place in range(len(whole) + 1):
        start = sum(whole[:place])
        assert [batch.rows.num_rows for batch in source.batches(start)] == whole[place:]
        assert read(source, start) == given[start : source.rows]


def test_large_rows_make_small_batches(tmp_path: Path) -> None:
    given = [{"messages": exchange(f"{number} " + "x" * 60_000, "y")} for number in range(40)]
    for path in (write_jsonl(tmp_path / "a.jsonl", given), write_parquet(tmp_path / "a.parquet", given)):
        source = opened(path)
        assert max(batch.rows.num_rows for batch in source.batches(0)) <= 5
        assert read(source) == given


def test_columns_of_jsonl_fit_all_rows(tmp_path: Path) -> None:
    given: list[dict[str, Any]] = [
        {
            "late": None,
            "number": 1,
            "long": 1 << 60,
            "huge": 1 << 70,
            "mixed": 1,
            "nested": [{"a": 1}],
            "empty": {},
            "nulls": [None, None],
        },
        {"late": "x", "number": 2.5, "long": 3, "huge": 0.5, "mixed": ["x"], "nested": [{"b": "x"}], "empty": {}},
        {
            "late": "y",
            "number": None,
            "long": None,
            "huge": None,
            "mixed": {"k": [True]},
            "nested": None,
            "never": None,
        },
    ]
    source = opened(write_jsonl(tmp_path / "a.jsonl", given))
    kinds = {field.name: field.type for field in source.schema}
    assert (kinds["late"], kinds["number"], kinds["long"]) == (pa.string(), pa.float64(), pa.int64())
    assert kinds["huge"] == kinds["mixed"] == kinds["empty"] == pa.json_()
    assert kinds["never"] == pa.string()
    found = read(source)
    assert [one["mixed"] for one in found] == [1, ["x"], {"k": [True]}]
    assert [one["huge"] for one in found] == [1 << 70, 0.5, None]
    assert [one["nulls"] for one in found] == [[None, None], None, None]
    assert found[1]["nested"] == [{"a": None, "b": "x"}]


def test_what_would_be_too_many_columns_is_json(tmp_path: Path) -> None:
    wide = {"counts": {f"k{number}": number for number in range(MOST_KEYS + 1)}}
    assert opened(write_jsonl(tmp_path / "a.jsonl", [wide])).schema.field("counts").type == pa.json_()
    with pytest.raises(InputError, match="more than 1,000 different keys"):
        opened(write_jsonl(tmp_path / "b.jsonl", [wide["counts"]]))


def test_lines_that_are_no_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.filtering.jsonl_source, "LINE_BYTES", 5_000)
    path = tmp_path / "a.jsonl"
    lines = [
        b'\xef\xbb\xbf{"a": "kaixo"}\r',
        b"",
        b'{"a": ',
        b"[1]",
        b'{"a": "\xff"}',
        b'{"a": "' + b"x" * 20_000 + b'"}',
        b'{"a": ' + b"[" * 2_000 + b"]" * 2_000 + b"}",
        b'{"a": ' + b"[" * 300 + b"]" * 300 + b"}",
        b'{"a": "' + HALF.encode() + b'"}',
        b'{"a": "\\ud83c\\udf5e\\u0000"}',
        b'{"a": ' + b"9" * 4_900 + b"}",
        b'{"a": "cut',
    ]
    path.write_bytes(b"\n".join(lines))
    source = opened(path)
    assert [one["a"] for one in read(source)] == ["kaixo", *[None] * 6, "\ufffd", "🍞\0", None, None]
    found = faults(source)
    assert list(found) == [1, 2, 3, 4, 5, 6, 7, 9, 10]
    words = ["line 3: no JSON", "line 4: no object", "line 5: no UTF-8", "line 6: longer than", "line 7: nested"]
    words += ["line 8: nested", "line 9: holds half", "line 11: no JSON", "line 12: no JSON"]
    for fault, word in zip(found.values(), words, strict=True):
        assert fault.startswith(f"a.jsonl, {word}")


def test_parquet_files_with_different_columns(tmp_path: Path) -> None:
    first = pa.table({"messages": [exchange("a", "b")], "note": pa.nulls(1), "n": pa.array([1], pa.int32())})
    second = pa.table({"n": [1 << 40], "note": ["x"], "extra": [1.5], "messages": [exchange("c", "d")]})
    for name, table in (("1.parquet", first), ("2.parquet", second)):
        pq.write_table(table, tmp_path / name)
    assert read(opened(f"{tmp_path}/*.parquet")) == [
        {"messages": exchange("a", "b"), "note": None, "n": 1, "extra": None},
        {"messages": exchange("c", "d"), "note": "x", "n": 1 << 40, "extra": 1.5},
    ]
    pq.write_table(pa.table({"messages": ["text"]}), tmp_path / "3.parquet")
    with pytest.raises(InputError, match=r"3\.parquet: its columns do not go with those of 1\.parquet"):
        opened(f"{tmp_path}/*.parquet")


def test_the_column_is_found_or_named(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"conversations": [], "messages": [], "chat": []}])
    found = find_files(DatasetInput(str(path)))
    assert judged_column(found, pa.schema([("conversations", pa.null()), ("messages", pa.null())])) == "messages"
    assert judged_column(found, pa.schema([("conversations", pa.null())])) == "conversations"
    with pytest.raises(InputError, match=r"no column 'messages' or 'conversations'; it has: chat; .* --column"):
        judged_column(found, pa.schema([("chat", pa.null())]))
    named = find_files(DatasetInput(str(path), column="x"))
    with pytest.raises(InputError, match=r"--column: .* no column 'x'; it has: chat"):
        judged_column(named, pa.schema([("chat", pa.null())]))


def bad_inputs(folder: Path) -> dict[str, str]:
    """Files that cannot be read, by what is said of them."""
    (folder / "no.parquet").write_text("text", encoding="utf-8")
    (folder / "none.parquet").write_bytes(b"")
    pq.write_table(pa.table({"messages": pa.array([], pa.string())}), folder / "zero.parquet")
    write_jsonl(folder / "list.json", [[{"messages": []}]])
    write_jsonl(folder / "pretty.json", ["", "{", '  "messages": []', "}"])
    (folder / "binary.jsonl").write_bytes(os.urandom(10_000))
    (folder / "latin.jsonl").write_bytes('{"a": "año"}\n'.encode("latin-1"))
    (folder / "none.jsonl").write_bytes(b"\n\n")
    (folder / "no.jsonl.gz").write_text("text", encoding="utf-8")
    (folder / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"messages": []}\n' * 10_000)[:60])
    write_jsonl(folder / "rows.csv", ["a,b"])
    (folder / "both").mkdir()
    write_jsonl(folder / "both" / "a.jsonl", rows(1))
    write_parquet(folder / "both" / "a.parquet", rows(1))
    (folder / "empty").mkdir()
    return {
        "no.parquet": "no.parquet: cannot be read",
        "none.parquet": "none.parquet: cannot be read",
        "zero.parquet": "holds no rows",
        "list.json": r"list.json: is no JSONL, .* line 1 is no object: .*jq -c",
        "pretty.json": "pretty.json: is no JSONL, .* line 2 is no JSON",
        "binary.jsonl": "binary.jsonl: is no JSONL",
        "latin.jsonl": r"latin.jsonl: is no JSONL, .* line 1 is no UTF-8: .*iconv",
        "none.jsonl": "holds no rows",
        "no.jsonl.gz": "no.jsonl.gz: cannot be read",
        "cut.jsonl.gz": "cut.jsonl.gz: cannot be read .*Truncated",
        "rows.csv": r"rows.csv: is neither Parquet nor JSONL by its name; known endings: \.parquet",
        "both/*": "holds files of several kinds, jsonl and parquet",
        "*.nothing": "no file has a name like that",
        "missing.jsonl": "there is no such file or folder",
        "a/b/c": "there is no such file or folder",
        "empty": r"holds no files of a known kind: .*, \.json \(these",
        "x" * 300: "x: cannot be read: File name too long",
        f"{'x' * 300}.jsonl": r"x\.jsonl: cannot be read: File name too long",
    }


def test_bad_input_is_named(tmp_path: Path) -> None:
    for name, words in bad_inputs(tmp_path).items():
        with pytest.raises(InputError, match=words) as raised:
            opened(tmp_path / name)
        assert "\n" not in str(raised.value)
    write_jsonl(tmp_path / "a.jsonl", rows(1))
    for option in ("config", "split", "revision"):
        with pytest.raises(InputError, match=f"--{option}: only a .* has one"):
            opened(tmp_path / "a.jsonl", **{option: "x"})
    with pytest.raises(InputError, match="--revision: only a dataset on the Hub"):
        opened(tmp_path / "both", revision="x")


def test_the_first_reading_can_be_stopped(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", rows(3))
    assert open_source(find_files(DatasetInput(str(path))), lambda: True) is None


scalars = st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
objects = st.lists(st.dictionaries(st.sampled_from("abc"), values, max_size=3), min_size=1, max_size=6)


def same(found: Any, given: Any) -> bool:
    """Equal, but that a struct has all fields of its column, and that a number may have become a float."""
    if isinstance(found, dict) and isinstance(given, dict):
        return given.keys() <= found.keys() and all(same(found[name], given.get(name)) for name in found)
    if isinstance(found, list) and isinstance(given, list):
        return len(found) == len(given) and all(map(same, found, given))
    return bool(found == given)


# The first text of all takes a second or two.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(objects)
def test_any_objects_make_columns(made: list[dict[str, Any]]) -> None:
    made = json.loads(json.dumps(made))
    seen = Seen()
    for one in made:
        seen.add(one)
    schema = seen.schema()
    batch = to_batch(made, schema)
    columns = {name: from_column(batch.column(name)) for name in schema.names}
    assert all(same({name: columns[name][place] for name in columns}, one) for place, one in enumerate(made))
