"""`iturri filter`, from a file to what is kept of it."""

from __future__ import annotations

import json
import re
import shlex
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import constants

from publishers.hub import publish_to_hub
from schemas.filter_report import FilterReport
from tests.support.cli_command import iturri, one_line, start, stop, wait_until
from tests.support.dataset_rows import exchange, kept_ids, read_parts, row, rows, write_jsonl, write_parquet
from tests.support.hub_server import CLIENT_WARNING, HubServer
from tests.support.publishers_builds import conversation, make_build

ENGLISH = "This reply is entirely in English, and it should therefore be dropped by the filter of the language."


@pytest.fixture
def cheap(tmp_path: Path) -> Path:
    """Filters that take no time."""
    path = tmp_path / "cheap.yaml"
    path.write_text("language: {enabled: false}\n", encoding="utf-8")
    return path


def report_of(folder: Path) -> FilterReport:
    return FilterReport.model_validate_json((folder / "report.json").read_bytes())


def test_the_report_says_what_was_dropped_and_why(tmp_path: Path) -> None:
    foreign = {**row(0), "messages": exchange(row(0)["messages"][0]["content"], ENGLISH)}
    write_jsonl(tmp_path / "rows.jsonl", [*rows(10), foreign, "{"])
    done = iturri("filter", "rows.jsonl", "--language", "eu", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    headline, heading, *lines = (line.rstrip() for line in done.stdout.splitlines())
    assert re.fullmatch(r"rows\.jsonl, complete: 8 of 12 rows kept \(66\.7%\); \d+:\d\d, [\d,]+ rows/s", headline)
    assert heading.split("  ")[0] == "reason"
    assert [line.split("  ")[0] for line in lines] == ["shape.colon", "language.foreign", "messages.invalid", "kept"]
    assert "row 11: rows.jsonl, line 12: no JSON" in lines[2]
    assert done.stderr == "rows.jsonl: 12 rows\n"
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_a_run_with_a_folder_can_be_read_by_machines(tmp_path: Path, cheap: Path) -> None:
    write_parquet(tmp_path / "rows.parquet", rows(50))
    command = ("filter", "rows.parquet", "--language", "eu", "--filters", cheap, "--out", "out")
    done = iturri(*command, "--json", "--limit", "40", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(one_line(done.stdout))
    assert (found["rows"], found["kept"], found["dropped"], found["complete"]) == (40, 32, 8, True)
    assert found == json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert found["filters"]["language"]["enabled"] is found["filters"]["duplicates"]["enabled"] is False
    assert [one["id"] for one in read_parts(tmp_path / "out" / "kept")] == kept_ids(40)
    again = iturri(*command, "--limit", "40", cwd=tmp_path)
    assert again.returncode == 0
    assert "32 of 40 rows kept in out (80.0%)" in again.stdout
    assert again.stderr == "iturri: out is complete already; nothing was done\n"
    other = iturri(*command, cwd=tmp_path)
    assert other.returncode == 2
    assert "holds another run: input.limit was 40, is null" in one_line(other.stderr)


def test_the_filters_of_a_recipe(tmp_path: Path) -> None:
    recipe = {
        "name": "x",
        "language": "eu",
        "backbone": "demo",
        "filters": {"language": {"enabled": False}, "duplicates": {"threshold": 1.0}, "shape": {"min_chars": 20}},
        "target": {"conversations": 3},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    given = [row(0), row(0), row(1), {"messages": exchange("Zer da hau?", "Ez dakit, baina galdetuko dut.")}]
    write_jsonl(tmp_path / "rows.jsonl", given)
    command = ("filter", "-q", "rows.jsonl", "--language", "eu", "--filters", "recipe.yaml")
    for more, reasons in (
        ((), {"shape.empty": 1}),
        (("--duplicates",), {"shape.empty": 1, "duplicates.exact": 1}),
    ):
        done = iturri(*command, *more, "--json", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert {one["reason"]: one["rows"] for one in json.loads(done.stdout)["reasons"]} == reasons
    quiet = iturri(*command, "--out", "out", cwd=tmp_path)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    assert report_of(tmp_path / "out").kept == 3


def test_a_signal_stops_and_the_same_command_goes_on(tmp_path: Path, cheap: Path) -> None:
    write_jsonl(tmp_path / "rows.jsonl", rows(30_000))
    out = tmp_path / "out"
    process = start("filter", "rows.jsonl", "--language", "eu", "--filters", cheap, "--out", out, cwd=tmp_path)
    wait_until(lambda: (out / "report.json").exists() and report_of(out).rows > 0)
    returncode, stdout, stderr = stop(process, signal.SIGINT)
    assert returncode == 130, stderr
    assert "rows.jsonl, not complete: " in stdout
    assert "stopping; once more ends it at once" in stderr
    last = stderr.splitlines()[-1]
    assert last.startswith("iturri: stopped; `iturri filter rows.jsonl --language eu --out ")
    assert last.endswith("` goes on from here")
    assert 0 < report_of(out).rows < 30_000
    again = iturri(*shlex.split(last.split("`")[1])[1:], cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "rows.jsonl: 30,000 rows, " in again.stderr
    assert report_of(out).complete
    assert [one["id"] for one in read_parts(out / "kept")] == kept_ids(30_000)


def test_stopped_without_a_folder(tmp_path: Path, cheap: Path) -> None:
    write_jsonl(tmp_path / "rows.jsonl", rows(40_000))
    process = start("filter", "rows.jsonl", "--language", "eu", "--filters", cheap, cwd=tmp_path)
    assert process.stderr is not None
    process.stderr.readline()
    returncode, stdout, stderr = stop(process, signal.SIGTERM)
    assert returncode == 143
    assert "rows.jsonl, not complete: " in stdout
    assert "starts anew; with --out DIR" in stderr


@pytest.mark.filterwarnings(CLIENT_WARNING)
def test_a_dataset_on_the_hub(tmp_path: Path, cheap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    make_build(tmp_path / "build")
    with HubServer() as hub:
        name = "euskaltzaleak/proba"
        revision = publish_to_hub(
            tmp_path / "build", name, private=True, token=hub.token, endpoint=hub.endpoint
        ).revision
        variables = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.read_token, "HF_HUB_DISABLE_XET": "1"}
        options = ("--language", "eu", "--filters", cheap, "--out", "out")
        done = iturri("filter", name, *options, cwd=tmp_path, HF_HOME=str(tmp_path), **variables)
        assert done.returncode == 0, done.stderr
        missing = iturri("filter", f"{name}-2", *options, cwd=tmp_path, HF_HOME=str(tmp_path), **variables)
    about = report_of(tmp_path / "out").input
    assert (about.repository, about.revision, about.config, about.split) == (name, revision, "magpie-eu", "train")
    assert [file.name for file in about.files] == [f"data/magpie-eu/train-0000{number}.parquet" for number in (0, 1)]
    expected = [conversation(number).id for number in range(6)]
    assert [one["id"] for one in read_parts(tmp_path / "out" / "kept")] == expected
    assert missing.returncode == 2
    assert "the Hub has no such dataset" in one_line(missing.stderr)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("missing.jsonl",), ("missing.jsonl", "no such file or folder")),
        (("rows.jsonl", "--column", "x"), ("--column", "'x'", "it has: id, messages, note, meta")),
        (("rows.jsonl", "--split", "test"), ("--split", "leave it out")),
        (("rows.jsonl", "--filters", "missing.yaml"), ("--filters", "missing.yaml", "no such file")),
        (("rows.jsonl", "--filters", "wrong.yaml"), ("--filters", "wrong.yaml", "shape.min_chars", "greater")),
        (("rows.jsonl", "--filters", "dry.yaml"), ("--filters", "dry.yaml", "dry", "leave it out")),
        (("rows.jsonl", "--language", "zz"), ("--language", "'zz'", "known: en, eu")),
    ],
)
def test_bad_input_gets_one_line(tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    write_jsonl(tmp_path / "rows.jsonl", rows(3))
    (tmp_path / "wrong.yaml").write_text("filters: {shape: {min_chars: 0}}", encoding="utf-8")
    (tmp_path / "dry.yaml").write_text("dry: true", encoding="utf-8")
    done = iturri("filter", "--language", "eu", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert all(word in one_line(done.stderr) for word in words), done.stderr
    assert done.stdout == ""
