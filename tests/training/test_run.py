"""One recipe, one run: it learns what it is to learn, and what it leaves says so."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from schemas.errors import BuildDirectoryError, TrainingError
from schemas.training import TrainingRecipe
from schemas.training_report import TrainingReport
from tests.support.training_models import Looker, conversations, documents, recipe, small_model, trained
from training import run
from training.run import measure, train
from training.run_directory import opened

ANSWER = "<|assistant|>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    small_model(folder / "small")
    conversations(folder / "rows.jsonl", 60)
    return folder


def made(folder: Path, **fields: Any) -> dict[str, Any]:
    """A recipe without noise on the embeddings, with one checkpoint, at the end."""
    optimisation = {"epochs": 2, "tokens_per_step": 256, "learning_rate": 1e-2, "neftune": 0}
    told = recipe(folder / "small", folder / "rows.jsonl", checkpoints={"every_steps": 100})
    told["optimisation"] = optimisation | fields.pop("optimisation", {})
    return told | fields


@pytest.fixture(scope="module")
def done(folder: Path) -> tuple[Path, TrainingReport, Looker]:
    report, looker = trained(folder / "done", made(folder, evaluate_every_steps=4))
    return folder / "done", report, looker


def log(place: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (place / "log.jsonl").read_text().splitlines()]


def test_it_learns(done: tuple[Path, TrainingReport, Looker]) -> None:
    place, report, _ = done
    (loss,) = report.losses
    assert loss.name == "conversations-eu" and loss.before == pytest.approx(math.log(4096), abs=0.2)
    assert loss.after < loss.before - 2
    assert log(place)[-1]["loss"] < log(place)[0]["loss"] - 2


def test_the_report_says_what_was_done(done: tuple[Path, TrainingReport, Looker], folder: Path) -> None:
    place, report, _ = done
    assert TrainingReport.model_validate_json((place / "report.json").read_text()) == report
    records, (count,) = log(place), report.sources
    assert report.steps == len(records) == records[-1]["step"]
    assert report.tokens == records[-1]["tokens"] == 2 * count.tokens
    assert report.packing.sequences == count.trained == 60 - count.held_out == 60 - report.losses[0].sequences
    assert report.final_loss == pytest.approx(sum(one["loss"] for one in records[-10:]) / min(10, len(records)))
    assert (
        report.parameters
        == report.trainable_parameters
        == sum(value.numel() for value in load_file(folder / "small" / "model.safetensors").values())
    )
    assert (report.model, report.model_revision) == ("small", None)
    assert report.started <= report.ended and report.seconds > 0
    assert report.recipe["optimisation"]["learning_rate"] == 1e-2 and "torch" in report.versions


def test_a_finished_run_leaves_the_model_and_not_what_it_was_made_with(
    done: tuple[Path, TrainingReport, Looker],
) -> None:
    place, _, _ = done
    assert sorted(path.name for path in place.iterdir() if path.name != "run.lock") == sorted(
        ["before.json", "curve.png", "log.jsonl", "model", "recipe.json", "report.json", "started"]
    )
    model = {path.name for path in (place / "model").iterdir()}
    assert model >= {"model.safetensors", "config.json", "chat_template.jinja", "README.md", "curve.png"}


def test_who_looks_on_is_told_of_each_step_and_of_what_speaks_against_the_recipe(
    done: tuple[Path, TrainingReport, Looker],
) -> None:
    place, report, looker = done
    assert [one.step for one in looker.steps] == list(range(1, report.steps + 1))
    assert {one.steps for one in looker.steps} == {report.steps}
    assert (
        [one.step for one in looker.steps if one.held_out]
        == [step for step in range(4, report.steps, 4)]
        == [one["step"] for one in log(place) if "held_out" in one]
    )
    assert looker.notes == [f"warning: {line}" for line in report.warnings]
    assert any(line.startswith("optimisation.tokens_per_step: 256 makes") for line in report.warnings)


def test_a_finished_run_gives_its_report_and_trains_nothing(
    done: tuple[Path, TrainingReport, Looker], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, report, _ = done
    monkeypatch.setattr(run, "load_model", None)
    monkeypatch.setattr(run, "prepare", None)
    again, looker = trained(place, made(folder, evaluate_every_steps=9))
    assert again == report and looker.steps == []


def test_a_finished_run_of_another_recipe_is_refused(done: tuple[Path, TrainingReport, Looker], folder: Path) -> None:
    with pytest.raises(BuildDirectoryError, match=r"another recipe, which differs in optimisation\.seed; choose"):
        trained(done[0], made(folder, optimisation={"seed": 1}))


def test_a_run_that_another_one_has_in_hand_is_refused(folder: Path, tmp_path: Path) -> None:
    told = TrainingRecipe.model_validate(made(folder))
    with opened(told, tmp_path / "run"), pytest.raises(BuildDirectoryError, match="in use by another run"):
        train(told, tmp_path / "run", Looker())


# What is learnt.


def first_loss(place: Path, told: dict[str, Any]) -> float:
    """Of a step over all the data, before anything is learnt."""
    told["data"]["held_out_share"] = 0
    told["optimisation"] |= {"tokens_per_step": 1_000_000, "max_steps": 1}
    trained(place, told)
    (record,) = log(place)
    loss: float = record["loss"]
    return loss


def by_hand(folder: Path, *, everything: bool) -> float:
    """The mean over all conversations, each by itself: over replies and their ends, or user turns and theirs too."""
    tokenizer = AutoTokenizer.from_pretrained(folder / "small")
    model = AutoModelForCausalLM.from_pretrained(folder / "small")
    total, tokens = 0.0, 0
    for line in (folder / "rows.jsonl").read_text().splitlines():
        messages = json.loads(line)["messages"]
        ids, learnt = [tokenizer.bos_token_id], [False]
        for message in messages:
            head = tokenizer.encode(f"<|{message['role']}|>", add_special_tokens=False)
            body = tokenizer.encode(message["content"] + "<|end|>", add_special_tokens=False)
            ids += head + body
            learnt += [False] * len(head) + [everything or message["role"] == "assistant"] * len(body)
        with torch.no_grad():
            losses = torch.nn.functional.cross_entropy(
                model(torch.tensor([ids])).logits[0, :-1], torch.tensor(ids[1:]), reduction="none"
            )
        chosen = losses[torch.tensor(learnt[1:])]
        total, tokens = total + float(chosen.sum()), tokens + len(chosen)
    return total / tokens


@pytest.mark.parametrize("packing", [True, False])
@pytest.mark.parametrize("loss_on", ["assistant", "all"])
def test_a_step_learns_the_mean_over_its_learnt_tokens_and_no_others(
    folder: Path, tmp_path: Path, packing: bool, loss_on: str
) -> None:
    told = made(folder, context={"max_length": 128, "packing": packing, "loss_on": loss_on})
    loss = first_loss(tmp_path / "run", told)
    assert loss == pytest.approx(by_hand(folder, everything=loss_on == "all"), rel=1e-5)


def test_several_packs_in_a_pass_are_the_same_step(folder: Path, tmp_path: Path) -> None:
    losses = [first_loss(tmp_path / str(size), made(folder, machine={"sequences_per_pass": size})) for size in (1, 5)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)


def test_the_learning_rate_warms_up_and_ends_at_its_share(folder: Path, tmp_path: Path) -> None:
    told = made(folder, optimisation={"max_steps": 20, "warmup": 0.25, "final_share": 0.1, "tokens_per_step": 1})
    trained(tmp_path / "run", told)
    rates = [one["learning_rate"] for one in log(tmp_path / "run")]
    assert rates[:6] == pytest.approx([0, 0.002, 0.004, 0.006, 0.008, 0.01])
    cosine = [0.1 + 0.9 * (1 + math.cos(math.pi * step / 15)) / 2 for step in range(15)]
    assert rates[5:] == pytest.approx([0.01 * share for share in cosine])


def test_a_corpus_alone_is_learnt_as_text_without_anything_held_out(folder: Path, tmp_path: Path) -> None:
    source = documents(tmp_path / "corpus.txt", [f"Gaur {i} lagun etorri dira etxera." for i in range(40)])
    data = {"corpus": [{"source": str(source), "language": "eu"}], "held_out_share": 0}
    report, _ = trained(tmp_path / "run", made(folder, data=data, optimisation={"epochs": 6}))
    assert report.losses == () and report.sources[0].kind == "corpus"
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()
    records = log(tmp_path / "run")
    assert records[-1]["loss"] < records[0]["loss"] - 2


def test_data_for_a_single_step_are_told_of(folder: Path, tmp_path: Path) -> None:
    report, looker = trained(tmp_path / "run", made(folder, optimisation={"epochs": 1, "tokens_per_step": 10_000}))
    line = "optimisation.tokens_per_step: 10,000 makes 1 step of these data, which teach little; lower it"
    assert report.steps == 1 and line in report.warnings and f"warning: {line}" in looker.notes


def test_measured_without_training_it_has_the_loss_that_a_run_begins_with(
    done: tuple[Path, TrainingReport, Looker], folder: Path, tmp_path: Path
) -> None:
    (loss,) = measure(TrainingRecipe.model_validate(made(folder)), tmp_path / "data")
    (begun,) = done[1].losses
    assert loss.before == loss.after == pytest.approx(begun.before, rel=1e-6)
    assert (loss.tokens, loss.sequences) == (begun.tokens, begun.sequences)


# What goes wrong.


def test_a_model_of_no_numbers_is_told_before_it_is_trained(folder: Path, tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(small_model(tmp_path / "broken"))
    with torch.no_grad():
        model.model.norm.weight.fill_(math.nan)
    model.save_pretrained(tmp_path / "broken")
    with pytest.raises(TrainingError, match="the loss on conversations-eu is nan"):
        trained(tmp_path / "run", made(folder, model=str(tmp_path / "broken")))
    with pytest.raises(TrainingError, match=r"the loss is nan at step 1, .*; there is no checkpoint yet"):
        told = made(folder, model=str(tmp_path / "broken"))
        trained(tmp_path / "run", told | {"data": {**told["data"], "held_out_share": 0}})
    assert not (tmp_path / "run" / "model").exists() and not (tmp_path / "run" / "report.json").exists()
