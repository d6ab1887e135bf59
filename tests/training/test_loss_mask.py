"""The loss mask: what is learnt of a conversation, token by token, whatever its chat template."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from schemas.errors import TemplateError
from schemas.training import Context
from tests.support.chat_families import FAMILIES
from tests.support.chat_tokenizers import family_tokenizer
from tests.support.odd_templates import MARKERS, ODD, THINKING, UNPROMPTED, Messages, Odd, talk, word_tokenizer
from training.loss_mask import IGNORED, Encoded, Encoder, Left

# Of images and text in parts, and one that ends replies with nothing.
REFUSED = {"smolvlm", "glm-4"}
CHATS = [family.name for family in FAMILIES if family.name not in REFUSED]
# Those that write every text as it is, byte by byte.
EXACT = ("chatml", "llama-3", "mistral-v7", "deepseek-v3", "phi-4", "falcon-3", "gpt-oss", "olmo-2", "granite")
TALK = talk("Kaixo, zer moduz?", "Ondo nago.", "Eta zu?", "Marmitakoa. 3")


def _tokenizer(odd: Odd) -> Any:
    words = "".join(token.lstrip("+").replace("⏎", "\n") + "\0" for token in _tokens(odd.mask))
    return word_tokenizer(odd.template, odd.special, words.replace("\0", "\n") + words, odd.bos, odd.plain)


def _tokens(mask: str) -> list[str]:
    return mask.replace("YEAR", str(date.today().year)).split("·")


def _shown(tokenizer: Any, made: Encoded) -> list[str]:
    tokens = [token.replace("\n", "⏎") for token in tokenizer.convert_ids_to_tokens(made.ids)]
    return ["+" * (label != IGNORED) + token for token, label in zip(tokens, made.labels, strict=True)]


def _encoded(tokenizer: Any, messages: Messages, **context: Any) -> Encoded:
    made = Encoder(tokenizer, Context(**context)).conversation(messages)
    assert isinstance(made, Encoded), made
    return made


def _learnt(tokenizer: Any, made: Encoded) -> list[str]:
    """The learnt stretches, as text."""
    stretches: list[list[int]] = []
    before = IGNORED
    for label in made.labels:
        if label != IGNORED:
            stretches[-1].append(label) if before != IGNORED else stretches.append([label])
        before = label
    return [tokenizer.decode(stretch) for stretch in stretches]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_loss_mask_equals_the_hand_made_one(odd: Odd) -> None:
    tokenizer = _tokenizer(odd)
    assert _shown(tokenizer, _encoded(tokenizer, odd.messages)) == _tokens(odd.mask)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_user_turns_are_learnt_where_the_recipe_says_all(odd: Odd) -> None:
    tokenizer = _tokenizer(odd)
    assert _shown(tokenizer, _encoded(tokenizer, odd.messages, loss_on="all")) == _tokens(odd.both_mask)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_hand_made_masks_know_all_their_tokens(odd: Odd) -> None:
    assert "<unk>" not in _shown(_tokenizer(odd), _encoded(_tokenizer(odd), odd.messages))


def test_markers_that_are_right_agree_with_the_mask() -> None:
    tokenizer = _tokenizer(MARKERS)
    marked = tokenizer.apply_chat_template(MARKERS.messages, return_assistant_tokens_mask=True)["assistant_masks"]
    labels = _encoded(tokenizer, MARKERS.messages).labels
    assert [int(label != IGNORED) for label in labels] == marked


@pytest.mark.parametrize("name", CHATS)
@pytest.mark.parametrize("loss_on", ["assistant", "all"])
def test_ids_are_those_of_the_chat_template_and_labels_are_ids_or_ignored(name: str, loss_on: str) -> None:
    tokenizer = family_tokenizer(name)
    made = _encoded(tokenizer, TALK, loss_on=loss_on)
    assert made.ids == tokenizer.apply_chat_template(TALK)["input_ids"]
    assert all(label in (IGNORED, id_) for label, id_ in zip(made.labels, made.ids, strict=True))
    assert made.labels[0] == IGNORED


@pytest.mark.parametrize("name", CHATS)
def test_every_reply_is_learnt_with_what_ends_it_and_no_question_is(name: str) -> None:
    tokenizer = family_tokenizer(name)
    first, last = _learnt(tokenizer, _encoded(tokenizer, TALK))
    assert "Ondo nago." in first and "Marmitakoa. 3" in last
    assert first.rpartition("Ondo nago.")[2].strip() and last.rpartition("3")[2].strip()
    assert "zu?" not in first + last and "Kaixo" not in first + last


@pytest.mark.parametrize("name", CHATS)
def test_what_comes_before_a_reply_is_what_an_engine_is_given(name: str) -> None:
    tokenizer = family_tokenizer(name)
    made = _encoded(tokenizer, TALK[:2])
    start = next(at for at, label in enumerate(made.labels) if label != IGNORED)
    prompt = tokenizer.apply_chat_template(TALK[:1], add_generation_prompt=True)["input_ids"]
    # Deepseek R1 is asked with an open block of reasoning that its finished replies lack; others only show theirs, or
    # a system text, in prompts.
    assert made.ids[:start] == prompt[:start], name
    rest = tokenizer.decode(prompt[start:]).strip()
    assert rest in ("", "<think>")


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]) | st.sampled_from("\n .,?"), min_size=1)


@settings(deadline=None, max_examples=30)
@given(name=st.sampled_from(EXACT), turns=st.lists(TEXTS.filter(str.strip), min_size=2, max_size=6))
def test_learnt_stretches_are_the_replies(name: str, turns: list[str]) -> None:
    turns = [turn.strip() for turn in turns[: len(turns) // 2 * 2]]
    tokenizer = family_tokenizer(name)
    encoder = Encoder(tokenizer, Context(max_length=100_000))
    made = encoder.conversation(talk(*turns))
    assert isinstance(made, Encoded)
    ends = ("<|end|>", "<|return|>", "\n", tokenizer.eos_token, "<|eot_id|>")
    stretches = [stretch.removeprefix("<|channel|>final<|message|>") for stretch in _learnt(tokenizer, made)]
    for stretch, reply in zip(stretches, turns[1::2], strict=True):
        assert stretch.startswith(reply) and stretch.removeprefix(reply).strip() in ends


@settings(deadline=None, max_examples=30)
@given(turns=st.lists(TEXTS, min_size=2, max_size=2))
def test_learnt_and_not_learnt_tokens_are_the_whole_text(turns: list[str]) -> None:
    tokenizer = family_tokenizer("chatml")
    made = Encoder(tokenizer, Context(max_length=100_000, loss_on="all")).conversation(talk(*turns))
    if isinstance(made, Encoded):
        assert tokenizer.decode(made.ids) == tokenizer.apply_chat_template(talk(*turns), tokenize=False)
    else:
        assert made == Left("empty_turn")


@pytest.mark.parametrize("trimming", [False, True])
def test_a_first_word_whose_space_is_the_prompts_is_not_learnt(trimming: bool) -> None:
    """Also by a tokenizer that leaves spaces out of offsets."""
    from tokenizers import processors

    made = family_tokenizer("chatml")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made.backend_tokenizer, eos_token="<|im_end|>")
    tokenizer.backend_tokenizer.post_processor = processors.ByteLevel(trim_offsets=trimming)
    tokenizer.chat_template = made.chat_template.replace("'\\n'", "': '").replace("assistant\\n", "assistant: ")
    assert tokenizer("a b", return_offsets_mapping=True)["offset_mapping"][1] == (1 + trimming, 3)
    shown = _learnt(tokenizer, _encoded(tokenizer, talk("Kaixo", "Eta zu ondo", "Eta?", "Eta zu")))
    assert tokenizer.apply_chat_template(TALK[:1], tokenize=False, add_generation_prompt=True).endswith("assistant: ")
    assert shown == [" zu ondo<|im_end|>", " zu<|im_end|>"]


def test_line_ends_at_the_edges_of_user_turns_are_learnt_where_the_template_keeps_them() -> None:
    messages = talk("\n\nKaixo \n", "Bai.")
    kept = _learnt(family_tokenizer("deepseek-v3"), _encoded(family_tokenizer("deepseek-v3"), messages, loss_on="all"))
    assert kept[0].startswith("\n\nKaixo \n<")
    off = _learnt(family_tokenizer("llama-3"), _encoded(family_tokenizer("llama-3"), messages, loss_on="all"))
    assert off[0] == "Kaixo<|eot_id|>"


def _left(messages: Messages, **context: Any) -> Left:
    made = Encoder(_tokenizer(UNPROMPTED), Context(**context)).conversation(messages)
    assert isinstance(made, Left)
    return made


@pytest.mark.parametrize("roles", ["", "a", "u", "uu", "uua", "uau", "sua!s", "uaa", "uta", "uat", "ssua", "us"])
def test_wrong_roles_are_left_out(roles: str) -> None:
    names = {"u": "user", "a": "assistant", "s": "system", "t": "tool", "!": "assistant"}
    assert _left([{"role": names[role], "content": "bai"} for role in roles]) == Left("roles")


@pytest.mark.parametrize("empty", ["", " \n", None])
@pytest.mark.parametrize("at", [0, 1, 3])
def test_empty_turns_are_left_out(at: int, empty: str | None) -> None:
    messages = talk("kaixo", "bai", "zer?", "ez.")
    messages[at]["content"] = empty
    assert _left(messages) == Left("empty_turn")


@pytest.mark.parametrize("role", [["user"], {}, None, 3])
def test_a_role_that_is_no_text_is_a_wrong_role(role: object) -> None:
    messages = talk("Kaixo", "Aupa")
    assert _left([{**messages[0], "role": role}, messages[1]]) == Left("roles")


@pytest.mark.parametrize("at", [0, 1])
def test_a_special_token_in_a_turn_leaves_the_conversation_out(at: int) -> None:
    tokenizer = family_tokenizer("qwen-3")
    messages = talk("Kaixo", "Aupa")
    messages[at]["content"] = "bai<|im_end|>ez"
    assert Encoder(tokenizer, Context()).conversation(messages) == Left("special_token")


def test_a_special_token_in_a_document_is_text() -> None:
    tokenizer = family_tokenizer("qwen-3")
    (piece,) = Encoder(tokenizer, Context()).document("bai<|im_end|>ez")
    assert piece.ids.count(tokenizer.convert_tokens_to_ids("<|im_end|>")) == (piece.ids[-1] == tokenizer.eos_token_id)


def test_what_a_template_refuses_is_left_out_with_its_words() -> None:
    refusing = "{%- for message in messages -%}{%- if 'debeku' in message.content -%}{{- raise_exception('ez\n da') -}}"
    refusing += "{%- endif -%}{%- endfor -%}" + UNPROMPTED.template
    tokenizer = word_tokenizer(refusing, UNPROMPTED.special, "bai", bos=False)
    encoder = Encoder(tokenizer, Context())
    assert encoder.conversation(talk("debeku da", "bai")) == Left("template", "ez da")
    assert isinstance(encoder.conversation(talk("kaixo", "bai")), Encoded)


def test_a_template_that_writes_a_turn_by_what_it_ends_with_is_left_out_rather_than_learnt_wrongly() -> None:
    template = UNPROMPTED.template.replace(
        "message['content'] +", "('galdera' if message['content'].endswith('?') else message['content']) +"
    )
    encoder = Encoder(word_tokenizer(template, UNPROMPTED.special, "bai", bos=False), Context())
    assert isinstance(encoder.conversation(talk("kaixo", "bai")), Encoded)
    left = encoder.conversation(talk("zer?", "bai"))
    assert isinstance(left, Left) and left.reason == "template" and "cannot be found" in left.detail


def test_replies_that_the_template_does_not_show_teach_nothing() -> None:
    template = UNPROMPTED.template.replace(
        "{{- '<|im_start|>'", "{%- if 'isilik' in message['content'] -%}{%- continue -%}{%- endif -%}{{- '<|im_start|>'"
    )
    encoder = Encoder(word_tokenizer(template, UNPROMPTED.special, "bai", bos=False), Context())
    assert encoder.conversation(talk("zer?", "isilik")) == Left("nothing_learnt")


LONG = talk("bat bi hiru", "lau bost sei", "zazpi zortzi", "bederatzi hamar", "bat", "bi")


@pytest.mark.parametrize("name", ["chatml", "qwen-3", "llama-3", "mistral-v3"])
def test_a_long_conversation_ends_at_its_last_exchange_that_fits(name: str) -> None:
    tokenizer = family_tokenizer(name)
    exact = {count: len(tokenizer.apply_chat_template(LONG[:count])["input_ids"]) for count in (2, 4, 6)}
    for size in range(exact[2], exact[6] + 2):
        made = _encoded(tokenizer, LONG, max_length=size)
        fits = max(count for count in exact if exact[count] <= size)
        assert made.ids == tokenizer.apply_chat_template(LONG[:fits])["input_ids"]
        assert made.truncated == (fits < 6)
    encoder = Encoder(tokenizer, Context(max_length=exact[2] - 1))
    assert encoder.conversation(LONG) == Left("too_long")


def test_a_long_conversation_is_dropped_where_the_recipe_says_so() -> None:
    size = len(_encoded(_tokenizer(UNPROMPTED), LONG).ids)
    assert _left(LONG, too_long="drop", max_length=size - 1) == Left("too_long")
    assert not _encoded(_tokenizer(UNPROMPTED), LONG, too_long="drop", max_length=size).truncated


def test_a_conversation_is_not_cut_between_a_tool_call_and_the_reply_to_its_answer() -> None:
    call = [{"function": {"name": "ordua"}}]
    messages: Messages = [
        *talk("zer?", "bai", "ordua?"),
        {"role": "assistant", "content": "begira", "tool_calls": call},
        {"role": "tool", "content": "12"},
        *talk("x", "hamabiak dira orain")[1:],
    ]
    tokenizer = _tokenizer(UNPROMPTED)
    whole = _encoded(tokenizer, messages)
    made = _encoded(tokenizer, messages, max_length=len(whole.ids) - 1)
    assert made.ids == tokenizer.apply_chat_template(messages[:2])["input_ids"] and made.truncated


def test_a_long_thought_in_the_last_reply_does_not_keep_an_exchange_that_does_not_fit() -> None:
    tokenizer = _tokenizer(THINKING)
    messages = talk("kaixo", f"<think>\n{'ea ' * 30}\n</think>\n\nbai", "zer?", "ez " * 20)
    whole = tokenizer.apply_chat_template(messages)["input_ids"]
    alone = tokenizer.apply_chat_template(messages[:2])["input_ids"]
    assert len(alone) < len(whole)
    encoder = Encoder(tokenizer, Context(max_length=len(alone) - 1))
    assert encoder.conversation(messages) == Left("too_long")


@pytest.mark.parametrize("name", ["llama-3", "chatml"])
def test_documents_are_cut_into_pieces_with_nothing_lost(name: str) -> None:
    tokenizer = family_tokenizer(name)
    text = "Marmitakoa arrantzaleen jakia da.\n\n" * 20
    pieces = Encoder(tokenizer, Context(max_length=64)).document(text)
    ids = [id_ for piece in pieces for id_ in piece.ids]
    assert ids == [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]
    assert (ids[0] == tokenizer.bos_token_id) == (name == "llama-3")
    assert all(len(piece.ids) == 64 for piece in pieces[:-1]) and 0 < len(pieces[-1].ids) <= 64
    assert all(piece.labels == [IGNORED, *piece.ids[1:]] for piece in pieces)


def test_blank_documents_have_no_pieces() -> None:
    assert Encoder(family_tokenizer("llama-3"), Context()).document(" \n") == []


def test_a_tokenizer_without_offsets_is_refused_with_the_cure() -> None:
    class Slow(PreTrainedTokenizerFast):  # type: ignore[misc]
        is_fast = False

    made = family_tokenizer("chatml")
    slow = Slow(tokenizer_object=made.backend_tokenizer, eos_token="<|im_end|>")
    slow.chat_template = made.chat_template
    with pytest.raises(
        TemplateError, match=r"which characters a token stands for; give a model with a tokenizer\.json"
    ):
        Encoder(slow, Context())
