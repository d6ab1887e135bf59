"""What a corpus teaches: clean lines, their profile and words, and from where on text is gibberish."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from languages.learning import (
    HIGHEST_LIMIT,
    LOWEST_LIMIT,
    OFF,
    TEACHING_CHARACTERS,
    account,
    hold_out,
    learn,
    measure_unseen_limit,
)
from languages.words import count_words, words_of
from schemas.errors import InputError
from tests.support.made_up_language import CODE, gibberish, sentences

SPANISH = [
    f"{who} {does} en {where} cuando {when}."
    for who in ("Mi hermano", "La profesora", "Una vecina", "El médico")
    for does in ("trabaja todos los días", "espera a sus amigos", "compra el pan")
    for where in ("la ciudad", "el mercado", "su casa")
    for when in ("llega el otoño", "hace buen tiempo", "sale el sol")
]
BASQUE = [
    f"{who} {where} {what} {when}."
    for who in ("Nire anaiak", "Irakasleak", "Auzokoak", "Medikuak")
    for where in ("hirian", "azokan", "etxean", "mendian")
    for what in ("lan egiten du", "lagunak ikusten ditu", "ogia erosten du", "liburuak irakurtzen ditu")
    for when in ("udazkena iristen denean", "eguraldi ona dagoenean", "eguzkia ateratzen denean")
]
# What a crawler brings along.
STRAY = [
    "This article is about the river; for other uses see the list below.",
    "Click here to read more about our privacy policy.",
    "She had never seen so many people in one place before.",
    "The government announced new measures against unemployment yesterday.",
    "Water boils at a lower temperature on high mountains.",
    "Nobody knew what had happened to the old lighthouse keeper.",
    "Please enter a valid address and try again later.",
    "He played the violin every evening after dinner.",
    "Esta página fue modificada por última vez el martes.",
    "El ministro negó las acusaciones de corrupción ante los periodistas.",
    "Mi abuela nos contaba historias junto a la chimenea.",
    "Todos los derechos reservados por la editorial y sus autores.",
    "Nunca habíamos visto llover tanto durante el verano.",
    "La biblioteca permanecerá cerrada hasta nuevo aviso.",
    "Hace falta mezclar bien la harina con dos huevos.",
    "Quien mucho abarca poco aprieta, dice un viejo refrán.",
]


def test_of_a_language_that_py3langid_knows_foreign_lines_are_left_out() -> None:
    learnt = learn("eu", [*BASQUE, *SPANISH, "Bai.", BASQUE[0]])
    assert learnt.lines == tuple(BASQUE)
    assert learnt.characters == sum(map(len, BASQUE))
    assert account(learnt.corpus) == f"1 short, 1 repeated, {len(SPANISH)} foreign (es {len(SPANISH)})"
    assert "pan" not in learnt.words.counts
    assert '"name":"eu"' in learnt.profile


def test_a_language_that_no_detector_knows_is_taught_from_its_own_lines() -> None:
    own = sentences(2000)
    lines = [*own, *STRAY]
    random.Random(1).shuffle(lines)
    learnt = learn(CODE, lines)
    assert set(learnt.lines) == set(own)
    assert learnt.corpus.foreign == {"en": 8, "es": 8}


def test_more_text_than_is_taught_gives_the_same_again() -> None:
    lines = sentences(2500)
    assert sum(map(len, lines)) > 2 * TEACHING_CHARACTERS
    first, second = learn(CODE, lines), learn(CODE, lines)
    assert (first.lines, first.profile, first.words) == (second.lines, second.profile, second.words)


def test_too_little_text_says_how_much_is_there_and_what_was_left_out() -> None:
    with pytest.raises(InputError, match=r"--corpus: 0 characters in 'eu': at least 5,000 are needed"):
        learn("eu", [])
    with pytest.raises(
        InputError, match=r"'eu', after leaving out 1 short, 108 foreign \(es 108\): at least"
    ) as caught:
        learn("eu", ["Bai", *BASQUE[:10], *SPANISH])
    assert str(caught.value).startswith(f"--corpus: {sum(map(len, BASQUE[:10])):,} characters")


@settings(max_examples=30)
@given(st.lists(st.text(max_size=2000), max_size=30), st.sampled_from(["eu", CODE]))
def test_any_text_teaches_something_or_is_refused_in_one_line(lines: list[str], code: str) -> None:
    try:
        learnt = learn(code, lines)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert 0 < measure_unseen_limit(learnt.lines) <= OFF


def test_one_line_in_ten_is_held_out() -> None:
    held_out, others = hold_out([str(number) for number in range(25)])
    assert held_out == ["0", "10", "20"]
    assert len(others) == 22
    assert hold_out([]) == ([], [])


def test_the_limit_lies_between_the_language_and_gibberish() -> None:
    lines = sentences(3000)
    limit = measure_unseen_limit(lines)
    assert LOWEST_LIMIT <= limit <= HIGHEST_LIMIT
    statistics = count_words(lines)
    assert all(statistics.unseen(words_of(line)) < limit for line in sentences(200, seed=2))
    assert all(statistics.unseen(words_of(gibberish(10, seed))) > limit for seed in range(50))


@pytest.mark.parametrize(
    "lines",
    [[], ["bat bi hiru"] * 20, [gibberish(10, seed) for seed in range(50)]],
    ids=["nothing", "short lines only", "no line like another"],
)
def test_there_is_no_limit_where_none_can_be_measured(lines: list[str]) -> None:
    assert measure_unseen_limit(lines) == OFF


def test_the_limit_is_rounded_up_to_two_digits() -> None:
    for count in (100, 200, 400):
        limit = measure_unseen_limit(sentences(count))
        assert limit == round(limit, 2)
