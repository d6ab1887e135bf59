"""What a recipe is held against: datasets of every kind, told apart, read once, known again by what they hold."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from filters.contamination import ContaminationJudge
from pipeline.references import earlier_rows, find_references, read_benchmarks
from publishers.local import publish_to_folder
from schemas.errors import InputError
from schemas.filters import DuplicateFilter, Reference
from tests.support.benchmarks import FIRST, QUESTIONS, write_benchmark
from tests.support.dataset_rows import rows, write_jsonl, write_parquet
from tests.support.filters_drafts import draft, judge_last, reason
from tests.support.publishers_builds import make_build


def reference(dataset: Path | str, **fields: Any) -> Reference:
    return Reference.model_validate({"dataset": str(dataset), **fields})


def names(*references: Reference) -> list[str]:
    """What the rows of the publications are called."""
    return [name for name, _ in earlier_rows(find_references(references), DuplicateFilter()) or ()]


def benchmarks(*references: Reference) -> ContaminationJudge:
    judge = read_benchmarks(find_references(references))
    assert judge is not None
    return judge


def test_a_column_of_conversations_makes_a_publication(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "rows.jsonl", rows(3))
    write_benchmark(tmp_path / "questions.jsonl")
    found = find_references((reference(tmp_path / "rows.jsonl"), reference(tmp_path / "questions.jsonl")))
    assert [one.about.kind for one in found] == ["publication", "benchmark"]
    as_benchmark = benchmarks(reference(tmp_path / "rows.jsonl", kind="benchmark"))
    assert as_benchmark.items(draft(f"Kaixo! {rows(3)[1]['messages'][0]['content']}")) == ((0, 1),)
    assert read_benchmarks(found[:1]) is None
    assert earlier_rows(found[1:], DuplicateFilter()) is None


def test_builds_publications_and_other_datasets_are_read_with_all_their_splits(tmp_path: Path) -> None:
    make_build(tmp_path / "build")
    publish_to_folder(tmp_path / "build", tmp_path / "published")
    write_parquet(tmp_path / "rows.parquet", [*rows(2), {"messages": None}, *rows(3)])
    expected = [
        *(f"build train row {number}" for number in range(6)),
        "build validation row 0",
        "build validation row 1",
    ]
    assert names(reference(tmp_path / "build")) == expected
    assert names(reference(tmp_path / "published")) == [name.replace("build", "published") for name in expected]
    assert names(reference(tmp_path / "published", split="validation")) == [
        "published validation row 0",
        "published validation row 1",
    ]
    # A row that holds no conversation is passed over, and a repeated one is called by its first name.
    assert names(reference(tmp_path / "rows.parquet")) == [f"rows.parquet row {number}" for number in (0, 1, 5)]


@pytest.mark.parametrize("name", ["questions.jsonl", "questions.parquet"])
def test_every_text_of_an_item_counts(tmp_path: Path, name: str) -> None:
    """Questions, choices and answers in columns, lists and structs."""
    write_benchmark(tmp_path / name)
    judge = benchmarks(reference(tmp_path / name))
    assert [(one.name, one.rows) for one in judge.benchmarks] == [(name, len(QUESTIONS))]
    for number, item in enumerate(QUESTIONS):
        for text in (item["question"], item["choices"]["text"][1]):
            assert judge.items(draft(f"Hara: {text}")) == ((0, number),), text
    only = benchmarks(reference(tmp_path / name, columns=["choices"]))
    assert only.items(draft(QUESTIONS[0]["question"])) == ()
    assert only.items(draft(QUESTIONS[0]["choices"]["text"][1])) == ((0, 0),)


def test_every_split_is_a_benchmark_of_its_own(tmp_path: Path) -> None:
    for name, part in (("test", QUESTIONS[:2]), ("validation", QUESTIONS[2:])):
        write_jsonl(tmp_path / "bench" / f"{name}.jsonl", part)
    judge = benchmarks(reference(tmp_path / "bench"))
    assert {one.name: one.rows for one in judge.benchmarks} == {
        "bench test": 2,
        "bench validation": len(QUESTIONS) - 2,
    }
    verdict = judge_last(judge, QUESTIONS[3]["question"])
    assert reason(verdict) == "contamination.ngram"
    assert "bench validation row 1" in verdict.evidence  # type: ignore[union-attr]


def test_every_split_has_columns_of_its_own(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "bench" / "train.jsonl", [{"question": "Zein da hau, labur esanda, hemen?", "x": 1}])
    write_jsonl(tmp_path / "bench" / "test.jsonl", [{"galdera": QUESTIONS[1]["question"], "question": "bi hiru lau"}])
    judge = benchmarks(reference(tmp_path / "bench"))
    assert reason(judge_last(judge, QUESTIONS[1]["question"])) == "contamination.ngram"
    named = benchmarks(reference(tmp_path / "bench", columns=["galdera"], split="test"))
    assert reason(judge_last(named, QUESTIONS[1]["question"])) == "contamination.ngram"


def test_every_split_of_a_publication_holds_conversations(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "old" / "train.jsonl", rows(3))
    write_jsonl(tmp_path / "old" / "test.jsonl", [{"text": FIRST}])
    with pytest.raises(InputError, match=r"against\.0: old test has no column 'messages'.*say kind: benchmark"):
        find_references((reference(tmp_path / "old"),))
    write_jsonl(tmp_path / "odd.jsonl", [{"messages": 5}])
    found = find_references((reference(tmp_path / "odd.jsonl"),))
    with pytest.raises(
        InputError, match=r"against\.0: odd\.jsonl: no row of its column 'messages' holds a conversation"
    ):
        list(earlier_rows(found, DuplicateFilter()) or ())


def test_what_counts_is_what_the_files_hold(tmp_path: Path) -> None:
    path = write_benchmark(tmp_path / "questions.jsonl")
    (before,) = find_references((reference(path),))
    (tmp_path / "elsewhere").mkdir()
    moved = shutil.copy(path, tmp_path / "elsewhere" / "other.jsonl")
    assert find_references((reference(moved),))[0].about.content == before.about.content
    write_jsonl(path, QUESTIONS[1:])
    assert find_references((reference(path),))[0].about.content != before.about.content


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"dataset": "missing.jsonl"}, "filters.duplicates.against.1: missing.jsonl: there is no such file"),
        ({"dataset": "QUESTIONS", "split": "test"}, "filters.duplicates.against.1.split: only a folder or a dataset"),
        (
            {"dataset": "QUESTIONS", "columns": ["x"]},
            "columns: .* has no column 'x'; it has: answer, choices, id",
        ),
        ({"dataset": "QUESTIONS", "kind": "publication"}, "against.1: .* has no column 'messages' or 'conversations'"),
        ({"dataset": "QUESTIONS", "columns": ["id"]}, "against.1: .* none of these columns holds a text of several"),
        ({"dataset": "BROKEN"}, "against.1: broken.jsonl, line 2: no JSON"),
    ],
)
def test_a_reference_that_cannot_be_read_is_named_by_its_field(
    tmp_path: Path, fields: dict[str, Any], words: str
) -> None:
    path = write_benchmark(tmp_path / "questions.jsonl")
    broken = write_jsonl(tmp_path / "broken.jsonl", [QUESTIONS[0], "{", *QUESTIONS])
    places = {"QUESTIONS": path, "BROKEN": broken}
    given = reference(**{**fields, "dataset": places.get(fields["dataset"], fields["dataset"])})
    with pytest.raises(InputError, match=words) as caught:
        read_benchmarks(find_references((reference(path), given)))
    assert "\n" not in str(caught.value)


def test_a_stop_ends_the_reading(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "rows.jsonl", rows(1000))
    write_benchmark(tmp_path / "questions.jsonl")
    found = find_references((reference(tmp_path / "rows.jsonl"), reference(tmp_path / "questions.jsonl")))
    assert read_benchmarks(found, lambda: True) is None
    assert list(earlier_rows(found, DuplicateFilter(), lambda: True) or ()) == []


def test_texts_without_any_order_are_no_trouble(tmp_path: Path) -> None:
    odd = [
        {
            "question": FIRST,
            "meta": {"a": [None, 1, {"b": ["Beste testu luze bat, inon ez dagoena, gure probarako egina."]}]},
        }
    ]
    judge = benchmarks(reference(write_jsonl(tmp_path / "odd.jsonl", [*odd, {"question": None}, {}])))
    assert judge.benchmarks[0].rows == 3
    assert judge.items(draft("Beste testu luze bat, inon ez dagoena, gure probarako egina.")) == ((0, 0),)
