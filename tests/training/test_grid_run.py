"""Running a grid: what has finished stays, what fails is told, what has changed is refused."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from transformers import AutoTokenizer

from demo.model import Shape, build_model
from schemas.errors import RecipeError, TrainingError
from schemas.training import TrainingRecipe
from schemas.training_grid import TrainingGrid
from schemas.training_grid_report import GridRow, GridTable
from schemas.training_report import HeldOutLoss, Packing, TrainingReport
from training.grid_run import run_grid, wanted_names
from training.table import rich_table, table_of

DEMO = Path(__file__).parents[2] / "demo/iturri-demo-eu"
ARMS = [
    {"name": "chat-vector", "method": "task_arithmetic", "base": "exp_0_000", "models": ["exp_0_100", "exp_2_000"]},
    {"name": "half", "method": "linear", "models": ["exp_0_000", "exp_2_000"]},
]


def _model(folder: Path, seed: int) -> None:
    shape = Shape(hidden=16, intermediate=24, layers=1, head_size=8, max_length=32)
    build_model(shape, 4096, bos=0, eos=4, pad=5, seed=seed).save_pretrained(folder)
    AutoTokenizer.from_pretrained(DEMO).save_pretrained(folder)


class Trainer:
    """Trains nothing: leaves what a run leaves, and remembers what it was asked for."""

    def __init__(self, failing: tuple[str, ...] = ()) -> None:
        self.failing = set(failing)
        self.asked: list[str] = []
        self.measured: list[str] = []
        self.data: list[Path] = []

    def train(self, recipe: TrainingRecipe, run: Path) -> TrainingReport:
        self.asked.append(recipe.name)
        run.mkdir(parents=True, exist_ok=True)
        (run / "recipe.json").write_text(recipe.model_dump_json())
        if recipe.name in self.failing:
            raise TrainingError("the loss is not a number at step 3")
        _model(run / "model", 7)
        report = TrainingReport(
            iturri_version="0",
            recipe=recipe.model_dump(mode="json"),
            model=recipe.model.name,
            model_revision=None,
            template_hash="",
            started=datetime(2026, 1, 1, tzinfo=UTC),
            ended=datetime(2026, 1, 1, tzinfo=UTC),
            sources=(),
            languages=(),
            packing=Packing(sequences=1, packs=1, fill=1),
            steps=12,
            tokens=34567,
            seconds=3725,
            trainable_parameters=1,
            parameters=1,
            final_loss=1.0,
            losses=(HeldOutLoss(name="conversations-eu", sequences=1, tokens=1, before=3.25, after=2.5),),
            versions={},
        )
        (run / "report.json").write_text(report.model_dump_json())
        return report

    def measure(self, recipe: TrainingRecipe, data: Path) -> tuple[HeldOutLoss, ...]:
        self.measured.append(recipe.name)
        self.data.append(data)
        assert (Path(recipe.model.name) / "model.safetensors").is_file()
        return (HeldOutLoss(name="conversations-en", sequences=1, tokens=1, before=1.5, after=1.5),)


@pytest.fixture
def fields(tmp_path: Path) -> dict[str, Any]:
    for seed, name in enumerate(("base", "chat")):
        _model(tmp_path / "backbones" / name, seed)
    return {
        "name": "a-grid",
        "language": "eu",
        "backbones": {"base": str(tmp_path / "backbones/base"), "instructed": str(tmp_path / "backbones/chat")},
        "corpus": [{"source": "corpus.txt", "language": "eu"}],
        "instructions": {"eu": [{"source": "a/data"}], "en": [{"source": "a/data"}]},
        "cells": ["exp_0_000", "exp_0_100", "exp_2_000", "exp_2_101"],
        "arms": ARMS,
        "output": str(tmp_path / "runs"),
    }


def _run(fields: dict[str, Any], trainer: Trainer, **options: Any) -> dict[str, GridRow]:
    table = run_grid(TrainingGrid.model_validate(fields), trainer.train, trainer.measure, **options)
    return {row.name: row for row in table.rows}


def test_a_grid_trains_measures_and_merges_and_tabulates_all(fields: dict[str, Any], tmp_path: Path) -> None:
    trainer = Trainer()
    told: list[tuple[str, str]] = []
    rows = _run(fields, trainer, told=lambda name, row: told.append((name, row.state if row else "begins")))
    assert trainer.asked == ["exp_0_100", "exp_2_101"]
    assert trainer.measured == ["exp_0_000", "exp_2_000", "chat-vector", "half"]
    assert set(trainer.data) == {tmp_path / "runs/measured"}
    assert told[:2] == [("exp_0_000", "begins"), ("exp_0_000", "finished")]
    assert list(rows) == ["exp_0_000", "exp_0_100", "exp_2_000", "exp_2_101", "chat-vector", "half"]
    row = rows["exp_2_101"]
    assert (row.state, row.kind, row.tokens, row.steps, row.seconds) == ("finished", "trained", 34567, 12, 3725)
    assert row.data == ("corpus", "en")
    assert rows["chat-vector"].data == ("exp_0_000", "exp_0_100", "exp_2_000")
    assert (tmp_path / "runs/chat-vector/model/model.safetensors").is_file()
    card = (tmp_path / "runs/chat-vector/model/README.md").read_text()
    assert "| base | not stated | the base |\n| exp_0_100 | not stated | 1 |\n| chat | not stated | 1 |" in card
    assert "| conversations-en | 1 | 1 | 1.500 |" in card
    assert str(tmp_path) not in card
    assert (rows["exp_2_101"].model, rows["chat-vector"].model) == ("chat", "task arithmetic")
    kept = GridTable.model_validate_json((tmp_path / "runs/table.json").read_text())
    assert {one.name: one for one in kept.rows} == rows
    lines = (tmp_path / "runs/table.md").read_text().splitlines()
    assert lines[2] == (
        "| variant | model | made of | tokens | steps | time | conversations-en | conversations-eu | state | note |"
    )
    assert any(
        line.startswith("| exp_2_101 | chat | corpus + en | 34,567 | 12 | 1:02:05 | - | 3.250 -> 2.500 | finished |")
        for line in lines
    )


def test_the_same_command_goes_on_and_does_nothing_twice(fields: dict[str, Any]) -> None:
    _run(fields, Trainer())
    again = Trainer()
    rows = _run(fields, again)
    assert (again.asked, again.measured) == ([], [])
    assert rows["exp_2_101"].state == rows["chat-vector"].state == "finished"


def test_a_failed_variant_is_told_and_the_others_go_on(fields: dict[str, Any], tmp_path: Path) -> None:
    rows = _run(fields, Trainer(failing=("exp_0_100",)))
    assert (rows["exp_0_100"].state, rows["exp_0_100"].note) == ("failed", "the loss is not a number at step 3")
    assert (rows["chat-vector"].state, rows["chat-vector"].note) == (
        "not run",
        "needs exp_0_100, which has not finished",
    )
    assert rows["exp_2_101"].state == rows["half"].state == "finished"
    # what failed is still known when another part of the grid is run, or the table is only looked at
    grid = TrainingGrid.model_validate(fields)
    _run(fields, Trainer(), only=["exp_2_101"])
    kept = {row.name: row for row in table_of(grid, tmp_path / "runs").rows}
    assert (kept["exp_0_100"].state, kept["exp_0_100"].note) == ("failed", "the loss is not a number at step 3")
    mended = Trainer()
    rows = _run(fields, mended)
    assert mended.asked == ["exp_0_100"]
    assert {rows[name].state for name in ("exp_0_100", "chat-vector")} == {"finished"}


def test_a_run_that_was_stopped_is_unfinished_and_is_gone_on_with(fields: dict[str, Any], tmp_path: Path) -> None:
    _run(fields, Trainer())
    (tmp_path / "runs/exp_2_101/report.json").unlink()
    grid = TrainingGrid.model_validate(fields)
    assert {row.name: row.state for row in table_of(grid, tmp_path / "runs").rows}["exp_2_101"] == "unfinished"
    again = Trainer()
    _run(fields, again)
    assert again.asked == ["exp_2_101"]


def test_a_variant_that_was_run_with_another_recipe_is_refused_before_anything_runs(
    fields: dict[str, Any], tmp_path: Path
) -> None:
    _run(fields, Trainer(), only=["exp_2_101"])
    changed = {**fields, "optimisation": {"learning_rate": 1e-4}, "held_out_share": 0.1}
    trainer = Trainer()
    with pytest.raises(RecipeError) as caught:
        _run(changed, trainer)
    assert str(caught.value) == (
        "exp_2_101 was run with another recipe: it differs in data.held_out, data.held_out_share, "
        f"optimisation.learning_rate; change it back, remove {tmp_path / 'runs/exp_2_101'}, or give the grid another "
        "output"
    )
    assert (trainer.asked, trainer.measured) == ([], [])
    _run(changed, trainer, only=["exp_0_100"])
    assert trainer.asked == ["exp_0_100"]


def test_what_does_not_decide_the_result_may_change(fields: dict[str, Any], tmp_path: Path) -> None:
    _run(fields, Trainer())
    (tmp_path / "runs").rename(tmp_path / "moved")
    moved = {
        **fields,
        "output": str(tmp_path / "moved"),
        "licence": "llama3.1",
        "checkpoints": {"every_steps": 7},
        "evaluate_every_steps": 3,
        "machine": {"gradient_checkpointing": True},
    }
    again = Trainer()
    _run(moved, again)
    assert (again.asked, again.measured) == ([], [])


def test_an_arm_that_has_changed_is_refused(fields: dict[str, Any]) -> None:
    _run(fields, Trainer(), only=["half"])
    changed = {**fields, "arms": [{**ARMS[1], "models": ["exp_0_000", {"model": "exp_2_000", "weight": 2}]}]}
    with pytest.raises(TrainingError, match=r"arms, half: .* other weights"):
        _run(changed, Trainer())


def test_only_names_variants_and_arms_of_the_grid(fields: dict[str, Any]) -> None:
    grid = TrainingGrid.model_validate(fields)
    assert wanted_names(grid) == ["exp_0_000", "exp_0_100", "exp_2_000", "exp_2_101", "chat-vector", "half"]
    assert wanted_names(grid, ["half", "exp_2_001"]) == ["exp_2_001", "half"]
    with pytest.raises(RecipeError, match=r"chat-vectr is no variant of a-grid; did you mean chat-vector\?"):
        wanted_names(grid, ["chat-vectr"])
    with pytest.raises(RecipeError, match=r"exp_1_111 needs backbones.corpus_trained"):
        wanted_names(grid, ["exp_1_111"])


def test_a_spoilt_report_is_told_with_the_cure(fields: dict[str, Any], tmp_path: Path) -> None:
    _run(fields, Trainer(), only=["exp_2_101"])
    (tmp_path / "runs/exp_2_101/report.json").write_text("{")
    row = next(
        row
        for row in table_of(TrainingGrid.model_validate(fields), tmp_path / "runs").rows
        if row.tokens is None and row.name == "exp_2_101"
    )
    assert row.state == "failed"
    assert row.note.startswith(f"{tmp_path / 'runs/exp_2_101/report.json'} cannot be read; remove")


def test_a_cell_without_a_whole_model_cannot_be_merged(fields: dict[str, Any], tmp_path: Path) -> None:
    _run(fields, Trainer(), only=["exp_0_100"])
    shutil.rmtree(tmp_path / "runs/exp_0_100/model")
    rows = _run(fields, Trainer(), only=["chat-vector"])
    assert "train it with lora.merge: true" in rows["chat-vector"].note


def test_the_table_of_a_terminal_has_every_row(fields: dict[str, Any], tmp_path: Path) -> None:
    _run(fields, Trainer())
    console = Console(width=300, record=True, file=(tmp_path / "screen").open("w"))
    console.print(rich_table(table_of(TrainingGrid.model_validate(fields), tmp_path / "runs")))
    shown = console.export_text()
    assert all(name in shown for name in ("exp_0_000", "exp_2_101", "chat-vector", "3.250 -> 2.500", "1:02:05"))
    console.file.close()


def test_the_table_of_all_cells_says_which_are_left_out_and_none_that_cannot_be_made(fields: dict[str, Any]) -> None:
    rows = table_of(TrainingGrid.model_validate({**fields, "cells": "all"}), Path("nowhere")).rows
    left_out = {row.name: row.note for row in rows if row.state == "left out"}
    assert left_out == {
        "exp_0_001": "nothing of it is in eu",
        "exp_2_001": "learns again what it says already, and nothing in eu",
    }
    assert [row.name for row in rows if row.name.startswith("exp_1")] == []


def test_a_cell_that_only_the_command_named_has_a_row(fields: dict[str, Any]) -> None:
    rows = _run(fields, Trainer(), only=["exp_2_001"])
    assert rows["exp_2_001"].state == "finished"


def test_the_table_names_no_result_before_anything_has_run(fields: dict[str, Any]) -> None:
    grid = TrainingGrid.model_validate(fields)
    states = {row.name: row.state for row in table_of(grid, Path("nowhere")).rows}
    assert {name for name, state in states.items() if state == "not run"} == set(wanted_names(grid))
    assert json.loads(table_of(grid, Path("nowhere")).model_dump_json())["warnings"] == []


def test_a_held_out_set_that_differs_between_rows_is_told_with_the_rows(fields: dict[str, Any], tmp_path: Path) -> None:
    _run(fields, Trainer())
    grid, directory = TrainingGrid.model_validate(fields), tmp_path / "runs"
    assert not any("held-out set" in line for line in table_of(grid, directory).warnings)
    path = directory / "exp_2_000/report.json"
    report = json.loads(path.read_text())
    report["losses"][0] |= {"sequences": 2, "tokens": 1200}
    path.write_text(json.dumps(report))
    told = [line for line in table_of(grid, directory).warnings if "held-out set" in line]
    assert told == [
        "conversations-en is not the same held-out set in all rows: 1 sequences of 1 tokens in exp_0_000, chat-vector, "
        "half; 2 sequences of 1,200 tokens in exp_2_000; their losses on it cannot be compared. Sources have changed "
        "between the runs, or the tokenizers differ"
    ]
