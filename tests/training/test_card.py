"""The model card: what the Hub reads of it, what people read, and that no text of others breaks either."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard, ModelCardData
from huggingface_hub.repocard import metadata_load
from pydantic import TypeAdapter

from schemas.backbones import BackboneSpec
from schemas.errors import StorageError
from schemas.training_report import SourceCount, TrainingReport
from tests.support.training_reports import BASE, CONVERSATIONS, loss, recipe, report
from training.card import write

DEMO = Path(__file__).resolve().parents[2] / "demo" / "iturri-demo-eu"
NASTY = 'a|b `c` <script> [d](http://e) *f* _g_ $h$ "i": #j\n---\n# k \u202e {{ l }} {% m %}'


def card(folder: Path, given: TrainingReport | None = None, licence: str | None = None) -> str:
    write(given or report(), folder, licence)
    return (folder / "README.md").read_text(encoding="utf-8")


def metadata(text: str) -> dict[str, Any]:
    return dict(read(text).to_dict())  # type: ignore[no-untyped-call]


def read(text: str) -> ModelCardData:
    data = ModelCard(text).data
    assert isinstance(data, ModelCardData)
    return data


def block(text: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


def rows(text: str, first: str) -> list[list[str]]:
    """The cells of the table whose head begins with a name."""
    table = re.search(rf"^\| {first} \|.*\n\|[-:| ]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table is not None
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line.removeprefix("|").removesuffix("|"))]
        for line in table[1].splitlines()
    ]


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    (tmp_path / "adapter_config.json").write_text("{}", encoding="utf-8")
    return tmp_path


LORA = recipe(method="lora", lora={"rank": 24, "alpha": 48})


def test_the_hub_reads_its_metadata(tmp_path: Path) -> None:
    text = card(tmp_path, report(recipe(publish={"licence": "llama3.1"})))
    found = metadata(text)
    assert found == metadata_load(tmp_path / "README.md")
    assert {name: value for name, value in found.items() if name != "model-index"} == {
        "language": ["eu", "en"],
        "license": "llama3.1",
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "base_model": [BASE],
        "base_model_relation": "finetune",
        "datasets": [CONVERSATIONS],
        "tags": ["iturri", "conversational", "sft"],
    }


def test_the_held_out_losses_are_an_index_that_the_hub_reads(tmp_path: Path) -> None:
    found = read(card(tmp_path))
    assert found.model_name == "proba"
    assert found.eval_results is not None
    assert [
        (one.dataset_type, one.dataset_name, one.metric_type, one.metric_value, one.metric_args)
        for one in found.eval_results
    ] == [
        (CONVERSATIONS, "conversations-eu", "loss", 1.8, {"before": 2.9, "tokens": 4000}),
        ("conversations-en", "conversations-en", "loss", 1.3, {"before": 1.1, "tokens": 4000}),
    ]


def test_a_model_and_sources_from_folders_are_not_told_to_the_hub(tmp_path: Path) -> None:
    source = SourceCount(source="publication", kind="conversations", language="eu")
    found = metadata(card(tmp_path, report(model="iturri-demo-eu", sources=(source,))))
    assert found.keys().isdisjoint({"base_model", "base_model_relation", "datasets"})


def test_no_path_of_a_machine_is_in_it(tmp_path: Path) -> None:
    fields = recipe(
        model={"name": "/home/ane/models/base", "chat_template": "/home/ane/template.jinja"},
        data={"conversations": [{"source": "/home/ane/builds/one"}]},
        output="/home/ane/runs/proba",
    )
    text = card(tmp_path, report(fields, model="base", warnings=("see /home/ane/runs/proba/log.jsonl",)))
    assert "/home" not in text and "ane" not in re.findall(r"\w+", text)
    assert "see log.jsonl" in text and "| base model | base |" in text


def test_the_data_is_told_with_what_was_left_out_and_why(tmp_path: Path) -> None:
    first, second = rows(card(tmp_path), "source")
    link = f"[{CONVERSATIONS}](https://huggingface.co/datasets/{CONVERSATIONS}) at 0123456789ab"
    counts = ["2", "1,000", "20", "1,950", "300,000", "210,000", "empty_turn 3, wrong_roles 2", "7"]
    assert first == [link, "conversations, magpie", "eu", *counts]
    assert second == ["corpus.txt", "corpus", "eu", "1", "400", "0", "412", "90,000", "0", "", "0"]


def test_losses_stand_before_and_after_and_what_got_worse_is_said(tmp_path: Path) -> None:
    text = card(tmp_path)
    assert rows(text, "held out") == [
        ["conversations-eu", "20", "4,000", "2.900", "1.800", "-1.100"],
        ["conversations-en", "20", "4,000", "1.100", "1.300", "+0.200"],
    ]
    assert re.findall(r"\*\*(.*) got worse:\*\* the loss rose from 1\.100 to 1\.300", text) == ["conversations-en"]
    assert "The model has forgotten some" in text
    taught = card(tmp_path, report(losses=(loss("conversations-eu", 1.1, 1.3),)))
    assert "It was trained on such text: the learning rate was too high" in taught and "forgotten some" not in taught


def test_what_stays_the_same_as_it_is_shown_did_not_get_worse(tmp_path: Path) -> None:
    text = card(tmp_path, report(losses=(loss("conversations-en", 1.1001, 1.1002),)))
    assert "got worse" not in text
    assert rows(text, "held out")[0][-1] == "+0.000"


def test_without_held_out_losses_it_says_so(tmp_path: Path) -> None:
    text = card(tmp_path, report(losses=()))
    assert "Nothing was held out" in text
    assert "model-index" not in metadata(text)


def test_what_the_recipe_leaves_to_the_defaults_is_in_the_configuration(tmp_path: Path) -> None:
    found = dict(rows(card(tmp_path, report(recipe(optimisation={"epochs": 2}))), "setting"))
    assert found["optimisation.epochs"] == "2"
    assert found["optimisation.learning_rate"] == "1e-05"
    assert found["context.max_length"] == "8,192"
    assert "lora.rank" not in found
    assert dict(rows(card(tmp_path, report(LORA)), "setting"))["lora.rank"] == "24"


def test_the_picture_is_shown_where_it_lies_beside_it(tmp_path: Path) -> None:
    assert "](curve.png)" not in card(tmp_path)
    (tmp_path / "curve.png").write_bytes(b"")
    assert "](curve.png)" in card(tmp_path)


def test_an_adapter_names_its_base_and_how_to_serve_it(adapter: Path) -> None:
    text = card(adapter, report(recipe(method="lora", lora={"rank": 24}, publish={"repo": "euskaltzaleak/proba"})))
    found = metadata(text)
    assert (found["base_model_relation"], found["library_name"]) == ("adapter", "peft")
    assert found["tags"] == ["iturri", "conversational", "sft", "lora"]
    assert block(text, "bash") == (
        f"vllm serve {BASE} --enable-lora --max-lora-rank 32 --lora-modules proba=euskaltzaleak/proba\n"
    )


def test_a_merged_adapter_is_a_whole_model(tmp_path: Path) -> None:
    text = card(tmp_path, report(LORA))
    assert metadata(text)["base_model_relation"] == "finetune"
    assert "by LoRA with rank 24, merged into the weights." in text


@pytest.mark.parametrize(
    ("chosen", "base", "said", "words"),
    [
        ("cc-by-4.0", None, {"license": "cc-by-4.0"}, "The licence of its base is not stated"),
        ("cc-by-4.0", "apache-2.0", {"license": "cc-by-4.0"}, "Its base is under apache-2.0"),
        (None, "Apache License 2.0", {"license": "apache-2.0"}, "The recipe states no licence"),
        (None, None, {"license": "unknown"}, "**No licence is stated**"),
        (None, "unknown", {"license": "unknown"}, "**No licence is stated**"),
        (
            None,
            "Qwen Research: *x*",
            {"license": "other", "license_name": "qwen-research-x", "license_link": f"https://huggingface.co/{BASE}"},
            "is under qwen-research-x; so this one",
        ),
        (
            "other",
            "qwen-research",
            {"license": "other", "license_name": "qwen-research", "license_link": f"https://huggingface.co/{BASE}"},
            "under a licence of its own. Its base is under qwen-research",
        ),
    ],
)
def test_the_licence_is_the_recipes_or_else_the_bases(
    chosen: str | None, base: str | None, said: dict[str, str], words: str, tmp_path: Path
) -> None:
    publish = {} if chosen is None else {"licence": chosen}
    text = card(tmp_path, report(recipe(publish=publish)), base)
    assert {name: value for name, value in metadata(text).items() if name.startswith("license")} == said
    assert words in text.split("## Licence")[1]


def test_texts_of_others_break_neither_markdown_nor_yaml(tmp_path: Path) -> None:
    plain = SourceCount(source="source", kind="conversations", language="eu", mode="mode", dropped={"reason": 1})
    nasty = plain.model_copy(update={"source": NASTY, "mode": NASTY, "revision": NASTY, "dropped": {NASTY: 1}})
    fields: dict[str, Any] = {"sources": (nasty,), "losses": (loss(NASTY, 1.0, 2.0),), "warnings": (NASTY,)}
    fields |= {"model": NASTY, "model_revision": NASTY, "versions": {NASTY: NASTY}, "iturri_version": NASTY}
    text = card(tmp_path, report(**fields))
    results = read(text).eval_results
    assert results is not None and results[0].dataset_name == NASTY
    assert [len(row) for row in rows(text, "source")] == [11]
    body = text.split("\n---\n", 1)[1].replace(block(text, "bibtex"), "")
    assert not re.search(r"(?<!\\)<script|\u202e|(?<!\\)\]\(http://e\)|^---|^# k", body, re.MULTILINE)
    harmless = card(tmp_path, report(warnings=("a",)))
    assert re.findall(r"^#+ .*", body, re.MULTILINE) == re.findall(r"^#+ .*", harmless, re.MULTILINE)


def test_the_citation_holds_names_with_signs_of_latex(tmp_path: Path) -> None:
    text = block(card(tmp_path, report(recipe(name="exp_2_111"), model="a}{b_c")), "bibtex")
    assert r"title        = {exp\_2\_111}," in text
    assert r"note         = {Adapted from ab\_c by full fine-tuning, with Iturri 0.1.0}" in text
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize("whole", [True, False], ids=["model", "adapter"])
def test_the_backbone_it_proposes_is_one_that_recipes_take(whole: bool, tmp_path: Path) -> None:
    if not whole:
        (tmp_path / "adapter_config.json").write_text("{}", encoding="utf-8")
    fragment = yaml.safe_load(block(card(tmp_path, licence="llama3.1"), "yaml"))
    found: BackboneSpec = TypeAdapter(BackboneSpec).validate_python(fragment["backbone"])
    assert found.kind == ("vllm" if whole else "openai")
    assert found.licence == "llama3.1"


def test_the_snippet_runs_on_a_model_and_on_an_adapter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    shutil.copytree(DEMO, tmp_path / "model")
    peft = get_peft_model(AutoModelForCausalLM.from_pretrained(DEMO), LoraConfig(r=4, target_modules="all-linear"))
    peft.save_pretrained(tmp_path / "adapter")
    AutoTokenizer.from_pretrained(DEMO).save_pretrained(tmp_path / "adapter")
    for name in ("model", "adapter"):
        code = block(card(tmp_path / name), "python").replace("path/to/this/folder", str(tmp_path / name))
        capsys.readouterr()
        exec(code.replace("max_new_tokens=256", "max_new_tokens=8"), {})  # noqa: S102
        assert capsys.readouterr().out.strip()
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["base_model_name_or_path"] == str(DEMO)


def test_a_card_that_cannot_be_written_leaves_the_one_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = card(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match=r"README\.md cannot be written: No space left on device"):
        write(report(losses=()), tmp_path)
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == [before]
