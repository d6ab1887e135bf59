"""The chat template: pinned into the tokenizer, refused where nothing ends a turn, hashed as rows record it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from generators.chat_template import TokenizerTemplate
from schemas.errors import TemplateError
from tests.support.chat_families import FAMILIES
from tests.support.chat_tokenizers import family_tokenizer
from tests.support.odd_templates import ODD, Odd, talk, word_tokenizer
from training.chat_template import ChatTemplate, end_of_turn, fold_system, pin, template_hash

PLAIN = "{%- for message in messages -%}{{- message['role'] + ': ' + message['content'] + '\n' -}}{%- endfor -%}"
ENDS = {
    "llama-2": "</s>",
    "llama-3": "<|eot_id|>",
    "gemma-2": "<end_of_turn>",
    "qwen-3": "<|im_end|>",
    "yi": "<|im_end|>",
    "phi-3": "<|end|>",
    "command-a": "<|END_OF_TURN_TOKEN|>",
    "gpt-oss": "<|return|>",
    "deepseek-r1": "<｜end▁of▁sentence｜>",
    "olmo-2": "<|endoftext|>",
    "apertus": "<|assistant_end|>",
}


def _copy(name: str, folder: Path) -> Any:
    """A tokenizer of the family that may be changed."""
    family_tokenizer(name).save_pretrained(folder / name)
    return AutoTokenizer.from_pretrained(folder / name)


@pytest.mark.parametrize("name", ENDS)
def test_the_end_of_turn_is_the_last_token_of_a_reply(name: str) -> None:
    tokenizer = family_tokenizer(name)
    assert tokenizer.convert_ids_to_tokens(end_of_turn(tokenizer)) == ENDS[name]


@pytest.mark.parametrize("name", [family.name for family in FAMILIES if family.name not in {"smolvlm", "glm-4"}])
def test_the_end_of_turn_is_a_stop_where_the_model_is_sampled(name: str) -> None:
    tokenizer = family_tokenizer(name)
    assert end_of_turn(tokenizer) in TokenizerTemplate(tokenizer, name).stop_token_ids


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_the_end_of_turn_of_odd_templates_is_learnt(odd: Odd) -> None:
    tokenizer = word_tokenizer(odd.template, odd.special, "bai", odd.bos, odd.plain)
    end = tokenizer.convert_ids_to_tokens(end_of_turn(tokenizer))
    assert f"+{end}" in odd.mask.split("·")


def test_a_template_is_saved_with_the_tokenizer(tmp_path: Path) -> None:
    tokenizer = _copy("chatml", tmp_path)
    given = tmp_path / "given.jinja"
    given.write_text(tokenizer.chat_template.replace("user", "human") + "\n", encoding="utf-8")
    pin(tokenizer, str(given))
    tokenizer.save_pretrained(tmp_path / "result")
    saved = AutoTokenizer.from_pretrained(tmp_path / "result")
    assert saved.chat_template == tokenizer.chat_template == given.read_text(encoding="utf-8")
    assert template_hash(saved) == template_hash(tokenizer) != template_hash(family_tokenizer("chatml"))


def test_a_template_may_be_that_of_another_model(tmp_path: Path) -> None:
    tokenizer = _copy("internlm-2", tmp_path)
    _copy("chatml", tmp_path)
    pin(tokenizer, str(tmp_path / "chatml"))
    assert tokenizer.chat_template == family_tokenizer("chatml").chat_template


def test_without_another_the_default_of_several_templates_is_pinned(tmp_path: Path) -> None:
    tokenizer = _copy("chatml", tmp_path)
    text = tokenizer.chat_template
    tokenizer.chat_template = {"default": text, "rag": PLAIN}
    pin(tokenizer)
    assert tokenizer.chat_template == text
    tokenizer.chat_template = {"rag": PLAIN, "tools": PLAIN}
    with pytest.raises(TemplateError, match="several chat templates and none called default"):
        pin(tokenizer)


@pytest.mark.parametrize("name", ["llama-3", "qwen-3", "gemma-3"])
def test_the_hash_is_the_one_that_rows_record(name: str) -> None:
    tokenizer = family_tokenizer(name)
    assert template_hash(tokenizer) == TokenizerTemplate(tokenizer, name).hash


def test_no_template_is_an_error_that_names_the_field(tmp_path: Path) -> None:
    tokenizer = _copy("chatml", tmp_path)
    tokenizer.chat_template = None
    for use in (pin, template_hash, end_of_turn):
        with pytest.raises(TemplateError, match=r"no chat template; give model\.chat_template"):
            use(tokenizer)


@pytest.mark.parametrize("given", ["missing.jinja", "missing-model", "bare-model"])
def test_a_template_that_is_not_there_is_an_error_that_names_the_field(given: str, tmp_path: Path) -> None:
    bare = _copy("chatml", tmp_path)
    bare.chat_template = None
    bare.save_pretrained(tmp_path / "bare-model")
    with pytest.raises(TemplateError, match=rf"model\.chat_template: .*{given}: ") as caught:
        pin(_copy("chatml", tmp_path), str(tmp_path / given))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("template", "ending"),
    [(PLAIN, r"'\\n'"), (PLAIN.replace("'\n'", "'</turn>\n'"), r"'</turn>\\n'"), (PLAIN.replace("'\n'", "''"), "''")],
)
def test_a_template_without_end_of_turn_token_is_refused_with_the_cure(
    template: str, ending: str, tmp_path: Path
) -> None:
    given = tmp_path / "given.jinja"
    given.write_text(template, encoding="utf-8")
    cure = r"give model\.chat_template, or a tokenizer whose eos token ends turns"
    with pytest.raises(TemplateError, match=rf"without end-of-turn token: a reply ends with {ending}, .*{cure}"):
        pin(_copy("chatml", tmp_path), str(given))


def test_a_chatml_template_on_a_tokenizer_without_its_tokens_is_refused(tmp_path: Path) -> None:
    given = tmp_path / "given.jinja"
    given.write_text(family_tokenizer("chatml").chat_template, encoding="utf-8")
    with pytest.raises(TemplateError, match=r"a reply ends with '<\|im_end\|>\\n'"):
        pin(_copy("llama-3", tmp_path), str(given))


@pytest.mark.parametrize("template", ["{{ bos_token }}", "{{ raise_exception('ez\nda') }}", "{% if %}"])
def test_a_template_that_shows_nothing_or_breaks_is_refused(template: str, tmp_path: Path) -> None:
    tokenizer = _copy("chatml", tmp_path)
    tokenizer.chat_template = template
    with pytest.raises(TemplateError, match=r"model\.chat_template: .*(does not show|cannot be rendered)") as caught:
        pin(tokenizer)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "role"), [("llama-3", True), ("gemma-2", False), ("mistral-v3", False)])
def test_a_system_role_is_one_that_a_finished_conversation_shows(name: str, role: bool) -> None:
    assert ChatTemplate(family_tokenizer(name)).has_system_role == role


def test_system_turns_are_folded_into_the_next_user_turn() -> None:
    messages = [*talk("kaixo", "bai", system="labur"), *talk("zer?", "ez", system="luze")]
    folded, sizes = fold_system(messages)
    assert [message["content"] for message in folded] == ["labur\n\nkaixo", "bai", "luze\n\nzer?", "ez"]
    assert [message["role"] for message in folded] == ["user", "assistant"] * 2
    assert [folded[at]["content"][size:] for at, size in sizes.items()] == ["kaixo", "zer?"]
