"""A dataset that is there already, held against others: what repeats them, what quotes them, and how much of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.filtering import block as filter_block
from pipeline.filtering.files import DatasetInput
from pipeline.filtering.run import CONTAMINATION_ONLY, FilterOutcome, FilterProgress, FilterResult, filter_dataset
from schemas.errors import InputError, LanguageError
from schemas.filter_report import FilterReport
from schemas.filters import DuplicateFilter, Filters
from schemas.settings import Settings
from tests.support.benchmarks import QUESTIONS, write_benchmark
from tests.support.dataset_rows import CHEAP, exchange, kept_ids, read_parts, results, row, rows, write_jsonl


def held_against(filters: Filters, *references: Any, **duplicates: Any) -> Filters:
    """The filters, with rows compared with other datasets; with their own too where it is said."""
    given = [str(one) if isinstance(one, Path) else one for one in references]
    settings = {"enabled": False, "threshold": 1.0, "against": given, **duplicates}
    return filters.model_copy(update={"duplicates": DuplicateFilter.model_validate(settings)})


def filtered(given: Path, filters: Filters, out: Path | None = None, **options: Any) -> FilterResult:
    given_options = {"language": "eu", "filters": filters, "settings": Settings(workers=1), "out": out, **options}
    return filter_dataset(DatasetInput(str(given)), **given_options)


def counts(report: FilterReport) -> dict[str, int]:
    return {one.reason: one.rows for one in report.reasons}


def quoting(count: int, every: int = 10) -> list[dict[str, Any]]:
    """Rows of which some quote the benchmark, one item after the other: in a question, or at last in a second reply."""
    made = []
    for number in range(count):
        question = QUESTIONS[number // every % len(QUESTIONS)]
        messages = row(number - number % 5)["messages"]
        if number % every == 1:
            messages = exchange(f"Aizu: {question['question']}", "Ez dakit, egia esan.")
        elif number % every == 2:
            messages = [*messages, *exchange("Eta orain?", question["choices"]["text"][1])]
        made.append({"id": number, "messages": messages})
    return made


def test_rows_of_an_earlier_dataset_are_dropped_whether_or_not_duplicates_are(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", [*rows(20), row(3), row(11)])
    earlier = write_jsonl(tmp_path / "earlier.jsonl", rows(8))
    alone = filtered(path, held_against(CHEAP, earlier), tmp_path / "alone").report
    assert counts(alone) == {"duplicates.exact": 8 - 1 + 1, "shape.colon": 4}
    assert [one["id"] for one in read_parts(tmp_path / "alone" / "kept")] == [*kept_ids(20)[7:], 11]
    (reason,) = (one for one in alone.reasons if one.reason == "duplicates.exact")
    assert reason.samples[3].evidence.startswith("repeats earlier.jsonl row 3; this one: Zergatik gustatzen")
    both = filtered(path, held_against(CHEAP, earlier, enabled=True)).report
    assert counts(both) == {"duplicates.exact": 9, "shape.colon": 4}
    (reason,) = (one for one in both.reasons if one.reason == "duplicates.exact")
    # Rows that were kept are still called by their place among the kept ones: row 11 was the third of them.
    assert reason.samples[-1].evidence.startswith("repeats kept row 2; ")
    assert [(one.dataset, one.kind) for one in both.against] == [(str(earlier), "publication")]


def test_items_of_a_benchmark_that_were_found_are_counted(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", quoting(30))
    benchmark = write_benchmark(tmp_path / "questions.jsonl")
    report = filtered(path, held_against(CONTAMINATION_ONLY, benchmark), tmp_path / "out", language=None).report
    assert (report.language, report.language_pack, report.rows, report.kept) == (None, None, 30, 24)
    assert counts(report) == {"contamination.ngram": 6}
    (reason,) = report.reasons
    assert [(one.row, one.turn) for one in reason.samples[:4]] == [(1, 0), (2, 3), (11, 0), (12, 3)]
    (count,) = report.benchmarks
    assert (count.name, count.ngram, count.items, count.found, count.share, count.rows) == (
        "questions.jsonl",
        12,
        4,
        3,
        0.75,
        (0, 1, 2),
    )
    assert {one["id"] for one in read_parts(tmp_path / "out" / "dropped")} == {1, 2, 11, 12, 21, 22}


def test_items_in_later_turns_of_a_dropped_row_count(tmp_path: Path) -> None:
    texts = [one["question"] for one in QUESTIONS[:3]]
    messages = [*exchange(texts[0], "Ez dakit."), *exchange(texts[1], texts[2])]
    path = write_jsonl(tmp_path / "rows.jsonl", [{"messages": messages}])
    benchmark = write_benchmark(tmp_path / "questions.jsonl")
    report = filtered(path, held_against(CONTAMINATION_ONLY, benchmark), language=None).report
    assert report.benchmarks[0].rows == (0, 1, 2)
    assert report.reasons[0].samples[0].turn == 0


def test_stopped_and_gone_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filter_block, "BLOCK_ROWS", 500)
    monkeypatch.setattr("pipeline.filtering.run.PROGRESS_EVERY_S", 0)
    path, out = write_jsonl(tmp_path / "rows.jsonl", quoting(2000, every=600)), tmp_path / "out"
    filters = held_against(CHEAP, write_benchmark(tmp_path / "questions.jsonl"), enabled=True)
    seen: list[FilterProgress] = []
    first = filtered(path, filters, out, stop=lambda: bool(seen) and seen[-1].rows >= 1100, on_progress=seen.append)
    assert first.outcome is FilterOutcome.STOPPED
    assert first.report.benchmarks[0].rows == (0, 1)
    second = filtered(path, filters, out)
    whole = filtered(path, filters, tmp_path / "whole")
    assert results(second.report) == results(whole.report)
    assert second.report.benchmarks[0].rows == (0, 1, 2, 3)


def test_a_changed_benchmark_is_another_run_and_a_moved_one_is_not(tmp_path: Path) -> None:
    path, out = write_jsonl(tmp_path / "rows.jsonl", quoting(30)), tmp_path / "out"
    benchmark = write_benchmark(tmp_path / "questions.jsonl")
    filtered(path, held_against(CHEAP, benchmark), out)
    moved = benchmark.rename(tmp_path / "moved.jsonl")
    assert filtered(path, held_against(CHEAP, moved), out).outcome is FilterOutcome.NOTHING_TO_DO
    write_jsonl(moved, QUESTIONS[1:])
    with pytest.raises(InputError, match=r"holds another run: filters\.duplicates\.against\.0\.content was"):
        filtered(path, held_against(CHEAP, moved), out)


def test_filters_that_need_a_language_say_so(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", rows(3))
    with pytest.raises(LanguageError, match="need a language"):
        filtered(path, CHEAP, language=None)
