"""The grammar: what it says must be well formed, varied, right, and the same for the same seed."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
import yaml

from demo.dressing import Dressing
from demo.grammar.core import Noun, Place, Talk, expand, number
from demo.grammar.sums import money, operations, stories
from demo.grammar.talks import FAMILIES, talk

SAMPLES = 6000


@pytest.fixture(scope="module")
def talks() -> list[Talk]:
    return [talk(random.Random(f"test/{i}")) for i in range(SAMPLES)]


def test_the_same_seed_says_the_same() -> None:
    assert [talk(random.Random(i)) for i in range(200)] == [talk(random.Random(i)) for i in range(200)]


def test_turns_alternate_and_end_with_a_reply(talks: list[Talk]) -> None:
    assert all(len(each.turns) % 2 == 0 and 2 <= len(each.turns) <= 12 for each in talks)


def test_no_slot_is_left_open_and_spaces_are_single(talks: list[Talk]) -> None:
    wrong = re.compile(r"[{}\[\]|]|  |\.\.| [.,!?]|^\s|\s$|^$")
    assert [turn for each in talks for turn in each.turns if wrong.search(turn)] == []


def test_turns_start_with_a_capital_and_end_with_a_mark(talks: list[Talk]) -> None:
    turns = [turn for each in talks for turn in each.turns]
    assert [turn for turn in turns if turn[0] != turn[0].upper() or turn[-1] not in ".!?»"] == []


def test_first_turns_are_varied(talks: list[Talk]) -> None:
    assert len({each.turns[0] for each in talks}) > 0.8 * SAMPLES


def test_replies_are_rarely_the_same(talks: list[Talk]) -> None:
    replies = [turn for each in talks for turn in each.turns[1::2] if len(turn.split()) >= 8]
    assert len(set(replies)) > 0.9 * len(replies)


def test_every_topic_that_the_backbone_knows_is_talked_about(talks: list[Talk]) -> None:
    assert {each.topic for each in talks} == set(Dressing().topics)


def test_every_opener_that_it_knows_starts_a_conversation(talks: list[Talk]) -> None:
    unused = [one for one in Dressing().openers if not any(each.turns[0].startswith(one) for each in talks)]
    assert unused == []


@pytest.mark.parametrize("family", [operations, stories, money])
def test_sums_are_right(family: object) -> None:
    signs = {"+": int.__add__, "-": int.__sub__, "×": int.__mul__, ":": int.__floordiv__}
    checked = 0
    for i in range(800):
        made = family(random.Random(i))  # type: ignore[operator]
        for turn in made.turns[1::2]:
            for a, sign, b, result in re.findall(r"(\d+) ([-+×:]) (\d+)(?: =| eginda,)? (\d+)", turn):
                assert signs[sign](int(a), int(b)) == int(result), turn
                checked += 1
    assert checked > 50


def test_numbers_in_words() -> None:
    assert [number(n) for n in (0, 19, 20, 21, 40, 59, 99, 100, 101)] == [
        "zero", "hemeretzi", "hogei", "hogeita bat", "berrogei", "berrogeita hemeretzi", "laurogeita hemeretzi",
        "ehun", "ehun eta bat",
    ]  # fmt: skip


def test_nouns_are_declined() -> None:
    mendia, izarrak = Noun("mendia"), Noun("izarrak", plural=True)
    assert (mendia.dat, mendia.da, izarrak.dat, izarrak.dela) == ("mendiari", "da", "izarrei", "direla")


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("Bilbo", ("Bilboren", "Bilbori", "Bilbon", "Bilboko", "Bilbora")),
        ("Gasteiz", ("Gasteizen", "Gasteizi", "Gasteizen", "Gasteizko", "Gasteizera")),
        ("Irun", ("Irunen", "Iruni", "Irunen", "Irungo", "Irunera")),
        ("Iruñea", ("Iruñearen", "Iruñeari", "Iruñean", "Iruñeko", "Iruñera")),
    ],
)
def test_places_are_declined(name: str, forms: tuple[str, ...]) -> None:
    place = Place(name)
    assert (place.gen, place.dat, place.ine, place.rel, place.all) == forms


def test_alternatives_are_expanded() -> None:
    assert {expand(random.Random(i), "[bat|bi] [hiru]") for i in range(20)} == {"bat hiru", "bi hiru"}


def test_every_family_is_drawn() -> None:
    assert len(FAMILIES) >= 10
    assert all(weight > 0 for _, weight in FAMILIES)


def test_tables_name_only_topics_of_the_pack() -> None:
    topics = set(Dressing().topics)
    tables = Path("demo/grammar/tables")
    for name in ("tasks", "whys", "wishes", "pairs", "pools"):
        rows = yaml.safe_load((tables / f"{name}.yaml").read_text())
        assert {row["topic"] for row in rows} <= topics, name
