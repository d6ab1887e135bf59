"""`iturri decontaminate`, and `iturri filter --against`."""

from __future__ import annotations

import json
import shlex
import signal
from pathlib import Path

import pytest
from huggingface_hub import constants

from publishers.hub import publish_to_hub
from schemas.filter_report import FilterReport
from tests.support.benchmarks import FIRST, write_benchmark
from tests.support.cli_command import iturri, one_line, start, stop, wait_until
from tests.support.dataset_rows import exchange, kept_ids, read_parts, row, rows, write_jsonl
from tests.support.hub_server import CLIENT_WARNING, HubServer
from tests.support.publishers_builds import conversation, make_build


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Four rows; the last one quotes the first item of the benchmark that lies beside it."""
    write_benchmark(tmp_path / "questions.parquet")
    quoting = {**row(3), "id": 3, "messages": exchange(f"Esan: {FIRST}", "Ez dakit.")}
    return write_jsonl(tmp_path / "rows.jsonl", [*rows(3), quoting])


def test_the_report_says_which_items_were_found(tmp_path: Path, dataset: Path) -> None:
    command = ("decontaminate", dataset.name, "--against", "questions.parquet", "--out", "out")
    done = iturri(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    headline, _, reason, kept, heading, benchmark = (line.rstrip() for line in done.stdout.splitlines())
    assert headline.startswith("rows.jsonl, complete: 3 of 4 rows kept in out (75.0%)")
    assert "row 3: shares 14 words with questions.parquet row 0: zein mendi igo" in reason
    assert reason.split()[0] == "contamination.ngram"
    assert kept.split() == ["kept", "3", "75.0%"]
    assert heading.split() == ["benchmark", "items", "found", "of", "all", "words"]
    assert benchmark.split() == ["questions.parquet", "4", "1", "25.0%", "12"]
    assert [one["id"] for one in read_parts(tmp_path / "out" / "kept")] == [0, 1, 2]
    again = iturri(*command, "--json", cwd=tmp_path)
    assert again.stderr == "iturri: out is complete already; nothing was done\n"
    report = FilterReport.model_validate_json(one_line(again.stdout))
    assert (report.language, report.benchmarks[0].rows, report.against[0].kind) == (None, (0,), "benchmark")


def test_a_dataset_of_conversations_is_read_as_a_benchmark(tmp_path: Path, dataset: Path) -> None:
    """The same rows are no repeats here: only what they say word for word counts."""
    write_jsonl(tmp_path / "talks.jsonl", [{"messages": exchange("Kaixo, aspaldiko!", FIRST)}])
    given = "{dataset: talks.jsonl, columns: [messages]}"
    done = iturri("decontaminate", dataset.name, "--against", given, "--json", "-q", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert [(one["reason"], one["rows"]) for one in found["reasons"]] == [("contamination.ngram", 1)]
    assert found["benchmarks"][0]["rows"] == [0]


def test_a_filter_run_is_held_against_publications_and_benchmarks(tmp_path: Path, dataset: Path) -> None:
    write_jsonl(tmp_path / "earlier.jsonl", rows(2)[1:])
    write_jsonl(tmp_path / "more.jsonl", rows(3)[2:])
    filters = {"language": {"enabled": False}, "duplicates": {"threshold": 1.0, "against": ["earlier.jsonl"]}}
    (tmp_path / "filters.yaml").write_text(json.dumps(filters), encoding="utf-8")
    command = ("filter", dataset.name, "--language", "eu", "--filters", "filters.yaml", "--json", "-q")
    done = iturri(*command, "--against", "questions.parquet", "--against", "more.jsonl", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    reasons = {one["reason"]: one for one in json.loads(done.stdout)["reasons"]}
    assert {name: one["rows"] for name, one in reasons.items()} == {"contamination.ngram": 1, "duplicates.exact": 2}
    assert [one["evidence"].split(";")[0] for one in reasons["duplicates.exact"]["samples"]] == [
        "repeats earlier.jsonl row 0",
        "repeats more.jsonl row 0",
    ]
    missing = iturri(*command, "--against", "nope.jsonl", cwd=tmp_path)
    assert one_line(missing.stderr).startswith("iturri: --against: nope.jsonl: there is no such file or folder")
    (tmp_path / "earlier.jsonl").unlink()
    missing = iturri(*command, "--against", "more.jsonl", cwd=tmp_path)
    assert missing.returncode == 2
    assert one_line(missing.stderr).startswith("iturri: filters.duplicates.against.0: earlier.jsonl: there is no such")


def test_a_signal_stops_and_the_same_command_goes_on(tmp_path: Path, dataset: Path) -> None:
    write_jsonl(dataset, rows(30_000))
    out = tmp_path / "out"
    process = start(
        "decontaminate", dataset.name, "--against", "{dataset: questions.parquet}", "--out", out, cwd=tmp_path
    )

    def judged() -> int:
        path = out / "report.json"
        return FilterReport.model_validate_json(path.read_bytes()).rows if path.exists() else 0

    wait_until(lambda: judged() > 0)
    returncode, _, stderr = stop(process, signal.SIGINT)
    assert returncode == 130, stderr
    last = stderr.splitlines()[-1]
    assert last.startswith("iturri: stopped; `iturri decontaminate rows.jsonl --out ")
    assert 0 < judged() < 30_000
    again = iturri(*shlex.split(last.split("`")[1])[1:], cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert len(read_parts(out / "kept")) == 30_000 > len(kept_ids(30_000))


@pytest.mark.filterwarnings(CLIENT_WARNING)
def test_a_dataset_on_the_hub_whatever_folder_lies_here(
    tmp_path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    make_build(tmp_path / "build")
    name = "euskaltzaleak/proba"
    write_jsonl(tmp_path / name / "train.jsonl", [row(0)])
    write_jsonl(dataset, [row(0), {"messages": [one.model_dump() for one in conversation(4).messages]}])
    (tmp_path / "cheap.yaml").write_text("language: {enabled: false}", encoding="utf-8")
    with HubServer() as hub:
        revision = publish_to_hub(
            tmp_path / "build", name, private=True, token=hub.token, endpoint=hub.endpoint
        ).revision
        command = ("filter", dataset.name, "--language", "eu", "--filters", "cheap.yaml", "--json", "-q")
        variables = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.read_token, "HF_HUB_DISABLE_XET": "1"}
        for given, row_dropped, source in (
            (f"hf://datasets/{name}", 1, f"repeats {name} train row 4; "),
            (name, 0, "repeats proba row 0; "),
        ):
            done = iturri(*command, "--against", given, cwd=tmp_path, HF_HOME=str(tmp_path / "home"), **variables)
            assert done.returncode == 0, done.stderr
            report = FilterReport.model_validate_json(one_line(done.stdout))
            assert report.against[0].revision == (revision if row_dropped else None)
            (reason,) = report.reasons
            assert reason.samples[0].row == row_dropped
            assert reason.samples[0].evidence.startswith(source)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("Missing option", "--against")),
        (("--against", "nope.jsonl"), ("--against: nope.jsonl", "no such file or folder")),
        (("--against", "{dataset: questions.parquet, colour: red}"), ("--against: colour", "no such field")),
        (("--against", "{dataset: questions.parquet, columns: [x]}"), ("--against: columns", "no column 'x'")),
        (("--against", "{dataset: ["), ("--against: {dataset: [", "is no mapping")),
        (("--against", "questions.parquet", "--column", "x"), ("--column", "has no column 'x'")),
        (("--against", "questions.parquet", "--language", "eu"), ("No such option",)),
    ],
)
def test_bad_input_gets_one_line(
    tmp_path: Path, dataset: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    done = iturri("decontaminate", dataset.name, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert all(word in one_line(done.stderr) for word in words), done.stderr
    assert done.stdout == ""
