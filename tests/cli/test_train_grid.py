"""`iturri train --grid`: a small grid from the command line, to its table."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from schemas.training_grid_report import GridRow, GridTable
from tests.support.cli_command import ROOT, one_line, start, wait_until
from tests.support.training_commands import train
from tests.support.training_models import conversations, documents, small_model

ARMS = [
    {"name": "half", "method": "linear", "models": ["exp_2_111", "exp_2_000"]},
    {"name": "chat-vector", "method": "task_arithmetic", "base": "exp_0_000", "models": ["exp_2_000", "exp_0_100"]},
]
WANTED = ["exp_0_000", "exp_0_100", "exp_2_000", "exp_2_111"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two backbones, a corpus, instructions in two languages."""
    folder = tmp_path_factory.mktemp("grid")
    small_model(folder / "base", 0)
    small_model(folder / "chat", 1)
    (folder / "base" / "chat_template.jinja").unlink()
    for language in ("eu", "en"):
        conversations(folder / f"{language}.jsonl", 40, language)
    documents(folder / "corpus.txt", [f"Gaur {i} lagun etorri dira etxera." for i in range(40)])
    return folder


def written(folder: Path, out: Path, name: str = "grid.yaml", **fields: Any) -> Path:
    made = {
        "name": "saioa",
        "language": "eu",
        "backbones": {"base": str(folder / "base"), "instructed": str(folder / "chat")},
        "corpus": [{"source": str(folder / "corpus.txt"), "language": "eu"}],
        "instructions": {language: [{"source": str(folder / f"{language}.jsonl")}] for language in ("eu", "en")},
        "held_out_share": 0.2,
        "context": {"max_length": 128},
        "optimisation": {"max_steps": 4, "tokens_per_step": 256, "learning_rate": 1e-2},
        "checkpoints": {"every_steps": 2},
        "cells": WANTED,
        "arms": ARMS,
        "output": str(out),
        **fields,
    }
    (folder / name).write_text(yaml.safe_dump(made), encoding="utf-8")
    return folder / name


@pytest.fixture(scope="module")
def environment() -> Iterator[None]:
    """Of the processes that a grid starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("PYTHONPATH", str(ROOT))
        yield


@pytest.fixture(scope="module")
def done(folder: Path, environment: None) -> Path:
    """The grid, run to its end."""
    assert train("--grid", "--quiet", written(folder, folder / "runs")) == 0
    return folder / "runs"


def rows(text: str) -> dict[str, GridRow]:
    return {row.name: row for row in GridTable.model_validate_json(text).rows}


def test_each_variant_has_its_row_and_its_model(done: Path) -> None:
    table = rows((done / "table.json").read_text())
    assert list(table) == [*WANTED, "half", "chat-vector"]
    assert {row.state for row in table.values()} == {"finished"}
    assert [row.kind for row in table.values()] == ["untouched", "trained", "untouched", "trained", "merged", "merged"]
    for name in ("exp_0_100", "exp_2_111", "half", "chat-vector"):
        assert (done / name / "model" / "model.safetensors").is_file()
    for row in table.values():
        assert {loss.name for loss in row.losses} >= {"conversations-en", "conversations-eu"}
    trained = {loss.name: loss for loss in table["exp_2_111"].losses}
    assert all(loss.after < loss.before for loss in trained.values())
    assert sorted(trained) == ["conversations-en", "conversations-eu", "corpus-eu"]


def test_all_are_measured_on_the_same_and_begin_where_their_backbone_stands(done: Path) -> None:
    table = rows((done / "table.json").read_text())
    losses = {name: {loss.name: loss for loss in row.losses} for name, row in table.items()}
    for name, row in losses.items():
        for one, loss in row.items():
            assert (loss.tokens, loss.sequences) == (
                losses["exp_2_000"][one].tokens,
                losses["exp_2_000"][one].sequences,
            )
            backbone = losses[f"{name[:5]}_000"] if name.startswith("exp_") else row
            assert loss.before == pytest.approx(backbone[one].before, rel=1e-5)


def test_the_table_is_readable_too(done: Path) -> None:
    text = (done / "table.md").read_text()
    assert text.startswith("# saioa\n") and text.count("\n| ") == 8
    assert all(f"| {name} " in text for name in [*WANTED, "half", "chat-vector"])


def test_listed_it_says_what_there_is_and_runs_nothing(
    done: Path, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train("--grid", "--list", "--json", written(folder, folder / "elsewhere")) == 0
    out, _ = capfd.readouterr()
    assert {row.state for row in rows(one_line(out)).values()} == {"not run"}
    assert not (folder / "elsewhere").exists()
    assert train("--grid", "--list", written(folder, done)) == 0
    out, _ = capfd.readouterr()
    assert out.count("finished") == 6 and "exp_2_111" in out


def test_a_second_call_trains_nothing_and_gives_the_same_table(
    done: Path, folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subprocess.Popen", None)
    before = (done / "table.json").read_text()
    assert train("--grid", "--json", written(folder, done)) == 0
    assert rows(one_line(capfd.readouterr().out)) == rows(before)


def test_a_variant_that_is_not_wanted_is_run_where_it_is_named_and_one_that_fails_is_told(
    folder: Path, environment: None, capfd: pytest.CaptureFixture[str]
) -> None:
    backbones = {"base": str(folder / "none"), "instructed": str(folder / "chat")}
    lost = written(folder, folder / "lost", backbones=backbones, cells=["exp_0_100"], arms=[])
    assert train("--grid", lost, "--only", "exp_0_100", "--only", "exp_2_100") == 1
    out, err = capfd.readouterr()
    assert "iturri: saioa: exp_0_100: failed: model: there is no folder " in err
    assert "iturri: saioa: exp_2_100: finished" in err, "the others go on"
    assert "exp_0_100" in out and "failed" in out
    assert rows((folder / "lost" / "table.json").read_text())["exp_0_100"].state == "failed"


def test_what_is_named_and_cannot_be_run_yet_is_no_success(
    folder: Path, environment: None, capfd: pytest.CaptureFixture[str]
) -> None:
    arms = [{"name": "erdia", "method": "linear", "models": ["exp_0_000", "exp_0_100"]}]
    early = written(folder, folder / "early", "early.yaml", cells=["exp_0_100"], arms=arms)
    assert train("--grid", early, "--only", "erdia") == 1
    assert "iturri: saioa: erdia: not run: needs exp_0_100, which has not finished" in capfd.readouterr().err


def test_a_name_that_is_none_is_one_line(folder: Path, done: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert train("--grid", "-q", written(folder, done), "--only", "exp_2_11") == 2
    assert "exp_2_11 is no variant of saioa; did you mean exp_2_111?" in one_line(capfd.readouterr().err)


def test_a_launcher_that_is_not_there_is_one_line(folder: Path, done: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert train("--grid", "-q", written(folder, done), "--launcher", "no-such-launcher --fast") == 2
    assert "--launcher: there is no command 'no-such-launcher'" in one_line(capfd.readouterr().err)


def test_a_bad_grid_is_one_line_with_the_field(folder: Path, done: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert train("--grid", written(folder, done, "bad.yaml", cells=["exp_3_000"])) == 2
    assert "bad.yaml: cells: " in one_line(capfd.readouterr().err)


def test_interrupted_and_then_killed_in_the_middle_the_same_command_goes_on(
    folder: Path, tmp_path: Path, environment: None, capfd: pytest.CaptureFixture[str]
) -> None:
    path = written(
        folder,
        tmp_path / "runs",
        "long.yaml",
        cells=["exp_2_001"],
        arms=[],
        optimisation={"epochs": 40, "max_steps": 60, "tokens_per_step": 256, "learning_rate": 1e-2},
    )
    log = tmp_path / "runs" / "exp_2_001" / "log.jsonl"

    def steps() -> int:
        return log.read_text().count("\n") if log.exists() else 0

    def interrupt() -> None:
        wait_until(lambda: steps() > 3)
        os.kill(os.getpid(), signal.SIGINT)

    user = Thread(target=interrupt)
    user.start()
    assert train("--grid", path) == 130
    user.join()
    assert "iturri: saioa: stopped; the same command goes on" in capfd.readouterr().err
    stopped = steps()
    assert (tmp_path / "runs" / "exp_2_001" / "checkpoints" / f"checkpoint-{stopped}" / "whole").is_file()
    running = start("train", "--grid", "-q", path, cwd=tmp_path, alone=True, HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1")
    wait_until(lambda: steps() > stopped + 3)
    os.killpg(running.pid, signal.SIGKILL)
    assert running.communicate(timeout=120) == ("", "") and running.returncode == -signal.SIGKILL
    assert train("--grid", "-q", path) == 0
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()] == list(range(1, 61))
