"""The demo backbone's recipe makes a backbone, from nothing to a folder that loads, on the training module."""

from __future__ import annotations

from pathlib import Path

import torch
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer

from demo import corpus
from demo.train import RECIPE, main


def test_a_small_recipe_makes_a_backbone_that_loads(tmp_path: Path) -> None:
    for name in corpus.FILES:
        text = "".join(f"Mendian elurra dago gaur goizean, {number}. egunean.\n" for number in range(40))
        (tmp_path / name).write_text(text)
    told = yaml.safe_load(RECIPE.read_text())
    told |= {"vocab_size": 400, "tokenizer_talks": 60, "documents": 24, "late_families_from": 0}
    told["shape"] = {"hidden": 64, "intermediate": 96, "layers": 1, "head_size": 32, "max_length": 1024}
    told["training"]["optimisation"]["max_steps"] = 2
    (tmp_path / "train.yaml").write_text(yaml.safe_dump(told))
    arguments = ["--corpus", str(tmp_path), "--out", str(tmp_path / "made"), "--recipe", str(tmp_path / "train.yaml")]
    assert main(arguments) == 0
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "made", dtype="auto")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "made")
    assert model.dtype == torch.bfloat16
    assert model.generation_config.eos_token_id == [tokenizer.eos_token_id]
    assert tokenizer.chat_template.startswith("{{- '<|begin|>' -}}")
    log = (tmp_path / "made.work" / "run" / "log.jsonl").read_text().splitlines()
    assert len(log) == 2
