"""What a corpus proposes for a pack."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from languages.pack import LanguagePack
from languages.pack_text import pack_text
from languages.proposals import EXAMPLES, FUNCTION_WORDS, LEAST, OPENERS, Proposals, propose
from schemas.yaml_text import parse_yaml
from tests.support.made_up_language import ARTICLES, AUXILIARIES, CONJUNCTIONS, PREPOSITIONS, QUESTION_WORDS, sentences

GRAMMAR = {*ARTICLES, *PREPOSITIONS, *AUXILIARIES, *CONJUNCTIONS}


def test_the_words_that_carry_grammar_come_first() -> None:
    assert set(propose(sentences(1000)).function_words[: len(GRAMMAR)]) == GRAMMAR


def test_names_and_rare_and_long_words_are_not_proposed() -> None:
    lines = ["Zer Jon etxean dago eta onomatopeikoki"] * LEAST + ["hala behin bakarrik"]
    assert propose(lines).function_words == ("dago", "eta", "etxean")


def test_openers_are_beginnings_of_questions_the_most_frequent_first() -> None:
    openers = propose(sentences(1000)).openers
    assert set(openers[: len(QUESTION_WORDS)]) == set(QUESTION_WORDS)
    assert len(openers) <= OPENERS
    assert {opener.split()[0] for opener in openers} == set(QUESTION_WORDS)


def test_a_beginning_that_always_goes_on_alike_is_given_whole() -> None:
    lines = [f"¿Qué pasa si {what}?" for what in ("llueve hoy", "nieva hoy", "canta ella")]
    assert propose(lines).openers == ("¿Qué pasa si",)


@pytest.mark.parametrize("line", ["nor da hori gaur?", "- Nor da hori gaur?", "Nor da hori gaur.", "Nor?"])
def test_what_begins_no_question_opens_nothing(line: str) -> None:
    assert propose([line] * LEAST).openers == ()


def test_examples_begin_in_different_ways() -> None:
    examples = propose(sentences(1000)).example_turns
    assert len(examples) == EXAMPLES
    assert len({" ".join(example.split()[:2]) for example in examples}) == EXAMPLES


@pytest.mark.parametrize(
    "question",
    [
        "Nor da hori?",
        "Non bizi da Jon gaur?",
        "Zer da 25 horren erdia?",
        'Zer esan nahi du "bai" hitzak?',
        " ".join(["Zer", *["da"] * 15]) + "?",
    ],
    ids=["too short", "a name", "a number", "a quotation", "too long"],
)
def test_what_is_no_plain_question_is_no_example(question: str) -> None:
    assert propose([question]).example_turns == ()


def test_scripts_without_capitals_have_questions_too() -> None:
    assert propose(["शरद ऋतु में पत्ते क्यों गिरते हैं?"] * 3).example_turns != ()
    assert propose(["ما هي أطول الأنهار في العالم؟"] * 3).openers == ("ما هي أطول",)


def test_a_corpus_without_questions_proposes_none() -> None:
    proposals = propose(["Gaur etxean nago lasai."] * 5)
    assert proposals.openers == proposals.example_turns == ()
    assert propose([]) == Proposals((), (), ())


@given(st.lists(st.text(max_size=100)))
def test_any_text_gives_proposals(lines: list[str]) -> None:
    found = propose(lines)
    assert len(found.function_words) <= FUNCTION_WORDS
    for texts in (found.function_words, found.openers, found.example_turns):
        assert len(set(texts)) == len(texts)
        assert all(text.strip() for text in texts)


TEXTS = st.lists(st.text(min_size=1).filter(str.strip), max_size=5).map(tuple)
WORDS = st.lists(st.text(st.characters(categories=["L", "M"]), min_size=1), max_size=5).map(tuple)
NAMES = st.text(st.characters(categories=["L", "N", "P"], exclude_characters='"\\'), min_size=1)


@given(WORDS, TEXTS, TEXTS, NAMES, st.none() | NAMES)
def test_a_pack_holds_just_what_was_proposed(
    words: tuple[str, ...], openers: tuple[str, ...], turns: tuple[str, ...], name: str, native_name: str | None
) -> None:
    text = pack_text("xx", name, native_name, Proposals(words, openers, turns), 0.61)
    pack = LanguagePack.model_validate(parse_yaml(text, "pack.yaml"))
    assert (pack.code, pack.name, pack.unseen_limit) == ("xx", name, 0.61)
    assert pack.native_name == (native_name or f"TRANSLATE: {name}")
    for proposed, held in (
        (words, pack.function_words),
        (openers, pack.steering.openers),
        (turns, pack.steering.example_turns),
    ):
        assert held == proposed if proposed else all(one.startswith("TRANSLATE: ") for one in held)
    assert all("{topic}" in prompt for prompt in pack.steering.topic_prompts)
