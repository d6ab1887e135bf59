"""Configurations of other trainers: what they say, checked against facts read in those trainers' own code.

Read were Axolotl 0.19.0, TRL 1.16.0 and LLaMA-Factory 0.9.5; TRL is installed here, and runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from trl import DatasetMixtureConfig, ModelConfig, ScriptArguments, SFTConfig, TrlParser

from publishers.export import export
from publishers.manifest import write_manifest
from publishers.training_configs import Setup, warnings_of_steps
from schemas.conversation import Message
from schemas.errors import InputError, PublishError
from schemas.training import Optimisation
from schemas.training_format import TrainingFormat
from tests.support.publishers_builds import conversation, manifest, seal
from tests.support.rooms import ROOT

BACKBONE = ROOT / "demo" / "iturri-demo-eu"
MODEL = "group/model-8b"
TRAINERS: tuple[TrainingFormat, ...] = ("axolotl", "trl", "llamafactory")

# What each trainer calls a setting of the paper. Axolotl: HyperparametersConfig and AxolotlInputConfig of
# axolotl.utils.schemas; the others: Transformers' TrainingArguments, and what each puts beside them.
SETTINGS: dict[str, dict[str, str]] = {
    "axolotl": {
        "epochs": "num_epochs",
        "learning_rate": "learning_rate",
        "final_share": "cosine_min_lr_ratio",
        "warmup": "warmup_ratio",
        "length": "sequence_len",
        "packing": "sample_packing",
        "batch": "micro_batch_size",
    },
    "trl": {
        "epochs": "num_train_epochs",
        "learning_rate": "learning_rate",
        "warmup": "warmup_steps",
        "length": "max_length",
        "packing": "packing",
        "batch": "per_device_train_batch_size",
    },
    "llamafactory": {
        "epochs": "num_train_epochs",
        "learning_rate": "learning_rate",
        "warmup": "warmup_ratio",
        "length": "cutoff_len",
        "packing": "neat_packing",
        "batch": "per_device_train_batch_size",
    },
}


def told(build: Path, target: Path, layout: TrainingFormat, **options: Any) -> dict[str, Any]:
    export(build, target, layout, **{"model": MODEL, **options})
    read = yaml.safe_load((target / f"{layout}.yaml").read_text(encoding="utf-8"))
    assert isinstance(read, dict)
    return read


def values(folder: Path, layout: TrainingFormat) -> str:
    return (folder / f"{layout}.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("layout", TRAINERS)
def test_the_settings_are_those_of_the_paper(build: Path, tmp_path: Path, layout: TrainingFormat) -> None:
    read, paper, name = told(build, tmp_path / "out", layout), Optimisation(), SETTINGS[layout]
    assert (read[name["epochs"]], read[name["learning_rate"]], read[name["warmup"]]) == (4, 1e-5, 0.1)
    assert (read["adam_beta1"], read["adam_beta2"], read["weight_decay"]) == (0.9, 0.95, 0.1)
    assert (read["neftune_noise_alpha"], read["seed"], read["bf16"], read["max_grad_norm"]) == (5, 33, True, 1)
    assert (read[name["length"]], read[name["packing"]]) == (8192, True)
    share = read.get("cosine_min_lr_ratio") or read["lr_scheduler_kwargs"]["min_lr_rate"]
    assert share == paper.final_share == pytest.approx(1 / 3)
    assert read.get("lr_scheduler", read.get("lr_scheduler_type")) in ("cosine", "cosine_with_min_lr")
    tokens = 8 * read[name["batch"]] * read["gradient_accumulation_steps"] * read[name["length"]]
    assert tokens == paper.tokens_per_step


@pytest.mark.parametrize("layout", TRAINERS)
@pytest.mark.parametrize(("gpus", "accumulation"), [(1, 256), (3, 85), (128, 2), (1000, 1)])
def test_tokens_a_step_stay_near_the_papers_on_any_number_of_gpus(
    build: Path, tmp_path: Path, layout: TrainingFormat, gpus: int, accumulation: int
) -> None:
    read = told(build, tmp_path / "out", layout, gpus=gpus)
    assert read["gradient_accumulation_steps"] == accumulation
    assert f"{gpus * accumulation * 8192:,} tokens a step" in values(tmp_path / "out", layout)
    sharded = {"axolotl": "fsdp_config", "trl": "accelerate_config"}.get(layout)
    assert sharded is None or (sharded in read) == (gpus > 1)


@pytest.mark.parametrize("layout", TRAINERS)
@pytest.mark.parametrize(
    ("config", "length"),
    [
        ({"max_position_embeddings": 1024}, 1024),
        ({"text_config": {"max_position_embeddings": 2048}}, 2048),
        ({"max_position_embeddings": 131_072}, 8192),
        ({"max_position_embeddings": None, "text_config": {}}, 8192),
    ],
)
def test_a_sequence_is_no_longer_than_the_model_has_positions(
    build: Path, tmp_path: Path, layout: TrainingFormat, config: dict[str, Any], length: int
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    read = told(build, tmp_path / "out", layout, model=str(tmp_path / "model"))
    assert read[SETTINGS[layout]["length"]] == length
    assert 8 * read["gradient_accumulation_steps"] * length == Optimisation().tokens_per_step
    shortened = f"The model has positions for no more than {length} tokens (the paper: 8192)."
    assert (shortened in values(tmp_path / "out", layout)) == (length < 8192)


def test_a_model_whose_configuration_cannot_be_read_is_refused(build: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"--model: .*config.json cannot be read"):
        export(build, tmp_path / "out", "trl", model=str(tmp_path / "model"))


def test_axolotl_learns_assistant_turns_with_their_ends_and_keeps_samples_apart(build: Path, tmp_path: Path) -> None:
    read = told(build, tmp_path / "out", "axolotl")
    # SFTDataset: "turn" learns the end of each turn that is trained on. ATTN_IMPLS_SUPPORTING_PACKING has
    # flash_attention_2; the older `flash_attention: true` is deprecated.
    for entry in (*read["datasets"], *read["test_datasets"]):
        assert (entry["roles_to_train"], entry["train_on_eos"]) == (["assistant"], "turn")
        # SFTDataset puts this in where it is missing, and then it hides the one of the whole
        assert entry["chat_template"] == read["chat_template"] == "tokenizer_default"
    assert (read["attn_implementation"], read["pad_to_sequence_len"]) == ("flash_attention_2", True)
    assert read["base_model"] == MODEL
    assert read["plugins"] == ["axolotl.integrations.liger.LigerPlugin"]
    assert read["liger_fused_linear_cross_entropy"] is True
    assert (read["save_steps"], read["eval_steps"]) == (50, 50)


def test_llamafactory_names_its_datasets_and_keeps_samples_apart(build: Path, tmp_path: Path) -> None:
    read = told(build, tmp_path / "out", "llamafactory")
    described = json.loads((tmp_path / "out" / "dataset_info.json").read_text(encoding="utf-8"))
    assert {read["dataset"], read["eval_dataset"]} == set(described)
    # data.template: with no template named, the tokenizer's own is parsed
    assert "template" not in read
    assert (read["stage"], read["finetuning_type"], read["dataset_dir"]) == ("sft", "full", ".")
    assert (read["train_on_prompt"], read["mask_history"], read["flash_attn"]) == (False, False, "fa2")
    assert read["enable_liger_kernel"] is True


def test_trl_takes_every_option(build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # what only a GPU has is looked for while the options are read
    read = told(build, tmp_path / "out", "trl") | {"bf16": False, "use_liger_kernel": False}
    (tmp_path / "read.yaml").write_text(yaml.safe_dump(read), encoding="utf-8")
    parser = TrlParser((ScriptArguments, SFTConfig, ModelConfig, DatasetMixtureConfig))
    arguments = ["--config", str(tmp_path / "read.yaml"), "--use_cpu", "true"]
    script, training, model, _, left = parser.parse_args_and_config(arguments, return_remaining_strings=True)
    # these two are for `accelerate launch`, which the command of TRL starts
    assert left == ["--accelerate_config", "fsdp2", "--num_processes", "8"]
    assert (training.packing_strategy, training.assistant_only_loss, training.get_warmup_steps(100)) == (
        "bfd",
        True,
        10,
    )
    assert (model.model_name_or_path, script.dataset_test_split) == (MODEL, "validation")


@pytest.mark.parametrize("layout", TRAINERS)
def test_the_command_that_trains_is_told_and_heads_the_configuration(
    build: Path, tmp_path: Path, layout: TrainingFormat
) -> None:
    done = export(build, tmp_path / "out", layout, model=MODEL)
    assert done.command is not None and f" {layout}.yaml" in done.command
    assert values(tmp_path / "out", layout).startswith(f"# Run `{done.command}` in this folder.")


@pytest.mark.parametrize("layout", TRAINERS)
def test_rows_that_make_few_steps_are_told_and_change_nothing(tmp_path: Path, layout: TrainingFormat) -> None:
    row = conversation(0, messages=(Message(role="user", content="a" * 33_000),))
    shards = (seal(tmp_path / "build", "magpie", split, 0, [row]) for split in ("train", "validation"))
    write_manifest(manifest(tuple(shards)), tmp_path / "build")
    (line,) = export(tmp_path / "build", tmp_path / "out", layout, model=MODEL, gpus=1).warnings
    assert line == (
        "1 row to train on, about 11,000 tokens in all: about 1 step an epoch at 2,097,152 tokens a step, too few to "
        "teach much; lower gradient_accumulation_steps from 256"
    )
    assert "gradient_accumulation_steps: 256\n" in values(tmp_path / "out", layout)


@pytest.mark.parametrize(
    ("setup", "steps", "words"),
    [
        # four epochs of four steps, and of five
        (Setup("out", MODEL), 4, ["about 4 steps an epoch", "lower gradient_accumulation_steps from 32"]),
        (Setup("out", MODEL), 4.1, []),
        (Setup("out", MODEL, gpus=256), 4, ["train on fewer GPUs"]),
        (Setup("out", MODEL, corpus={"path": "group/corpus"}), 4, []),
    ],
)
def test_few_steps_are_fewer_than_twenty(setup: Setup, steps: float, words: list[str]) -> None:
    warnings = list(warnings_of_steps(setup, 1000, int(3 * steps * Optimisation().tokens_per_step)))
    assert len(warnings) == bool(words)
    assert all(word in line for line in warnings for word in words)


def test_trl_is_told_why_the_steps_of_warm_up_are_no_whole_number(build: Path, tmp_path: Path) -> None:
    told(build, tmp_path / "out", "trl")
    assert "\n# warmup_steps below 1 is a share of all steps" in values(tmp_path / "out", "trl")


def test_trl_trains_the_demo_backbone_by_it(build: Path, tmp_path: Path) -> None:
    export(build, tmp_path / "out", "trl", model=str(BACKBONE), gpus=1)
    # what a CPU lacks, and one short step
    slight = "--use_cpu true --bf16 false --use_liger_kernel false --attn_implementation sdpa --max_length 512"
    short = "--max_steps 1 --gradient_accumulation_steps 1 --eval_steps 1 --save_steps 1"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ITURRI_", "HF_"))}
    done = subprocess.run(
        [sys.executable, "-m", "trl.cli.main", "sft", "--config", "trl.yaml", *slight.split(), *short.split()],
        cwd=tmp_path / "out",
        env=environment | {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    state = json.loads((tmp_path / "out" / "model" / "checkpoint-1" / "trainer_state.json").read_text(encoding="utf-8"))
    assert [sorted({"loss", "eval_loss"} & set(entry)) for entry in state["log_history"][:2]] == [
        ["loss"],
        ["eval_loss"],
    ]
    assert (tmp_path / "out" / "model" / "model.safetensors").is_file()


@pytest.mark.parametrize("layout", TRAINERS)
def test_without_held_out_rows_nothing_is_measured(tmp_path: Path, layout: TrainingFormat) -> None:
    write_manifest(manifest((seal(tmp_path / "build", "magpie", "train", 0, [conversation(0)]),)), tmp_path / "build")
    read = told(tmp_path / "build", tmp_path / "out", layout)
    assert not {"test_datasets", "eval_dataset", "eval_steps", "dataset_test_split"} & set(read)


def test_rows_to_measure_with_alone_are_no_training(tmp_path: Path) -> None:
    shard = seal(tmp_path / "build", "magpie", "validation", 0, [conversation(0)])
    write_manifest(manifest((shard,)), tmp_path / "build")
    with pytest.raises(PublishError, match="no rows to train on yet"):
        export(tmp_path / "build", tmp_path / "out", "trl", model=MODEL)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("layout", "model", "revision"),
    [
        ("axolotl", "base_model", "revision_of_model"),
        ("trl", "model_name_or_path", "model_revision"),
        ("llamafactory", "model_name_or_path", "model_revision"),
    ],
)
def test_the_model_is_the_builds_backbone_in_its_revision(
    tmp_path: Path, layout: TrainingFormat, model: str, revision: str
) -> None:
    made = manifest((seal(tmp_path / "build", "magpie", "train", 0, [conversation(0)]),))
    known = made.provenance.model_copy(update={"backbone": MODEL, "backbone_revision": "abc123"})
    write_manifest(made.model_copy(update={"provenance": known}), tmp_path / "build")
    read = told(tmp_path / "build", tmp_path / "out", layout, model=None)
    assert (read[model], read[revision]) == (MODEL, "abc123")
    assert revision not in told(tmp_path / "build", tmp_path / "out", layout, model="group/other")
    assert told(tmp_path / "build", tmp_path / "out", layout, model=str(BACKBONE))[model] == str(BACKBONE)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "which model is to be trained"),
        ({"model": "no-such-folder"}, "--model: 'no-such-folder' is neither a folder nor a model of the Hub"),
        ({"model": str(Path(__file__).parent)}, "--model: .*publishers holds no model: there is no config.json"),
        ({"model": MODEL, "corpus": "nothing.jsonl"}, "--corpus: there is no nothing.jsonl"),
    ],
)
def test_what_cannot_be_trained_is_said_before_anything_is_written(
    build: Path, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        export(build, tmp_path / "out", "axolotl", **options)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("layout", ["trl", "llamafactory"])
def test_only_axolotl_mixes_a_corpus(build: Path, tmp_path: Path, layout: TrainingFormat) -> None:
    with pytest.raises(InputError, match=f"--corpus: {layout} cannot mix plain text with conversations"):
        export(build, tmp_path / "out", layout, model=MODEL, corpus="group/corpus")


@pytest.mark.parametrize("options", [{"model": MODEL}, {"corpus": "group/corpus"}, {"gpus": 2}])
def test_a_layout_of_rows_takes_no_options_of_a_trainer(build: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"--{next(iter(options))}: alpaca is a layout of rows"):
        export(build, tmp_path / "out", "alpaca", **options)


def test_a_corpus_is_learnt_as_completion_beside_the_conversations(build: Path, tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    line = json.dumps({"text": "Itsasoa urdina da."}) + "\n"
    (tmp_path / "corpus" / "a.jsonl").write_text(line, encoding="utf-8")
    (tmp_path / "corpus" / "b.jsonl").write_text(line, encoding="utf-8")
    pq.write_table(pa.table({"text": ["Itsasoa urdina da."]}), tmp_path / "c.parquet")
    # axolotl.prompt_strategies.completion reads the field that `field` names, and cuts at sequence_len
    completion = {"type": "completion", "field": "text"}
    files = [str(tmp_path / "corpus" / name) for name in ("a.jsonl", "b.jsonl")]
    for corpus, entry in (
        (files[0], {"path": files[0], "ds_type": "json"}),
        (str(tmp_path / "c.parquet"), {"path": str(tmp_path / "c.parquet"), "ds_type": "parquet"}),
        (
            str(tmp_path / "corpus"),
            {"path": str(tmp_path / "corpus"), "ds_type": "json", "data_files": files, "split": "train"},
        ),
        ("group/corpus", {"path": "group/corpus", "split": "train"}),
    ):
        read = told(build, tmp_path / "out", "axolotl", corpus=corpus)
        assert read["datasets"][-1] == {**entry, **completion}
        assert [source["type"] for source in read["datasets"]] == ["chat_template", "completion"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("corpus.txt", "Itsasoa.", "is neither .jsonl nor .parquet"),
        ("corpus.jsonl", '{"body": "Itsasoa."}\n', "has no field 'text' of text"),
        ("corpus.jsonl", '{"text": 1}\n', "has no field 'text' of text"),
        ("corpus.jsonl", "", "has no field 'text' of text"),
        ("corpus.jsonl", "Itsasoa.\n", "cannot be read"),
        ("corpus.parquet", "Itsasoa.", "cannot be read"),
        ("folder/corpus.txt", "Itsasoa.", "must hold .jsonl files, or .parquet files"),
    ],
)
def test_a_corpus_that_axolotl_would_misread_is_refused(
    build: Path, tmp_path: Path, name: str, content: str, words: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, encoding="utf-8")
    named = path.parent if path.parent != tmp_path else path
    with pytest.raises(InputError, match=words):
        export(build, tmp_path / "out", "axolotl", model=MODEL, corpus=str(named))
