"""Prefixes and stops of the well-known families, token by token against what transformers makes of conversations."""

from __future__ import annotations

from functools import cache
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.chat_template import TokenizerTemplate
from generators.segments import SegmentEncoder
from schemas.conversation import Message
from tests.support.chat_families import BY_NAME, FAMILIES, Family
from tests.support.chat_tokenizers import TEMPLATES, family_tokenizer
from tests.support.generators_models import SENTENCES

SYSTEM = "Zu euskaraz baino ez dakien laguntzaile atsegina zara."
OPENER = "Nola egiten"
USERS = ("Nola egiten da marmitakoa?", "Nola egiten du kolorea hostoek udazkenean?")
REPLIES = ("Hegaluzea, patatak eta tipula behar dira.", "Ondo nago, eskerrik asko. Eta zu?")
CONVERSATION = (USERS[0], REPLIES[0], USERS[1], REPLIES[1])

families = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


@cache
def template(name: str) -> TokenizerTemplate:
    tokens = family_tokenizer(name)
    return TokenizerTemplate(tokens, name, tokens.convert_tokens_to_ids(BY_NAME[name].config_eos))


def messages(contents: tuple[str, ...], system: str | None) -> list[Message]:
    turns = [Message(role="assistant" if at % 2 else "user", content=text) for at, text in enumerate(contents)]
    return [Message(role="system", content=system), *turns] if system else turns


def shown(family: Family, contents: tuple[str, ...], system: str | None) -> list[dict[str, Any]]:
    """The messages as transformers gets them: without a system role the first user turn holds the system text."""
    if system and not family.system:
        contents, system = (f"{system}\n\n{contents[0]}", *contents[1:]), None
    dicts: list[dict[str, Any]] = [message.model_dump() for message in messages(contents, system)]
    if family.in_parts:
        return [{**one, "content": [{"type": "text", "text": one["content"]}]} for one in dicts]
    return dicts


def text_and_ids(family: Family, dicts: list[dict[str, Any]], prompt: bool) -> tuple[str, list[int]]:
    apply = family_tokenizer(family.name).apply_chat_template
    options: dict[str, Any] = {"add_generation_prompt": prompt, **family.switches}
    ids = apply(dicts, tokenize=True, return_dict=False, **options)
    return str(apply(dicts, tokenize=False, **options)), list(ids)


def encode(family: Family, text: str) -> list[int]:
    return list(family_tokenizer(family.name).encode(text, add_special_tokens=False))


def ends_with_its_stop(family: Family, turn: str, rest: list[int], after: str) -> None:
    """The ids that follow a prompt are the turn's own, then those of what the template writes after it."""
    tokens, made = family_tokenizer(family.name), template(family.name)
    end = next((at for at, id_ in enumerate(rest) if id_ in made.stop_token_ids), len(rest))
    decoded = tokens.decode(rest[:end])
    said = decoded.strip()
    if after.strip().startswith(made.stop_texts):
        assert said.removeprefix(turn.strip()).lstrip().startswith(made.stop_texts)
        return
    assert said == turn.strip()
    assert rest[end:] == encode(family, after.lstrip())
    if family.spaces == "bytes" and decoded == turn:
        assert rest[:end] == encode(family, turn)


@families
@pytest.mark.parametrize(("number", "system", "opener"), [*product((0, 2), (None, SYSTEM), (None, OPENER))])
def test_user_turns(family: Family, number: int, system: str | None, opener: str | None) -> None:
    contents = CONVERSATION[: number + 1]
    text, full = text_and_ids(family, shown(family, contents, system), prompt=True)
    prefix = template(family.name).user_prefix(messages(contents[:-1], system), opener)
    assert full[: len(prefix)] == prefix
    turn = contents[-1]
    ends_with_its_stop(family, turn.removeprefix(opener or ""), full[len(prefix) :], text.rpartition(turn)[2])


@families
@pytest.mark.parametrize(("number", "system"), [*product((1, 3), (None, SYSTEM))])
def test_replies(family: Family, number: int, system: str | None) -> None:
    contents = CONVERSATION[: number + 1]
    prompt, _ = text_and_ids(family, shown(family, contents[:-1], system), prompt=True)
    prefix = template(family.name).reply_prefix(messages(contents[:-1], system))
    assert prefix == encode(family, prompt + family.reply_start)
    text, full = text_and_ids(family, shown(family, contents, system), prompt=False)
    if not (family.as_finished and (family.system_in_history or not system)):
        assert full[: len(prefix)] != prefix
        return
    assert full[: len(prefix)] == prefix
    ends_with_its_stop(family, contents[-1], full[len(prefix) :], text.rpartition(contents[-1])[2])


@families
def test_stops_are_all_of_the_family_and_none_besides(family: Family) -> None:
    tokens, made = family_tokenizer(family.name), template(family.name)
    named = tokens.convert_ids_to_tokens(list(made.stop_token_ids))
    assert sorted(named) == sorted(family.stops)
    assert made.stop_texts == family.stop_texts
    for said in (*SENTENCES, "Zer da `<think>` etiketa? <table> </think>\n\n  bi\n"):
        assert not set(encode(family, said)) & set(made.stop_token_ids)


@families
def test_bos_once_or_never_as_the_template_says(family: Family) -> None:
    tokens, made = family_tokenizer(family.name), template(family.name)
    first = tokens.convert_tokens_to_ids(family.special[0])
    if family.bos:
        assert tokens.encode("a")[0] == first  # the tokenizer would have added one
        for prefix in (made.user_prefix([]), made.reply_prefix(messages(USERS[:1], None))):
            assert prefix[:1].count(first) == family.writes_bos
            assert (first, first) not in pairwise(prefix)
    else:
        assert tokens.bos_token_id is None


@families
def test_a_system_role_or_none(family: Family) -> None:
    assert template(family.name).has_system_role is family.system


@families
@settings(max_examples=12)
@given(st.lists(st.text(alphabet="abz ZE,.\n?1ñ", min_size=1, max_size=30), min_size=1, max_size=5))
def test_every_prefix_begins_the_conversation(family: Family, contents: list[str]) -> None:
    said = tuple(f"a{content}z" for content in contents)
    for number in range(0, len(said), 2):
        _, full = text_and_ids(family, shown(family, said[: number + 1], None), prompt=True)
        prefix = template(family.name).user_prefix(messages(said[:number], None))
        assert full[: len(prefix)] == prefix


@families
@settings(max_examples=25)
@given(data=st.data())
def test_segments_encode_as_whole_texts(family: Family, data: st.DataObject) -> None:
    tokens = family_tokenizer(family.name)
    piece = st.sampled_from([*family.special, *family.added, *SENTENCES]) | st.text(alphabet="ab \n.<|>1ñ", max_size=8)
    text = "".join(data.draw(st.lists(piece, max_size=10)))
    assert segments(family.name).encode(text) == tokens.encode(text, add_special_tokens=False)


@cache
def segments(name: str) -> SegmentEncoder:
    return SegmentEncoder(family_tokenizer(name))


def test_every_template_is_a_familys() -> None:
    assert {path.stem for path in TEMPLATES.glob("*.jinja")} == {family.template or family.name for family in FAMILIES}
