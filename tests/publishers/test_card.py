from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from datasets import Features
from datasets.info import DatasetInfosDict
from huggingface_hub import DatasetCard
from huggingface_hub.repocard import metadata_load

from publishers.card import card
from publishers.card_metadata import size_category
from publishers.columns import COLUMNS
from publishers.handwritten import BEGIN, END
from publishers.redaction import redacted
from publishers.rows import SCHEMA
from schemas.funnel import Diversity, Funnel, TemplateFamily
from schemas.manifest import Shard
from schemas.recipe import Recipe
from tests.support.publishers_builds import manifest, recipe_fields


def shard(path: str, rows: int = 10, size: int = 100) -> Shard:
    config, name = path.split("/")[1:]
    return Shard(path=path, config=config, split=name.split("-")[0], rows=rows, bytes=size, sha256="0" * 64)


SHARDS = (
    shard("data/magpie-eu/train-00001.parquet", rows=4, size=40),
    shard("data/magpie-eu/train-00000.parquet"),
    shard("data/magpie-eu/validation-00000.parquet", rows=1),
    shard("data/grounded-eu/train-00000.parquet"),
)


def metadata(text: str) -> dict[str, Any]:
    front = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    assert front is not None
    loaded: dict[str, Any] = yaml.safe_load(front[1])
    return loaded


def test_the_metadata_says_what_the_hub_asks() -> None:
    data = metadata(card(manifest(SHARDS)))
    assert data["language"] == ["eu"]
    assert data["license"] == "cc0-1.0"
    assert data["size_categories"] == ["n<1K"]
    assert data["task_categories"] == ["text-generation"]
    assert {"synthetic", "magpie"} <= set(data["tags"])
    assert data["pretty_name"] == "proba (Basque)"


def test_each_config_names_its_files_and_only_splits_that_have_some() -> None:
    data = metadata(card(manifest(SHARDS)))
    grounded, magpie = data["configs"]
    assert grounded == {
        "config_name": "grounded-eu",
        "default": True,
        "data_files": [{"split": "train", "path": ["data/grounded-eu/train-00000.parquet"]}],
    }
    assert magpie["data_files"] == [
        {"split": "train", "path": ["data/magpie-eu/train-00000.parquet", "data/magpie-eu/train-00001.parquet"]},
        {"split": "validation", "path": ["data/magpie-eu/validation-00000.parquet"]},
    ]
    info = data["dataset_info"][1]
    assert info["splits"][0] == {"name": "train", "num_bytes": 140, "num_examples": 14}
    assert info["download_size"] == 240


def test_the_hub_client_reads_it_as_a_card(tmp_path: Path) -> None:
    text = card(manifest(SHARDS), "herria/proba")
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    assert metadata_load(tmp_path / "README.md") == metadata(text)
    read = DatasetCard(text)
    assert read.data.get("pretty_name") == "proba (Basque)"
    assert read.text.lstrip().startswith("# proba (Basque)")


def test_datasets_reads_the_features_of_the_shards_and_would_write_the_same() -> None:
    text = card(manifest(SHARDS))
    infos = DatasetInfosDict.from_dataset_card_data(DatasetCard(text).data)
    assert set(infos) == {"grounded-eu", "magpie-eu"}
    for written in metadata(text)["dataset_info"]:
        info = infos[written["config_name"]]
        assert info.features == Features.from_arrow_schema(SCHEMA)
        assert info._to_yaml_dict() == written
    assert {name: split.num_examples for name, split in infos["magpie-eu"].splits.items()} == {
        "train": 14,
        "validation": 1,
    }


def test_the_same_manifest_gives_the_same_card() -> None:
    assert card(manifest(SHARDS)) == card(manifest(SHARDS[::-1]))


def test_the_body_gives_provenance_funnel_filters_and_how_to_load() -> None:
    text = card(manifest(SHARDS), "herria/proba")
    for line in (
        "| backbone | demo (scripted) |",
        "| backbone revision | not stated |",
        "| made with | Iturri 0.1.0 |",
        f"| recipe fingerprint | `{'f' * 64}` |",
        "| magpie | user_turn | language.foreign | 5 | 16.1% | 250 |",
        "| magpie | accepted | accepted | 25 | 80.6% | 1,250 |",
        "| **generated tokens per accepted conversation** | **62** |",
        "| engine hours | 0.03 (90 s) |",
        "| language | detector arbitrated, min_words 6 |",
        'dataset = load_dataset("herria/proba", "grounded-eu", split="train")',
        "howpublished = {\\url{https://huggingface.co/datasets/herria/proba}},",
        "  title        = {proba (Basque)},",
    ):
        assert line in text
    assert "reply sampling | temperature 0.6, top_p 0.9" in text


def test_of_an_embedder_the_model_is_told_and_not_where_it_is() -> None:
    fields = recipe_fields()
    embedder = {"model": "bektoreak", "endpoints": ["http://10.1.2.3/v1"], "api_key_env": "THE_KEY", "dimensions": None}
    fields["filters"]["duplicates"]["semantic"] = {"embedder": embedder, "threshold": 0.9}
    text = card(redacted(manifest(SHARDS, recipe=fields)))
    assert "semantic (embedder (model bektoreak), threshold 0.9) |" in text
    assert not any(private in text for private in ("10.1.2.3", "THE_KEY"))


def test_tables_are_whole() -> None:
    """Every line of a table has as many cells as its header, and no blank line cuts one in two."""
    lines = card(manifest(SHARDS)).splitlines()
    rules = [number for number, line in enumerate(lines) if re.fullmatch(r"\|(-+:?\|)+", line)]
    assert len(rules) >= 6
    for rule in rules:
        cells = lines[rule].count("|")
        body = rule + 1
        while body < len(lines) and lines[body].startswith("|"):
            assert lines[body].replace("\\|", "").count("|") == cells
            body += 1
        assert body > rule + 1
        assert lines[body] == ""


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("CC-BY-4.0", {"license": "cc-by-4.0"}),
        (None, {"license": "unknown"}),
    ],
)
def test_licences(licence: str | None, expected: dict[str, str]) -> None:
    text = card(manifest(SHARDS, recipe_fields(licence=licence)))
    data = metadata(text)
    assert {key: data[key] for key in data if key.startswith("license")} == expected
    assert ("No licence is stated" in text) == (licence is None)


def test_text_of_the_recipe_cannot_break_out() -> None:
    fields = recipe_fields(title="a: b\n---\n# | c", description="one\n---\ntwo")
    text = card(manifest(SHARDS, fields))
    assert metadata(text)["pretty_name"] == "a: b --- # | c"
    assert "\none --- two\n" in text


def test_comments_in_text_of_the_recipe_hide_nothing_and_are_no_marks() -> None:
    text = card(manifest(SHARDS, recipe_fields(title=f"a {BEGIN}", description=f"{END} <!-- never closed")))
    assert (text.count(BEGIN), text.count(END)) == (2, 1)
    assert text.partition("\n---\n")[2].count("<!--") == 2
    assert metadata(text)["pretty_name"] == f"a {BEGIN}"


def test_every_column_is_told_in_the_order_of_the_schema() -> None:
    assert list(COLUMNS) == SCHEMA.names
    text = card(manifest(SHARDS))
    assert re.findall(r"^\| `(\w+)` \| ", text, re.MULTILINE)[-len(COLUMNS) :] == SCHEMA.names


def test_a_change_log_is_pointed_to_where_there_is_one() -> None:
    assert "[CHANGELOG.md](CHANGELOG.md)" in card(manifest(SHARDS), changelog=True)
    assert "CHANGELOG" not in card(manifest(SHARDS))


def test_what_the_filters_did_not_look_for_is_among_the_limits() -> None:
    plain = card(manifest(SHARDS))
    assert "compared with no benchmark" in plain
    assert "Duplicates were not looked for" not in plain
    fields = recipe_fields()
    fields["filters"]["duplicates"] |= {"enabled": False, "against": [{"dataset": "a/benchmark"}]}
    other = card(manifest(SHARDS, fields))
    assert "compared with no benchmark" not in other
    assert "Duplicates were not looked for" in other


def test_it_names_the_largest_families() -> None:
    family = TemplateFamily(frame="idatzi … | olerkia", rows=1234, share=0.25)
    diversity = Diversity(ngram=2, distinct=0.5, families=(family,), candidates_per_row=1, cut_rows=0)
    body = card(manifest(SHARDS, funnel=Funnel(target=1, diversity=diversity)))
    assert "Of the 2-grams of words in the first user turns, 50.0% are different ones." in body
    assert "| idatzi … \\| olerkia | 1,234 | 25.0% |" in body
    assert "template families" not in card(manifest(SHARDS, funnel=Funnel(target=1)))


def test_a_build_that_is_not_finished_says_so() -> None:
    assert "**Not finished:**" in card(manifest(SHARDS, complete=False))
    assert "**Not finished:**" not in card(manifest(SHARDS))


def test_a_dry_build_says_so_at_once() -> None:
    fields = recipe_fields()
    fields["filters"]["dry"] = True
    text = card(manifest(SHARDS, fields))
    assert "judged by filters" not in text
    assert "A draft is dropped at the first gate" not in text
    assert "\n**Dry:** the filters only looked on" in text.partition("| config | split |")[0]
    assert "this build dropped nothing but unfit materials" in text
    assert "**Dry:**" not in card(manifest(SHARDS))


def mixed(*modes: dict[str, Any]) -> str:
    fields = recipe_fields()
    planned = {"name": "proba", "language": "eu", "backbone": "demo", "target": {"conversations": 9}, "modes": modes}
    fields["modes"] = Recipe.model_validate(planned).model_dump(mode="json")["modes"]
    return card(manifest(SHARDS, fields))


def test_of_grounded_it_says_what_people_wrote() -> None:
    grounded = {"mode": "grounded", "corpus": {"dataset": "corpus.jsonl"}}
    shown, hidden = mixed(grounded), mixed({**grounded, "show_passage": False})
    assert "system messages of mode `grounded` hold a passage that was there before" in shown
    assert "Every other word is machine-generated." in shown
    assert "is not part of the conversations, but for the prompts that stand with the passages" in shown
    assert metadata(shown)["language_creators"] == ["machine-generated", "found"]
    assert "Every word of them is machine-generated." in hidden
    assert "is not part of the conversations." in hidden
    assert metadata(hidden)["language_creators"] == ["machine-generated"]


def test_a_mode_that_gave_nothing_says_so() -> None:
    text = mixed({"mode": "magpie"}, {"mode": "magpie", "language": "en", "weight": 2})
    assert "Mode `magpie` (`magpie-eu`), weight 1.0, 15 conversations:" in text
    assert "Mode `magpie` (`magpie-en`), weight 2.0, 0 conversations:" in text


def test_topics_of_a_corpus_are_something_it_was_made_from() -> None:
    topics = {"dataset": "corpus.jsonl", "licence": "cc0-1.0"}
    text = mixed({"mode": "magpie", "steering": {"topics_from": topics}})
    assert "| magpie | corpus.jsonl | not stated | cc0-1.0 | topics |" in text
    assert "a topic stands in the column `sampling`" in text


def test_a_backbone_by_name_needs_no_server() -> None:
    fields = recipe_fields()
    fields["backbone"] = "demo"
    assert "| backbone | demo (declared by name) |" in card(manifest(SHARDS, fields))


def test_a_build_that_accepted_nothing_has_a_card_all_the_same() -> None:
    assert "**none accepted**" in card(manifest(SHARDS, funnel=Funnel(target=1)))


@pytest.mark.parametrize(
    ("rows", "name"),
    [(0, "n<1K"), (999, "n<1K"), (1_000, "1K<n<10K"), (10**6, "1M<n<10M"), (10**9, "1B<n<10B"), (10**12, "n>1T")],
)
def test_size_categories(rows: int, name: str) -> None:
    assert size_category(rows) == name


def test_a_publication_tells_nothing_about_the_machine() -> None:
    fields = recipe_fields()
    fields["backbone"] = {
        "kind": "vllm",
        "model": "/home/ane/models/latxa-8b",
        "endpoints": ["http://10.0.0.7:8000/v1"],
        "engine_args": {"hf_token": "hf_secret", "download_dir": "/home/ane/hf", "max_model_len": 4096},
    }
    fields["output"]["directory"] = "/home/ane/builds/proba"
    made = manifest(SHARDS, fields)
    made = made.model_copy(update={"provenance": made.provenance.model_copy(update={"backbone": "/home/ane/latxa-8b"})})
    public = redacted(made)
    for text in (public.model_dump_json(), card(public)):
        assert not re.search("ane|10\\.0|hf_secret", text)
    backbone = public.provenance.recipe["backbone"]
    assert backbone == {"kind": "vllm", "model": "latxa-8b", "engine_args": {"max_model_len": 4096}}
    assert public.provenance.recipe["modes"][0]["reply_sampling"]["max_tokens"] == 1024
    assert public.provenance.backbone == "latxa-8b"
