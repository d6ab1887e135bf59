"""The card of a merge: which models, how, under which licence."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub.repocard import metadata_load

from schemas.training import TrainingRecipe
from schemas.training_grid_report import MergedFrom, MergeReport
from tests.support.training_reports import BASE, loss, recipe
from training.merge_card import Merged, write

REPORT = MergeReport(
    name="chat-vector",
    method="task_arithmetic",
    formula="base + sum of weight x (model - base)",
    models=(
        MergedFrom(model="exp_0_000", revision="0e9e39f2"),
        MergedFrom(model="exp_0_100", weight=1.0),
        MergedFrom(model="ours|here", weight=0.25),
    ),
    speaks_like=MergedFrom(model="exp_0_000"),
    precision="bfloat16",
    parameters=8_030_261_248,
    seconds=3.5,
    versions={"iturri": "0.1.0", "mergekit": "0.1.5"},
)


def card(folder: Path, *licences: str | None, chosen: str | None = None) -> str:
    names = (BASE, "exp_0_100", "ours|here")
    models = [Merged(name, licence) for name, licence in zip(names, licences, strict=True)]
    write(
        REPORT,
        TrainingRecipe.model_validate(recipe(publish={"licence": chosen})),
        (loss("conversations-eu", 2.25, 2.25),),
        models,
        folder,
    )
    return (folder / "README.md").read_text(encoding="utf-8")


def test_a_merge_names_its_models_and_claims_no_training(tmp_path: Path) -> None:
    text = card(tmp_path, "llama3.1", "llama3.1", "llama3.1")
    assert metadata_load(tmp_path / "README.md") == {
        "language": ["eu", "en"],
        "license": "llama3.1",
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "base_model": [BASE],
        "base_model_relation": "merge",
        "tags": ["iturri", "merge", "mergekit"],
    }
    assert f"| [{BASE}](https://huggingface.co/{BASE}) | 0e9e39f2 | the base |" in text
    assert "| exp_0_100 | not stated | 1 |" in text
    assert "| ours\\|here | not stated | 0.25 |" in text
    assert f"turn are those of [{BASE}]" in text
    assert "| conversations-eu | 20 | 4,000 | 2.250 |" in text
    assert "base + sum of weight x (model - base)" in text
    assert "All that was merged is under llama3.1, and so is the merge." in text
    assert "trained on" not in text


def test_models_of_different_licences_leave_the_merge_without_one(tmp_path: Path) -> None:
    text = card(tmp_path, "llama3.1", "apache-2.0", None)
    assert "license: unknown" in text
    assert "**No licence is stated.**" in text
    assert text.endswith(f"- {BASE}: llama3.1\n- exp_0_100: apache-2.0\n- ours\\|here: not stated\n")
    assert "license: unknown" in card(tmp_path, None, None, None)


def test_the_grids_licence_is_the_merges(tmp_path: Path) -> None:
    text = card(tmp_path, "llama3.1", "llama3.1", "llama3.1", chosen="cc-by-4.0")
    assert "license: cc-by-4.0" in text
    assert "The merge is published under cc-by-4.0. The terms of every model that was merged apply as well:" in text
    assert f"- {BASE}: llama3.1" in text
