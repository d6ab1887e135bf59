"""Which licences go together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from publishers.backbone_licences import licence_by_name
from publishers.card import card
from publishers.card_metadata import card_metadata
from publishers.hub import publish_to_hub
from publishers.licence_rules import rule_of
from publishers.licences import Terms, terms_of
from publishers.local import publish_to_folder
from schemas.errors import RecipeError
from schemas.licences import HUB_LICENCES, OTHER
from schemas.manifest import Shard
from tests.support.publishers_builds import make_build, manifest, recipe_fields

_FIELDS = {"reverse": "corpus", "grounded": "corpus", "prompts": "prompts", "translation": "source"}


def made_from(mode: str, licence: str | None, **changes: Any) -> dict[str, Any]:
    return {
        "mode": mode,
        _FIELDS[mode]: {"dataset": f"testuak-{mode}", "licence": licence, "revision": None},
        **changes,
    }


def terms(licence: str | None, backbone: str | None = "apache-2.0", *modes: dict[str, Any]) -> Terms:
    return terms_of({"publish": {"licence": licence}, "modes": list(modes)}, "eredua", backbone)


def fits(licence: str, backbone: str | None = "apache-2.0", *modes: dict[str, Any]) -> bool:
    return terms(licence, backbone, *modes).objection() is None


@pytest.mark.parametrize(
    "model",
    [
        *("llama2", "llama3", "llama3.1", "llama3.2", "llama3.3", "llama4", "gemma", "grok2-community"),
    ],
)
def test_models_with_terms_for_outputs_want_the_same_licence(model: str) -> None:
    assert {one for one in HUB_LICENCES if fits(one, model)} == {model, OTHER}


def test_the_message_names_who_objects_why_and_what_to_do() -> None:
    said = terms("cc-by-4.0", "llama3.1").objection() or ""
    assert said.startswith("cc-by-4.0 does not go with the backbone eredua (llama3.1): ")
    assert "begins with Llama" in said
    assert "Choose llama3.1, or `other` with licence_name and licence_link" in said
    assert said.endswith("https://www.llama.com/llama3_1/license/")


@pytest.mark.parametrize(
    ("model", "licence", "good"),
    [
        ("cc-by-nc-4.0", "cc-by-nc-sa-4.0", True),
        ("cc-by-nc-4.0", "cc-by-nc-4.0", True),
        ("cc-by-nc-4.0", "cc-by-4.0", False),
        ("CC BY-NC 4.0", "mit", False),
        ("cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", True),
        ("cc-by-nc-sa-4.0", "cc-by-nc-sa-3.0", False),
        ("cc-by-nc-sa-4.0", "cc-by-nc-4.0", False),
        ("openrail", "bigscience-openrail-m", True),
        ("bigscience-openrail-m", "apache-2.0", False),
        ("cc-by-4.0", "cc0-1.0", True),  # of weights, not of what they write
        ("gpl-3.0", "mit", True),
        ("other", "cc-by-4.0", True),
        ("Mistral AI Research License", "cc-by-4.0", True),
        (None, "cc-by-4.0", True),
    ],
)
def test_what_licences_of_models_let_pass(model: str | None, licence: str, good: bool) -> None:
    assert fits(licence, model) == good
    assert fits(OTHER, model)


@pytest.mark.parametrize(
    ("texts", "licence", "good"),
    [
        ("cc-by-4.0", "mit", True),
        ("cc-by-2.5", "cc0-1.0", False),
        ("odc-by", "pddl", False),
        ("cc-by-sa-3.0", "cc-by-sa-4.0", True),
        ("cc-by-sa-4.0", "cc-by-sa-3.0", False),
        ("CC BY-SA 2.0", "cc-by-sa-3.0", True),
        ("cc-by-sa-2.0", "cc-by-4.0", False),
        ("cc-by-sa-4.0", "gpl-3.0", True),
        ("cc-by-sa-3.0", "gpl-3.0", False),
        ("cc-by-nc-4.0", "cc-by-4.0", False),
        ("gfdl", "cc-by-sa-4.0", False),
        ("odbl", "odbl", True),
        ("odbl", "cc-by-4.0", False),
        ("gpl-2.0", "gpl-3.0", True),
        ("gpl-3.0", "gpl-2.0", False),
        ("agpl-3.0", "gpl-3.0", False),
        ("llama3.1", "cc-by-4.0", False),
        ("apache-2.0", "cc0-1.0", True),
        ("cc0-1.0", "mit", True),
        ("nirea", "mit", True),
        (None, "cc0-1.0", True),
    ],
)
def test_what_licences_of_texts_let_pass(texts: str | None, licence: str, good: bool) -> None:
    for mode in ("reverse", "translation", "prompts", "grounded"):
        assert fits(licence, None, made_from(mode, texts)) == good


def test_texts_without_derivatives_stand_as_they_are_and_are_not_translated() -> None:
    assert fits("cc-by-nd-4.0", None, made_from("reverse", "cc-by-nd-4.0"))
    assert not fits("cc-by-4.0", None, made_from("reverse", "cc-by-nd-4.0"))
    assert not fits("cc-by-nd-4.0", None, made_from("reverse", "cc-by-nc-nd-4.0"))
    translated = made_from("translation", "cc-by-nd-4.0")
    assert {one for one in HUB_LICENCES if fits(one, None, translated)} == {OTHER}
    assert "Translations" in (terms("cc-by-nd-4.0", None, translated).objection() or "")


def test_only_texts_that_are_published_count() -> None:
    hidden = made_from("grounded", "cc-by-nc-4.0", show_passage=False)
    assert fits("mit", None, hidden)
    topics = {"mode": "magpie", "steering": {"topics_from": {"dataset": "d", "licence": "cc-by-nc-4.0"}}}
    assert fits("mit", None, topics)


def test_of_several_origins_all_must_agree_and_the_one_that_objects_is_named() -> None:
    modes = made_from("prompts", "cc-by-4.0"), made_from("reverse", "cc-by-sa-4.0")
    assert fits("cc-by-sa-4.0", "apache-2.0", *modes)
    said = terms("cc-by-4.0", "apache-2.0", *modes).objection() or ""
    assert "the texts of testuak-reverse (cc-by-sa-4.0)" in said


@pytest.mark.parametrize(
    ("model", "texts", "said"),
    [
        ("apache-2.0", (), "such as cc-by-4.0"),
        ("llama3.1", (), "such as llama3.1, which the licence of the backbone eredua asks for"),
        ("llama3.1", ("cc-by-4.0",), "such as llama3.1, which the licence of the backbone eredua asks for"),
        ("mit", ("cc-by-4.0", "cc-by-nc-4.0"), "such as cc-by-nc-4.0, which the licence of the texts of"),
        ("mit", ("cc-by-nc-4.0", "cc-by-nd-4.0"), "such as cc-by-nc-nd-4.0"),
        ("mit", ("cc-by-sa-2.0",), "such as cc-by-sa-4.0"),
        ("llama3.1", ("cc-by-sa-4.0",), "only `other` with licence_name and licence_link"),
    ],
)
def test_a_licence_that_fits_is_proposed_where_none_is_chosen(model: str, texts: tuple[str, ...], said: str) -> None:
    modes = [made_from("reverse", licence) for licence in texts]
    found = terms(None, model, *modes)
    assert found.objection() is None
    assert said in (found.missing() or "")


def test_what_is_proposed_goes_with_every_origin() -> None:
    licences = [one for one in sorted(HUB_LICENCES) if rule_of(one, texts=True)]
    for first in licences:
        for second in licences:
            modes = made_from("reverse", first), made_from("prompts", second)
            proposed = terms(None, None, *modes).fitting()
            if proposed is not None:
                assert fits(proposed, None, *modes), (first, second, proposed)
            else:
                assert not any(fits(one, None, *modes) for one in HUB_LICENCES - {OTHER}), (first, second)


def test_every_rule_names_its_source_and_is_kept_by_its_own_licence() -> None:
    for licence in HUB_LICENCES:
        for texts in (True, False):
            if rule := rule_of(licence, texts=texts):
                assert rule.source.startswith("https://")
                assert licence in rule.fits
                assert rule.fits <= HUB_LICENCES - {OTHER}


@pytest.mark.parametrize(
    ("model", "licence"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", "llama3.1"),
        ("meta-llama/Meta-Llama-3-8B-Instruct", "llama3"),
        ("meta-llama/Llama-2-7b-chat-hf", "llama2"),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "llama4"),
        ("HiTZ/Latxa-Llama-3.1-8B-Instruct", "llama3.1"),
        ("HiTZ/latxa-7b-v1.2", "llama2"),
        ("/srv/models/Llama-3.3-70B-Instruct/", "llama3.3"),
        ("openlm-research/open_llama_3b", None),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", None),
        ("google/gemma-3-27b-it", "gemma"),
        ("google/gemma-7b-it", "gemma"),
        ("google/gemma-4-31b-it", "apache-2.0"),
        ("Qwen/Qwen2.5-3B-Instruct", "qwen-research"),
        ("Qwen/Qwen2.5-32B-Instruct", "apache-2.0"),
        ("Qwen/Qwen2.5-72B-Instruct", "qwen"),
        ("Qwen/Qwen3-30B-A3B", "apache-2.0"),
        ("mistralai/Mistral-Nemo-Instruct-2407", "apache-2.0"),
        ("mistralai/Mistral-Small-Instruct-2409", "mrl"),
        ("mistralai/Mistral-Small-24B-Instruct-2501", "apache-2.0"),
        ("CohereForAI/aya-expanse-8b", "cc-by-nc-4.0"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "llama3.1"),
        ("deepseek-ai/DeepSeek-R1", "mit"),
        ("demo", None),
    ],
)
def test_licences_of_backbones_by_their_names(model: str, licence: str | None) -> None:
    assert licence_by_name(model) == licence


def test_the_name_counts_where_no_licence_is_stated_and_is_said_to() -> None:
    named = "meta-llama/Llama-3.1-8B-Instruct"
    guessed = terms_of({"publish": {"licence": "mit"}}, named, None)
    assert "(llama3.1, by its name; the recipe states none)" in (guessed.objection() or "")
    assert terms_of({"publish": {"licence": "mit"}}, named, "mit").objection() is None


SHARDS = (
    Shard(
        path="data/magpie-eu/train-00000.parquet", config="magpie-eu", split="train", rows=3, bytes=9, sha256="a" * 64
    ),
)


def licence_section(text: str) -> str:
    return text.split("## Licence")[1].split("## Citation", maxsplit=1)[0]


def test_the_card_tells_the_licence_of_everything_and_what_it_asks() -> None:
    recipe = recipe_fields(licence="llama3.1") | {
        "modes": [made_from("reverse", "cc-by-4.0"), made_from("prompts", None), made_from("grounded", "nirea")]
    }
    made = manifest(SHARDS, recipe)
    provenance = made.provenance.model_copy(update={"backbone": "meta-llama/Llama-3.1-8B", "backbone_licence": None})
    section = licence_section(card(made.model_copy(update={"provenance": provenance})))
    assert "published under llama3.1." in section
    assert (
        "| the backbone meta-llama/Llama-3.1-8B | llama3.1, by its name; the recipe states none | A model that"
        in section
    )
    assert "Built with Llama" in section
    assert (
        "| the texts of testuak-reverse | cc-by-4.0 | Whoever passes the texts on names where they are from. |"
        in section
    )
    assert "| the texts of testuak-prompts | not stated | Nobody has said; look it up before you use this. |" in section
    assert "| the texts of testuak-grounded | nirea | Its terms are not known here" in section


@pytest.mark.parametrize(
    ("link", "said"),
    [("LICENSE", "the file `LICENSE` beside this one"), ("https://example.org/nire", "https://example.org/nire")],
)
def test_the_card_links_another_licence(link: str, said: str) -> None:
    made = manifest(SHARDS, recipe_fields(licence="other", licence_name="nire-1.0", licence_link=link))
    data = card_metadata(made)
    assert {name: data[name] for name in data if name.startswith("license")} == {
        "license": "other",
        "license_name": "nire-1.0",
        "license_link": link,
    }
    assert f"published under nire-1.0: {said}." in licence_section(card(made))


def unfit(folder: Path) -> Path:
    recipe = recipe_fields(licence="mit") | {"modes": [made_from("reverse", "cc-by-sa-4.0")]}
    make_build(folder, recipe=recipe)
    return folder


def test_a_licence_that_cannot_be_is_published_nowhere(tmp_path: Path) -> None:
    build = unfit(tmp_path / "build")
    cure = r"publish\.licence: mit does not go with the texts of .* Then run `iturri build` of the changed recipe"
    with pytest.raises(RecipeError, match=cure):
        publish_to_folder(build, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(RecipeError, match=cure):
        publish_to_hub(build, "euskaltzaleak/proba", private=True, token="hf_x", endpoint="http://127.0.0.1:9")


def test_a_build_from_when_any_text_was_a_licence_is_told_how_to_go_on(tmp_path: Path) -> None:
    recipe = recipe_fields()
    recipe["publish"]["licence"] = "CC BY 4.0 maybe"
    make_build(tmp_path / "build", recipe=recipe)
    with pytest.raises(
        RecipeError, match=r"'CC BY 4.0 maybe' is no licence .* take cc-by-4\.0\. Then run `iturri build`"
    ):
        publish_to_folder(tmp_path / "build", tmp_path / "out")
