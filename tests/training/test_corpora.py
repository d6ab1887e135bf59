"""Documents of a corpus from files of every kind, and what is said about bad ones."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import InputError
from schemas.training import CorpusSource
from tests.support.dataset_rows import write_jsonl, write_parquet
from tests.support.publishers_builds import make_build
from training import records
from training.corpora import Document, Documents, open_documents

FIELD = "data.corpus.0"
TEXTS = ["Kaixo, mundua!", "Bigarren testua.\nBi lerrotan.", "🍞 ogia"]


def opened(source: Path | str, **more: str) -> Documents:
    return open_documents(CorpusSource.model_validate({"source": str(source), "language": "eu", **more}), FIELD)


def texts(source: Path | str, **more: str) -> list[str]:
    return [document.text for document in opened(source, **more)]


def write_text(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(source: Path | str, **more: str) -> str:
    """What is said, in one line, when it is opened or read."""
    with pytest.raises(InputError) as caught:
        list(opened(source, **more))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.ndjson", "A.JSONL", "a.jsonl.gz", "a.jsonl.zst"])
def test_jsonl_of_every_name(tmp_path: Path, name: str) -> None:
    # Arrow tells by the name whether to compress.
    with pa.output_stream(tmp_path / name) as stream:
        stream.write("".join(f"{json.dumps({'text': text})}\n\n" for text in TEXTS).encode())
    read = opened(tmp_path / name)
    assert list(read) == [Document(f"{name}#{number}", text) for number, text in enumerate(TEXTS)]
    assert (read.name, read.revision, read.left_out) == (name, None, {})


def test_compressed_in_several_pieces(tmp_path: Path) -> None:
    lines = [json.dumps({"text": text}).encode() + b"\n" for text in TEXTS]
    assert texts(write_text(tmp_path / "a.jsonl.gz", b"".join(map(gzip.compress, lines)))) == TEXTS


def test_parquet_by_the_column_that_is_named(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", [{"edukia": text, "text": "ez"} for text in TEXTS * 500])
    assert texts(path, text_field="edukia") == TEXTS * 500


def test_one_plain_text_is_parted_by_blank_lines_and_is_whole_without_them(tmp_path: Path) -> None:
    content = "\ufeff\n\n  Bat\nbi\r\n \r\n\nHiru\n\n\n\nLau"
    assert texts(write_text(tmp_path / "a.txt", content)) == ["  Bat\nbi", "Hiru", "Lau"]
    assert texts(write_text(tmp_path / "b.txt", "Bat\nBi\nHiru\n")) == ["Bat\nBi\nHiru"]
    assert texts(write_text(tmp_path / "c.txt.gz", gzip.compress(b"Bat\n\nBi"))) == ["Bat", "Bi"]


def test_of_several_plain_texts_each_is_a_document(tmp_path: Path) -> None:
    write_text(tmp_path / "c" / "b.txt", "Bi\n\nHiru")
    write_text(tmp_path / "c" / "a.txt", "Bat")
    write_text(tmp_path / "c" / "deep" / "c.txt", "Lau")
    write_text(tmp_path / "c" / "notes.md", "Ez")
    read = opened(tmp_path / "c")
    assert list(read) == [Document("c#0", "Bat"), Document("c#1", "Bi\n\nHiru"), Document("c#2", "Lau")]
    assert texts(tmp_path / "c" / "?.txt") == ["Bat", "Bi\n\nHiru"]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_folder_of_files_is_read_in_the_order_of_names_without_its_other_splits(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "c"
    folder.mkdir()
    write = write_jsonl if kind == "jsonl" else write_parquet
    for name in ("train-1", "train-0", "test-0"):
        write(folder / f"{name}.{kind}", [{"text": name}])
    assert texts(folder) == ["train-0", "train-1"]
    assert texts(folder, split="test") == ["test-0"]
    assert "has no split 'dev'; it has: train, test" in refused(folder, split="dev")


def test_it_is_read_anew_each_time_with_the_same_counts(tmp_path: Path) -> None:
    lines = [*({"text": text} for text in TEXTS), {"text": " \n"}, {"text": None}, {}, {"text": 3}, "{", "[]"]
    lines += ['{"text": "\\ud83d"}', {"text": "azkena"}]
    read = opened(write_jsonl(tmp_path / "a.jsonl", lines))
    first = list(read)
    assert list(read) == first
    assert [one.text for one in first] == [*TEXTS, "azkena"]
    assert [one.id for one in first] == ["a.jsonl#0", "a.jsonl#1", "a.jsonl#2", "a.jsonl#10"]
    assert read.left_out == {"empty": 3, "unreadable": 4}


def test_what_is_no_utf8_or_too_long_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MOST_BYTES", 40)
    long = "luze " * 20
    read = opened(write_text(tmp_path / "a.txt", b"Bat\n\n\xff\xfe\n\n" + long.encode() + b"\n\nBi"))
    assert [one.text for one in read] == ["Bat", "Bi"]
    assert read.left_out == {"unreadable": 2}
    read = opened(write_jsonl(tmp_path / "a.jsonl", [{"text": "Bat"}, {"text": long}, {"text": "Bi"}]))
    assert [one.text for one in read] == ["Bat", "Bi"]
    assert read.left_out == {"unreadable": 1}
    write_text(tmp_path / "c" / "a.txt", "Bat")
    write_text(tmp_path / "c" / "b.txt", long)
    read = opened(tmp_path / "c")
    assert [one.text for one in read] == ["Bat"]
    assert read.left_out == {"unreadable": 1}


def test_parquet_with_text_that_is_no_utf8_loses_only_that_row(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": _strings([b"Bat", b"\xff", b"Bi"])}), path)
    read = opened(path)
    assert [one.text for one in read] == ["Bat", "Bi"]
    assert read.left_out == {"unreadable": 1}


def _strings(values: list[bytes]) -> pa.Array:
    """Bytes as a column of text, which Arrow does not look into."""
    given = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(values), given.buffers())


def test_no_path_of_the_machine_is_in_names_and_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path / "corpus" / "a.txt", "Bat")
    monkeypatch.chdir(tmp_path / "corpus")
    for source in (".", str(tmp_path / "corpus") + "/", "../corpus"):
        read = opened(source)
        assert read.name == "corpus"
        assert [one.id for one in read] == ["corpus#0"]


def test_what_is_missing_or_of_no_known_kind_is_said(tmp_path: Path) -> None:
    assert refused(tmp_path / "ez.jsonl").startswith(f"{FIELD}.source: there is no file or folder ")
    assert "a dataset on the Hub is named namespace/name" in refused("corpus/ez.jsonl")
    assert refused(tmp_path / "*.jsonl").startswith(f"{FIELD}.source: no file has a name like ")
    assert refused("x" * 5000).startswith(f"{FIELD}.source: ")
    assert "is neither Parquet, JSONL nor plain text by its name" in refused(write_text(tmp_path / "a.docx", "x"))
    assert "is neither Parquet" in refused(write_text(tmp_path / "a.parquet.gz", "x"))
    (tmp_path / "hutsa").mkdir()
    assert "hutsa cannot be read as a dataset" in refused(tmp_path / "hutsa")
    write_text(tmp_path / "c" / "a.txt", "x")
    write_jsonl(tmp_path / "c" / "b.jsonl", [{"text": "x"}])
    assert "holds files of several kinds, jsonl and text" in refused(tmp_path / "c" / "*")


def test_what_only_the_hub_has_is_refused_for_files(tmp_path: Path) -> None:
    path = write_text(tmp_path / "a.txt", "Bat")
    assert refused(path, revision="v1").startswith(f"{FIELD}.revision: ")
    assert refused(path, config="eu").startswith(f"{FIELD}.config: ")
    assert refused(path, split="test").startswith(f"{FIELD}.split: ")


def test_a_column_that_is_not_there_is_said_with_those_that_are(tmp_path: Path) -> None:
    told = f"{FIELD}.text_field: a.{{}} has no column 'text'; it has: id, body"
    assert refused(write_jsonl(tmp_path / "a.jsonl", [{"id": 1, "body": "x"}])) == told.format("jsonl")
    assert refused(write_parquet(tmp_path / "a.parquet", [{"id": 1, "body": "x"}])) == told.format("parquet")


def test_conversations_are_sent_to_their_place(tmp_path: Path) -> None:
    hint = "; put conversations under data.conversations"
    for name in ("messages", "conversations"):
        told = f"{FIELD}.text_field: {name}.jsonl has no column 'text'; it has: {name}{hint}"
        assert refused(write_jsonl(tmp_path / f"{name}.jsonl", [{name: []}])) == told
    make_build(tmp_path / "build")
    assert refused(tmp_path / "build").endswith(hint)
    configs = "".join(f"- {{config_name: {name}, data_files: data/magpie-eu/*}}\n" for name in ("bat", "bi"))
    (tmp_path / "build" / "README.md").write_text(f"---\nconfigs:\n{configs}---\n")
    told = f"{FIELD}.config: name the one that is meant; build has: bat, bi"
    assert refused(tmp_path / "build") == told + hint
    (tmp_path / "build" / "manifest.json").unlink()
    assert refused(tmp_path / "build") == told


def test_a_file_that_is_damaged_is_named(tmp_path: Path) -> None:
    whole = write_parquet(tmp_path / "whole.parquet", [{"text": f"{number} " * 50} for number in range(2000)])
    torn = write_text(tmp_path / "torn.parquet", whole.read_bytes()[:-100])
    assert refused(torn).startswith(f"{FIELD}.source: torn.parquet cannot be read (")
    packed = gzip.compress(b"".join(json.dumps({"text": f"{number}"}).encode() + b"\n" for number in range(90_000)))
    torn = write_text(tmp_path / "torn.jsonl.gz", packed[:-5000])
    assert refused(torn).startswith(f"{FIELD}.source: torn.jsonl.gz cannot be read (")
    listed = write_text(tmp_path / "list.json", json.dumps([{"text": "x"}], indent=1))
    assert "list.json is no JSONL, which is one object a line" in refused(listed)


def test_a_later_file_without_the_column_is_named(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", [{"text": "Bat"}])
    write_parquet(tmp_path / "b.parquet", [{"body": "Bi"}])
    told = refused(tmp_path / "*.parquet")
    assert told == f"{FIELD}.text_field: b.parquet has no column 'text'; it has: body"


def test_a_corpus_without_documents_is_said_with_why(tmp_path: Path) -> None:
    empty = write_text(tmp_path / "empty.txt", "\n \n")
    assert refused(empty) == f"{FIELD}.source: empty.txt holds no documents"
    blank = write_jsonl(tmp_path / "a.jsonl", [{"text": " "}, {"text": ""}])
    assert refused(blank) == f"{FIELD}.source: a.jsonl holds no documents (2 empty)"
    assert refused(write_jsonl(tmp_path / "b.jsonl", [])) == f"{FIELD}.source: b.jsonl holds no documents"
