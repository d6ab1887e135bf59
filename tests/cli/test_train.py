"""`iturri train`: what it says, where, and its exit codes."""

from __future__ import annotations

import importlib.util
import json
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import constants

from schemas.training_report import TrainingReport
from tests.support.cli_command import iturri, one_line, start, stop, wait_until
from tests.support.hub_server import HubServer
from tests.support.training_commands import train
from tests.support.training_models import conversations, recipe, small_model

REPO = "euskaltzaleak/eredua"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    small_model(folder / "small")
    conversations(folder / "rows.jsonl", 60)
    return folder


def written(folder: Path, name: str = "recipe.yaml", **fields: Any) -> Path:
    optimisation = {"max_steps": 4, "tokens_per_step": 256, "learning_rate": 1e-2} | fields.pop("optimisation", {})
    made = recipe(folder / "small", folder / "rows.jsonl", optimisation=optimisation, **fields)
    made["checkpoints"] = {"every_steps": 2}
    (folder / name).write_text(yaml.safe_dump(made), encoding="utf-8")
    return folder / name


@pytest.fixture(scope="module")
def done(folder: Path) -> Path:
    """A run that has finished."""
    assert train("--quiet", written(folder), "--out", folder / "done") == 0
    return folder / "done"


def test_quiet_it_says_nothing(folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert train("-q", written(folder), "--out", tmp_path / "run") == 0
    assert capfd.readouterr() == ("", "")
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()


def test_it_says_how_it_goes_on_stderr_and_what_came_of_it_on_stdout(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(written(folder), "--out", tmp_path / "run") == 0
    out, err = capfd.readouterr()
    assert "proba: step 4/4, loss " in err and "held out: conversations-eu" in err
    assert "tokens_per_step" not in err, "max_steps asks for few"
    assert "warnings.warn" not in err and "[transformers]" not in err
    assert out.startswith("proba: small, 4 steps, ") and f"model: {tmp_path / 'run' / 'model'}" in out
    assert "conversations-eu" in out


def test_as_json_it_is_the_report_alone(done: Path, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert train(written(folder), "--out", done, "--json") == 0
    out, err = capfd.readouterr()
    report = TrainingReport.model_validate_json(one_line(out))
    assert report == TrainingReport.model_validate_json((done / "report.json").read_text())
    assert one_line(err).startswith("iturri: proba was trained already, ")


def test_the_folder_is_the_recipes_or_one_by_its_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    few = {"max_steps": 1}
    assert train("-q", written(folder, optimisation=few)) == 0
    assert (tmp_path / "runs" / "proba" / "report.json").is_file()
    assert train("-q", written(folder, optimisation=few, output=str(tmp_path / "own"))) == 0
    assert (tmp_path / "own" / "report.json").is_file()


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"optimisation": {"learning_rate": -1}}, "optimisation.learning_rate: "),
        ({"epochs": 3}, "epochs: there is no such field"),
        ({"languages": []}, "languages: "),
        ({"machine": {"precison": "bf16"}}, "machine.precison: there is no such field; did you mean precision?"),
    ],
)
def test_a_bad_recipe_is_one_line_with_the_field(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], changed: dict[str, Any], field: str
) -> None:
    path = written(folder, "bad.yaml", **changed)
    assert train(path, "--out", tmp_path / "run") == 2
    out, err = capfd.readouterr()
    assert out == "" and one_line(err).startswith(f"iturri: {path}: {field}")
    assert not (tmp_path / "run").exists()


def test_a_recipe_that_is_not_there_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert train(tmp_path / "none.yaml") == 2
    assert "none.yaml: no such training recipe" in one_line(capfd.readouterr().err)


def test_bad_data_and_a_model_that_cannot_be_trained_are_one_line_with_the_field(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for changed, said in (
        ({"data": {"conversations": [{"source": str(folder / "none")}]}}, "data.conversations.0.source: "),
        ({"context": {"max_length": 1000}}, "context.max_length: 1,000 is more than the 512 positions"),
        (
            {"method": "lora", "lora": {"merge": False}, "publish": {"repo": REPO}},
            "publish.repo: an adapter of ",
        ),
    ):
        assert train("-q", written(folder, **changed), "--out", tmp_path / "run") == 2
        assert said in one_line(capfd.readouterr().err)


def test_another_recipe_in_the_folder_of_a_run_is_refused(
    done: Path, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train("-q", written(folder, optimisation={"learning_rate": 1e-3}), "--out", done) == 2
    assert "another recipe, which differs in optimisation.learning_rate" in one_line(capfd.readouterr().err)


def test_without_the_extra_it_says_which_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in ("trl", "peft") else there(name))
    assert train(written(folder)) == 2
    assert one_line(capfd.readouterr().err) == "iturri: training needs trl, peft: install iturri[train]"


@pytest.mark.parametrize("option", [("--only", "exp_0_100"), ("--list",), ("--launcher", "accelerate launch")])
def test_what_is_about_a_grid_is_refused_without_one(
    folder: Path, capfd: pytest.CaptureFixture[str], option: tuple[str, ...]
) -> None:
    assert train(written(folder), *option) == 2
    assert "add --grid" in one_line(capfd.readouterr().err) and option[0]


def test_without_a_token_nothing_is_uploaded_and_it_says_so(
    done: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(folder / "no-token"))
    path = written(folder, publish={"repo": REPO})
    assert train("--dry-run", path, "--out", folder / "planned") == 0
    assert "warning: publish.repo: no token of the Hub is set" in capfd.readouterr().err
    assert train("-q", path, "--out", done) == 1
    assert "HF_TOKEN" in one_line(capfd.readouterr().err)


def test_it_is_uploaded_at_the_end_and_again_by_the_same_command(
    done: Path, folder: Path, tmp_path: Path, hub: HubServer
) -> None:
    path = written(folder, publish={"repo": REPO})
    first = iturri("train", "-q", path, "--out", done, cwd=tmp_path, **hub.variables(tmp_path))
    assert (first.returncode, first.stdout, first.stderr) == (0, "", "")
    assert hub.files(REPO)["model.safetensors"] == (done / "model" / "model.safetensors").read_bytes()
    second = iturri("train", path, "--out", done, "--json", cwd=tmp_path, **hub.variables(tmp_path))
    assert second.stderr.splitlines()[1:] == [f"iturri: uploaded to {hub.endpoint}/{REPO}"]
    assert json.loads(one_line(second.stdout))["steps"] == 4
    assert len(hub.commits(REPO)) == 1


def test_ctrl_c_ends_it_with_a_checkpoint_and_a_second_run_is_refused_until_then(folder: Path, tmp_path: Path) -> None:
    path = written(folder, optimisation={"max_steps": 100_000})
    running = start("train", path, "--out", "run", cwd=tmp_path, HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1")
    log = tmp_path / "run" / "log.jsonl"
    wait_until(lambda: log.exists() and log.read_text().count("\n") > 2)
    assert train("-q", path, "--out", tmp_path / "run") == 2
    code, out, err = stop(running, signal.SIGINT)
    assert (code, out) == (130, "")
    assert "the same command goes on from there" in err.splitlines()[-1]
    steps = log.read_text().count("\n")
    assert (tmp_path / "run" / "checkpoints" / f"checkpoint-{steps}" / "whole").is_file()
    assert not (tmp_path / "run" / "model").exists()


def test_ctrl_c_before_the_first_step_ends_it_at_once(folder: Path, tmp_path: Path) -> None:
    running = start("train", written(folder), "--out", "run", cwd=tmp_path, HF_HUB_OFFLINE="1")
    wait_until((tmp_path / "run" / "run.lock").exists)
    code, out, err = stop(running, signal.SIGINT)
    assert (code, out) == (130, "")
    assert "Traceback" not in err and "bug" not in err
    assert err.splitlines()[-1] == "proba: stopped; the same command goes on"
