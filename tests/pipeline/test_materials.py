"""Datasets of modes: found with what is wrong in the recipe's words, read from any number on, in any kind of file."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from generators.material import Material
from pipeline.material_readers import open_reader
from pipeline.materials import FoundDataset, find_dataset, find_materials
from pipeline.passage_index import PassageIndex, Seen
from schemas.errors import InputError
from schemas.modes import Corpus, GivenConversations, GivenPrompts, SourceDataset
from schemas.recipe import Recipe
from tests.support.builds import recipe
from tests.support.corpora import document, write_corpus

DOCUMENTS = [document(number, 2) for number in range(30)]


def find(spec: SourceDataset) -> FoundDataset:
    return find_dataset(("modes", 1, "corpus"), spec)


def read(found: FoundDataset, index: Path, start: int = 0, at_once: int = 7) -> list[Material]:
    reader = open_reader(found, index)
    reader.open(start)
    materials: list[Material] = []
    while not reader.ended:
        materials += reader.read(at_once)
    reader.close()
    return materials


def texts(materials: list[Material]) -> list[str]:
    return [one.texts[0] for one in materials if one.fault is None]


def faults(materials: list[Material]) -> dict[int, str]:
    return {one.number: one.fault.reason for one in materials if one.fault is not None}


def to_parquet(path: Path, rows: list[dict[str, Any]], **options: Any) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path, **options)
    return path


def jsonl(folder: Path) -> Path:
    return write_corpus(folder / "corpus.jsonl", DOCUMENTS)


def packed_jsonl(folder: Path) -> Path:
    plain = jsonl(folder)
    packed = folder / "corpus.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    return packed


def parquet(folder: Path) -> Path:
    return to_parquet(folder / "corpus.parquet", [{"text": text, "n": 1} for text in DOCUMENTS], row_group_size=4)


def folder_of_parquet(folder: Path) -> Path:
    for part in range(3):
        rows = [{"text": text} for text in DOCUMENTS[part * 10 : part * 10 + 10]]
        to_parquet(folder / f"train-{part}.parquet", rows)
    return folder


def folder_of_texts(folder: Path) -> Path:
    for number, text in enumerate(DOCUMENTS):
        (folder / f"{number:02d}.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("write", [jsonl, packed_jsonl, parquet, folder_of_parquet, folder_of_texts])
def test_every_kind_of_file_gives_the_same_passages_from_every_number(
    tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    (tmp_path / "data").mkdir()
    found = find(Corpus(dataset=str(write(tmp_path / "data")), max_chars=450))
    index = tmp_path / "passages" / "reverse-eu.index"
    materials = read(found, index)
    assert [one.number for one in materials] == list(range(60))
    assert texts(materials) == [text for document in DOCUMENTS for text in document.split("\n\n")]
    assert index.stat().st_size == 60 * 8
    for start in (0, 1, 31, 32, 59, 60, 70):
        assert read(found, index, start, at_once=64) == materials[start:]
    index.unlink()
    assert read(found, index, 31) == materials[31:], "the index is a cache"
    index.write_bytes(index.read_bytes()[: 8 * 17 + 3] + bytes(800))
    assert read(found, index, 44) == materials[44:], "and may be torn"


def test_what_rows_cite(tmp_path: Path) -> None:
    written = write_corpus(tmp_path / "c.jsonl", DOCUMENTS[:2], id=[7, "x"], title=[" Izena ", None])
    found = find(Corpus(dataset=str(written), id_column="id", licence="cc-by-4.0", max_chars=450))
    sources = [one.source for one in read(found, tmp_path / "i")]
    assert [(one.document, one.title, one.licence) for one in sources] == [
        ("7", "Izena", "cc-by-4.0"),
        ("7", "Izena", "cc-by-4.0"),
        ("x", None, "cc-by-4.0"),
        ("x", None, "cc-by-4.0"),
    ]
    for source, text in zip(sources, [part for one in DOCUMENTS[:2] for part in one.split("\n\n")], strict=True):
        whole = DOCUMENTS[0 if source.document == "7" else 1]
        assert whole[source.start : source.end] == text
    folder_of_texts(tmp_path)
    assert [one.source.document for one in read(find(Corpus(dataset=str(tmp_path / "*.txt"))), tmp_path / "j")][:2] == [
        "00.txt",
        "01.txt",
    ]


def test_a_single_text_file_holds_documents_between_blank_lines(tmp_path: Path) -> None:
    file = tmp_path / "corpus.txt"
    parts = [text.replace("\n\n", "\n") for text in DOCUMENTS[:5]]
    file.write_bytes(("\n \n\n".join(parts) + "\r\n\r\nMotza.\r\n").encode())
    materials = read(find(Corpus(dataset=str(file))), tmp_path / "i")
    assert texts(materials) == parts
    assert faults(materials) == {5: "material.too_short"}
    file.write_bytes(b"\xff\xfe" + "ñ".encode("latin-1") * 400 + b"\n\n" + DOCUMENTS[0].encode())
    assert faults(read(find(Corpus(dataset=str(file), min_chars=10)), tmp_path / "i")) == {0: "material.unreadable"}


def test_repeats_are_passed_over_wherever_they_stand(tmp_path: Path) -> None:
    first, second = DOCUMENTS[0].split("\n\n")
    again = [DOCUMENTS[0], DOCUMENTS[0], f"{second.upper()}\n\n{DOCUMENTS[1]}", first]
    found = find(Corpus(dataset=str(write_corpus(tmp_path / "c.jsonl", again)), max_chars=450))
    materials = read(found, tmp_path / "i")
    assert texts(materials) == [first, second, *DOCUMENTS[1].split("\n\n")]
    assert faults(materials) == {2: "material.duplicate", 5: "material.duplicate"}
    assert "all its 2 passages are in the corpus before" in str(materials[2].fault)
    for start in range(7):
        assert read(found, tmp_path / "i", start) == materials[start:]


def test_what_is_no_text_is_not_read_as_one(tmp_path: Path) -> None:
    mojibake = "Añorga auzoan, Ibañezen etxean, señaleak daude; piñudia handia da, eta ñabardura asko ditu. " * 4
    wrong = mojibake.encode().decode("cp1252")
    rows = [mojibake, wrong, "\ufffd" * 9 + DOCUMENTS[0], "\x00\x01" * 300, 5, None, " \n ", "{}[]();=<>" * 60]
    materials = read(find(Corpus(dataset=str(write_corpus(tmp_path / "c.jsonl", rows)))), tmp_path / "i")
    assert texts(materials) == [mojibake.strip()]
    assert faults(materials) == {
        **dict.fromkeys((1, 2, 3, 4), "material.unreadable"),
        **dict.fromkeys((5, 6), "material.empty"),
        7: "material.no_passage",
    }


def test_a_huge_document_does_not_hold_up_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.passage_reading.MOST_CHARS", 100_000)
    huge = "\n\n".join(DOCUMENTS * 10)
    rows = [DOCUMENTS[0], huge, DOCUMENTS[1]]
    materials = read(find(Corpus(dataset=str(write_corpus(tmp_path / "c.jsonl", rows)))), tmp_path / "i")
    assert texts(materials) == [DOCUMENTS[0], DOCUMENTS[1]]
    assert faults(materials) == {1: "material.too_long"}


def test_prompts_are_rows_or_lines(tmp_path: Path) -> None:
    rows = [{"prompt": " Zer da hau? "}, {"prompt": ""}, {"prompt": 4}, {}, {"prompt": "Nor zara?"}]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    materials = read(find(GivenPrompts(dataset=str(tmp_path / "p.jsonl"))), tmp_path / "i")
    assert [(one.number, one.texts[0]) for one in materials if one.fault is None] == [
        (0, "Zer da hau?"),
        (4, "Nor zara?"),
    ]
    assert faults(materials) == {1: "material.empty", 2: "material.no_text", 3: "material.no_text"}
    (tmp_path / "p.txt").write_text("\ufeffZer da hau?\n\nNor zara?\r\n", encoding="utf-8")
    found = find(GivenPrompts(dataset=str(tmp_path / "p.txt")))
    assert texts(read(found, tmp_path / "i")) == ["Zer da hau?", "Nor zara?"]
    assert texts(read(found, tmp_path / "i", 1)) == ["Nor zara?"]
    assert not (tmp_path / "i").exists(), "rows need no index"


def test_conversations_are_messages_or_pairs(tmp_path: Path) -> None:
    chat = [{"from": "system", "value": "x"}, {"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
    rows = [{"messages": chat}, {"messages": chat[1:] * 2}, {"messages": chat[:2]}, {"messages": None}]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    materials = read(find(GivenConversations(dataset=str(tmp_path / "m.jsonl"))), tmp_path / "i")
    assert [one.texts for one in materials[:2]] == [("Hi", "Hello"), ("Hi", "Hello") * 2]
    assert faults(materials) == {2: "material.no_conversation", 3: "material.no_conversation"}
    to_parquet(tmp_path / "p.parquet", [{"q": "Hi", "a": "Hello"}, {"q": " ", "a": "Hello"}, {"q": "Hi", "a": None}])
    spec = GivenConversations(dataset=str(tmp_path / "p.parquet"), instruction_column="q", reply_column="a")
    materials = read(find(spec), tmp_path / "i")
    assert materials[0].texts == ("Hi", "Hello")
    assert faults(materials) == {1: "material.empty", 2: "material.no_conversation"}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            Corpus(dataset="c.jsonl", text_column="body"),
            r"^modes\.1\.corpus\.text_column: c\.jsonl has no column 'body'; ",
        ),
        (
            Corpus(dataset="c.jsonl", id_column="key"),
            r"^modes\.1\.corpus\.id_column: .* has no column 'key'; it has: text",
        ),
        (Corpus(dataset="c.jsonl", title_column="name"), r"^modes\.1\.corpus\.title_column: "),
        (
            Corpus(dataset="c.jsonl", text_column="n"),
            r"^modes\.1\.corpus: the column 'n' of c\.jsonl holds no text, but int",
        ),
        (Corpus(dataset="c.jsonl", split="test"), r"^modes\.1\.corpus\.split: only a folder or a dataset"),
        (Corpus(dataset="none.jsonl"), r"^modes\.1\.corpus: none\.jsonl: there is no such file or folder"),
        (Corpus(dataset="none.txt"), r"^modes\.1\.corpus: none\.txt: there is no such file or folder"),
        (Corpus(dataset="empty.txt"), r"^modes\.1\.corpus: empty\.txt holds no rows"),
        (Corpus(dataset="broken.jsonl"), r"^modes\.1\.corpus: broken\.jsonl: is no JSONL"),
        (Corpus(dataset="broken.parquet"), r"^modes\.1\.corpus: broken\.parquet: cannot be read"),
        (Corpus(dataset="c.csv"), r"^modes\.1\.corpus: c\.csv: is neither Parquet, JSONL nor plain text .* \.txt "),
        (Corpus(dataset="dir"), r"^modes\.1\.corpus: dir: holds no files of a known kind: .* \.txt "),
        (Corpus(dataset="x" * 300), r"^modes\.1\.corpus: x{300}: cannot be read: File name too long$"),
        (Corpus(dataset="*.*"), r"^modes\.1\.corpus: "),
        (GivenPrompts(dataset="c.jsonl"), r"^modes\.1\.corpus\.column: c\.jsonl has no column 'prompt'"),
        (GivenConversations(dataset="c.jsonl"), r"^modes\.1\.corpus\.column: .* has no column 'messages'"),
        (GivenConversations(dataset="empty.txt"), r"is neither Parquet nor JSONL"),
    ],
)
def test_what_is_wrong_is_said_with_the_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: SourceDataset, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_corpus(Path("c.jsonl"), DOCUMENTS[:3], n=[1, 2, 3])
    Path("empty.txt").write_text("\n \n", encoding="utf-8")
    Path("broken.jsonl").write_text("kaixo\n", encoding="utf-8")
    Path("broken.parquet").write_bytes(b"PAR1 kaixo")
    Path("c.csv").write_text("a,b\n", encoding="utf-8")
    Path("dir").mkdir()
    with pytest.raises(InputError, match=said):
        find(spec)


def test_all_datasets_of_a_recipe_are_found(tmp_path: Path) -> None:
    corpus = {"dataset": str(write_corpus(tmp_path / "c.jsonl", DOCUMENTS[:3]))}
    made: Recipe = recipe(
        modes=[
            {"mode": "magpie", "steering": {"topics_from": corpus}},
            {"mode": "reverse", "corpus": corpus},
            {"mode": "prompts", "prompts": {**corpus, "column": "text"}},
        ]
    )
    found = find_materials(made)
    assert [one.field for one in found] == ["modes.0.steering.topics_from", "modes.1.corpus", "modes.2.prompts"]
    assert [one.feeds for one in found] == [False, True, True]
    assert len({one.content for one in found}) == 1
    told = found[1].told()
    assert (told["dataset"], told["text_column"]) == ("c.jsonl", "text")
    assert "dataset" not in found[1].decisive()
    assert found[1].decisive()["passage_rules"] == 1


def test_digests_are_remembered_in_eight_bytes_each() -> None:
    digests = np.random.default_rng(5).integers(2, 1 << 63, 200_000, np.uint64)
    seen = Seen(digests[:1000])
    for digest in digests[1000:].tolist():
        seen.add(digest)
    assert seen.nbytes <= 8 * len(digests)
    assert all(digest in seen for digest in digests[::97].tolist())
    assert not any(int(digest) + 1 in seen for digest in digests[::97])


def test_an_index_says_where_to_go_on(tmp_path: Path) -> None:
    with PassageIndex.open(tmp_path / "i") as index:
        assert index.document_of(0) == (0, 0)
        for first in (True, False, True, True, False, False):
            index.add(40 + first, first=first)
    for number, expected in {0: (0, 0), 1: (0, 0), 2: (1, 2), 3: (2, 3), 5: (2, 3), 9: (2, 3)}.items():
        kept = (tmp_path / "i").read_bytes()
        with PassageIndex.open(tmp_path / "i") as index:
            assert index.document_of(number) == expected
        assert (tmp_path / "i").read_bytes() == kept[: expected[1] * 8]
        (tmp_path / "i").write_bytes(kept)
