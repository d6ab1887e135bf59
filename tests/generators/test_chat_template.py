"""Prompts and stops are those of the tokenizer's own template, token by token."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.chat_template import TokenizerTemplate, load_template
from schemas.conversation import Message, Role
from schemas.errors import InputError, TemplateError
from tests.support.cli_command import ROOT
from tests.support.generators_models import MISTRAL, SENTENCES, tokenizer

CHAT_FAMILIES = ("llama", "chatml", "gemma", "mistral")


@cache
def tokens(family: str) -> Any:
    return tokenizer(family)


@cache
def template(family: str) -> TokenizerTemplate:
    return TokenizerTemplate(tokens(family), family)


def conversation(*contents: str) -> list[Message]:
    roles: tuple[Role, Role] = ("user", "assistant")
    return [Message(role=roles[number % 2], content=content) for number, content in enumerate(contents)]


def finished(family: str, messages: list[Message]) -> list[int]:
    """What the tokenizer itself makes of a conversation."""
    dicts = [message.model_dump() for message in messages]
    return list(tokens(family).apply_chat_template(dicts, tokenize=True, return_dict=False, enable_thinking=False))


def prefix_of(family: str, messages: list[Message], number: int) -> list[int]:
    """The prompt from which turn `number` of the messages would be sampled."""
    if messages[number].role == "user":
        return template(family).user_prefix(messages[:number])
    return template(family).reply_prefix(messages[:number])


@pytest.mark.parametrize("family", CHAT_FAMILIES)
def test_prefix_content_and_stop_are_the_finished_conversation(family: str) -> None:
    messages = conversation(*SENTENCES[:6])
    expected = finished(family, messages)
    stops = template(family).stop_token_ids
    for number, message in enumerate(messages):
        prefix = prefix_of(family, messages, number)
        assert expected[: len(prefix)] == prefix
        rest = expected[len(prefix) :]
        end = next(at for at, id_ in enumerate(rest) if id_ in stops)
        assert tokens(family).decode(rest[:end]).strip() == message.content


@pytest.mark.parametrize("family", CHAT_FAMILIES)
@given(st.lists(st.text(alphabet="abz ZE,.\n?1ñ", min_size=1, max_size=30), min_size=1, max_size=5))
def test_every_prefix_begins_the_finished_conversation(family: str, contents: list[str]) -> None:
    messages = conversation(*(f"a{content}z" for content in contents))
    expected = finished(family, messages)
    for number in range(len(messages)):
        prefix = prefix_of(family, messages, number)
        assert expected[: len(prefix)] == prefix


@pytest.mark.parametrize("family", CHAT_FAMILIES)
def test_one_bos_at_most(family: str) -> None:
    bos = tokens(family).bos_token_id
    assert template(family).user_prefix([]).count(bos) == (0 if family == "chatml" else 1)
    assert tokens(family).encode("a")[0] == bos  # the tokenizer would have added one


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("llama", ["<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|end_of_text|>"]),
        ("chatml", ["<|im_end|>", "<|im_start|>", "<|endoftext|>"]),
        ("gemma", ["<end_of_turn>", "<start_of_turn>", "<eos>"]),
        ("mistral", ["[/INST]", "</s>", "[INST]"]),
    ],
)
def test_stops_are_the_special_tokens_around_turns(family: str, expected: list[str]) -> None:
    assert tokens(family).convert_ids_to_tokens(list(template(family).stop_token_ids)) == expected


@pytest.mark.parametrize("family", CHAT_FAMILIES)
def test_an_opener_starts_the_turn(family: str) -> None:
    prefix = template(family).user_prefix([], "Nola egiten")
    expected = finished(family, conversation("Nola egiten da marmitakoa?"))
    assert expected[: len(prefix)] == prefix
    assert tokens(family).decode(prefix).endswith("Nola egiten")


def test_a_space_of_the_template_is_left_to_the_model() -> None:
    """`[INST] Kaixo`: the space belongs to the first word's token."""
    ids = template("mistral").user_prefix([])
    assert tokens("mistral").convert_ids_to_tokens(ids) == ["<s>", "[INST]"]


@pytest.mark.parametrize(("family", "has"), [("llama", True), ("chatml", True), ("gemma", False), ("mistral", True)])
def test_system_text_is_seen_with_a_system_role_or_without(family: str, has: bool) -> None:
    assert template(family).has_system_role is has
    system = Message(role="system", content="Hau euskarazko elkarrizketa bat da.")
    for messages in ([system], [system, *conversation("Kaixo", "Bai")]):
        assert system.content in tokens(family).decode(template(family).user_prefix(messages))
    if has:
        expected = finished(family, [system, *conversation("Kaixo")])
        prefix = template(family).user_prefix([system])
        assert expected[: len(prefix)] == prefix


def test_system_text_without_a_role_is_folded_into_the_user_turn() -> None:
    system = Message(role="system", content="Gaia: musika.")
    prefix = template("gemma").user_prefix([system])
    assert tokens("gemma").decode(prefix) == "<bos><start_of_turn>user\nGaia: musika.\n\n"
    reply = template("gemma").reply_prefix([system, *conversation("Kaixo")])
    assert reply == finished("gemma", conversation("Gaia: musika.\n\nKaixo")) + tokens("gemma").encode(
        "<start_of_turn>model\n", add_special_tokens=False
    )


def test_a_default_system_prompt_of_the_template_gives_way_to_ours() -> None:
    default = tokens("chatml").decode(template("chatml").user_prefix([]))
    ours = tokens("chatml").decode(template("chatml").user_prefix([Message(role="system", content="Gaia: musika.")]))
    assert "You are a helpful assistant." in default
    assert "You are a helpful assistant." not in ours


def test_reasoning_is_off() -> None:
    prefix = template("chatml").reply_prefix(conversation("Kaixo"))
    assert tokens("chatml").decode(prefix).endswith("<|im_start|>assistant\n")


def test_the_hash_is_that_of_the_text() -> None:
    made = tokenizer("llama")
    before = TokenizerTemplate(made, "llama").hash
    assert before == template("llama").hash
    made.chat_template += " "
    assert TokenizerTemplate(made, "llama").hash != before


def test_no_chat_template_is_one_clear_line() -> None:
    with pytest.raises(TemplateError, match=r"^base: the tokenizer has no chat template; use an instruction-tuned"):
        TokenizerTemplate(tokens("base"), "base")


def test_turns_that_end_in_plain_text_cannot_be_stopped() -> None:
    with pytest.raises(TemplateError, match=r"ends user turns with plain text.*\('ASSISTANT:'\).*use another model"):
        TokenizerTemplate(tokens("plain"), "plain")


def made(text: str, family: str = "llama", **named: str | None) -> TokenizerTemplate:
    """A template of a few lines on a family's tokenizer."""
    own = tokenizer(family)
    own.chat_template = text
    for name, token in named.items():
        setattr(own, name, token)
    return TokenizerTemplate(own, family)


TURNS = "{%- for m in messages -%}{{- '<|eot_id|>' + m.role + '\n' + m.content -}}{%- endfor -%}"
ASSISTANT = "{%- if add_generation_prompt -%}{{- '<|eot_id|>assistant\n' -}}{%- endif -%}"


def test_several_templates_without_a_default() -> None:
    own = tokenizer("llama")
    own.chat_template = {"tool_use": TURNS, "rag": TURNS}
    with pytest.raises(TemplateError, match="several chat templates and none called default"):
        TokenizerTemplate(own, "several")


def test_replies_that_nothing_ends() -> None:
    text = "{%- for m in messages -%}{{- m.content + ('<|eot_id|>' if m.role == 'user' else '\n') -}}{%- endfor -%}"
    with pytest.raises(TemplateError, match="neither the chat template nor the tokenizer ends replies with a token"):
        made(text, eos_token=None)
    ends = made(text)
    assert tokens("llama").convert_ids_to_tokens(list(ends.stop_token_ids)) == ["<|eot_id|>", "<|end_of_text|>"]


def test_the_token_that_ends_the_last_reply_is_a_stop() -> None:
    text = (
        "{%- for m in messages -%}{{- m.content + ('<|end_of_text|>' if loop.last else '<|eot_id|>') -}}{%- endfor -%}"
    )
    ends = made(text, eos_token=None).stop_token_ids
    assert tokens("llama").convert_ids_to_tokens(list(ends)) == ["<|eot_id|>", "<|end_of_text|>"]


def test_a_mark_before_the_token_that_ends_user_turns_ends_them_too() -> None:
    text = TURNS.replace("m.content", "m.content + ('/short' if m.role == 'user' else '')") + ASSISTANT
    assert made(text).stop_texts == ("/short",)


def test_a_template_without_a_generation_prompt_gets_the_header_of_replies() -> None:
    prefix = made(TURNS).reply_prefix(conversation("Kaixo"))
    assert tokens("llama").decode(prefix) == "<|eot_id|>user\nKaixo<|eot_id|>assistant\n"


def test_a_space_at_the_end_of_a_generation_prompt_is_left_to_the_model() -> None:
    prefix = made(MISTRAL + "{%- if add_generation_prompt -%}{{- ' ' -}}{%- endif -%}", "mistral").reply_prefix(
        conversation("Kaixo")
    )
    assert prefix == template("mistral").reply_prefix(conversation("Kaixo"))


def test_a_template_that_refuses_to_end_with_a_reply() -> None:
    text = "{%- if messages[-1].role != 'user' -%}{{- raise_exception('no user') -}}{%- endif -%}" + TURNS + ASSISTANT
    prefix = made(text).reply_prefix(conversation("Kaixo"))
    assert tokens("llama").decode(prefix) == "<|eot_id|>user\nKaixo<|eot_id|>assistant\n"


def test_an_open_block_without_a_line_break_is_closed() -> None:
    text = TURNS + "{%- if add_generation_prompt -%}{{- '<|eot_id|>assistant\n<think>' -}}{%- endif -%}"
    prefix = made(text).reply_prefix(conversation("Kaixo"))
    assert tokens("llama").decode(prefix).endswith("<|eot_id|>assistant\n<think>\n\n</think>\n\n")


@pytest.mark.parametrize(
    ("reads", "given"),
    [
        ("{{- 'a' if enable_thinking is not defined or enable_thinking -}}", {"enable_thinking": False}),
        ("{%- set thinking = thinking | default(true) -%}{{- thinking -}}", {"thinking": False}),
        (
            "{{- messages[0].thinking -}}{%- set own = namespace(enable_thinking=true) -%}{{- own.enable_thinking -}}",
            {},
        ),
        ("{{- thinking_budget | default(9) -}}", {"thinking_budget": 0}),
        ("{{- reasoning_effort | default('medium') -}}", {"reasoning_effort": "low"}),
        ("{{- reasoning_effort if reasoning_effort in ['high', 'none'] -}}", {"reasoning_effort": "none"}),
        ("{%- if reasoning_effort == 'minimal' -%}a{%- endif -%}", {"reasoning_effort": "minimal"}),
        ("", {}),
    ],
)
def test_the_switches_that_a_template_reads_are_off(reads: str, given: dict[str, object]) -> None:
    assert made(reads + TURNS + ASSISTANT)._renderer.switches == given


def test_a_broken_template_is_one_clear_line() -> None:
    made = tokenizer("llama")
    made.chat_template = "{% for %}"
    with pytest.raises(TemplateError, match="cannot be rendered"):
        TokenizerTemplate(made, "broken")


def test_a_template_that_hides_user_turns() -> None:
    made = tokenizer("llama")
    made.chat_template = "{{ bos_token }}<|eot_id|>"
    with pytest.raises(TemplateError):
        TokenizerTemplate(made, "blind")


def test_loading_from_a_folder_adds_the_ends_of_generation_config(tmp_path: Path) -> None:
    tokens("gemma").save_pretrained(tmp_path)
    assert load_template(str(tmp_path)).stop_token_ids == template("gemma").stop_token_ids
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [1, 7]}))
    assert load_template(str(tmp_path)).stop_token_ids[-3:-1] == (1, 7)
    (tmp_path / "generation_config.json").write_text("{")
    with pytest.raises(InputError, match=r"generation_config\.json cannot be read"):
        load_template(str(tmp_path))


def test_a_folder_without_a_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the tokenizer cannot be loaded") as raised:
        load_template(str(tmp_path))
    assert "\n" not in str(raised.value)


def test_a_plain_tokenizer_is_what_transformers_would_choose(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer("llama").save_pretrained(tmp_path)
    ours, theirs = load_template(str(tmp_path))._tokenizer, AutoTokenizer.from_pretrained(tmp_path)
    assert type(ours) is type(theirs)
    text = "<|start_header_id|>user<|end_header_id|>\n\nZer moduz?<|eot_id|>"
    assert ours.encode(text) == theirs.encode(text)
    assert ours.all_special_ids == theirs.all_special_ids


def test_a_plain_tokenizer_needs_no_pytorch(tmp_path: Path) -> None:
    tokenizer("llama").save_pretrained(tmp_path)
    program = (
        "import sys; from generators.chat_template import load_template; "
        f"load_template({str(tmp_path)!r}); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"
