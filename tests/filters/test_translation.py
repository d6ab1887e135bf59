"""Translated turns against their source."""

from __future__ import annotations

import pytest

from filters.chain import open_filters
from filters.translation import TranslationJudge
from languages.loader import load_pack
from schemas.conversation import Draft, Gate, Turn
from schemas.filters import Filters, TranslationFilter
from tests.support.filters_drafts import reason

JUDGE = TranslationJudge.open(TranslationFilter())
SOURCE = (
    "Use `git log` to see what was done in 2019 and in 1998. The list of changes may be long, so take only the first"
    " 20 of them with the option for that, as told in https://git.eus/docs."
)
GOOD = (
    "Erabili `git log` 2019an eta 1998an egindakoa ikusteko. Aldaketen zerrenda luzea izan daiteke; hartu, beraz, lehen"
    " 20ak bakarrik, horretarako aukerarekin, https://git.eus/docs helbidean azaltzen den bezala."
)


def draft(source: str | None, translation: str, role: str = "user") -> Draft:
    turn = Turn.model_validate(
        {
            "role": role,
            "content": translation,
            "finish_reason": "stop",
            "language": "eu",
            "prompt_tokens": 1,
            "completion_tokens": 1,
            "origin": "translated",
            "original": source,
        }
    )
    return Draft(id="d", index=0, mode="translation", language="eu", turns=(turn,))


def found(source: str | None, translation: str) -> str | None:
    return reason(JUDGE.judge(draft(source, translation), Gate.USER_TURN))


def test_a_good_translation_stays() -> None:
    assert found(SOURCE, GOOD) is None


def test_a_turn_that_is_no_translation_is_not_looked_at() -> None:
    assert found(None, "edozer gauza ⟦1⟧") is None


@pytest.mark.parametrize(
    ("source", "translation"),
    [
        (SOURCE, GOOD.replace("`git log`", "git log komandoa")),
        (SOURCE, GOOD.replace("`git log`", "`git log` edo `git log`")),
        (SOURCE, GOOD.replace("https://git.eus/docs", "https://git.eus/dokumentuak")),
        (SOURCE, GOOD + " ⟦3⟧"),
        ("Fill in {name} and {name}.", "Bete {name}."),
        ("Look in /usr/bin/ and /usr/bin/env now", "Begiratu orain /usr/bin/env fitxategian"),
    ],
)
def test_placeholders_lost_doubled_or_invented(source: str, translation: str) -> None:
    assert found(source, translation) == "translation.placeholders"


def test_endings_may_be_glued_to_what_is_protected() -> None:
    assert found("Open README.md and {file} with nano()", "Ireki README.md-a eta {file}a nano()-rekin") is None


@pytest.mark.parametrize(
    ("source", "translation"),
    [
        (SOURCE, GOOD + " Hona hemen ohar luze bat, jatorrizkoan ez dagoena: " + "gauza asko daude esateko. " * 12),
        (SOURCE, "Erabili `git log` 2019, 1998, 20 https://git.eus/docs."),
        ("Yes", "Bai, noski, hori horrela da, eta gainera azalduko dizut zergatik den horrela"),
    ],
)
def test_far_too_long_or_too_short(source: str, translation: str) -> None:
    assert found(source, translation) == "translation.length"


@pytest.mark.parametrize("pair", [("Yes", "Bai, hala da"), ("Thank you!", "Mila esker"), ("OK", "Ados, ongi da")])
def test_short_texts_have_slack(pair: tuple[str, str]) -> None:
    assert found(*pair) is None


@pytest.mark.parametrize(
    "translation",
    [
        SOURCE,
        "Erabili `git log` 2019an eta 1998an. The list of changes may be long, so take only the first 20 of them"
        " https://git.eus/docs.",
    ],
)
def test_source_that_stands_there_still(translation: str) -> None:
    assert found(SOURCE, translation) == "translation.leftover"


def test_short_turns_that_were_not_translated() -> None:
    assert found("Please tell me why", "please tell me why") == "translation.leftover"
    assert found("New York Times", "New York Times") is None
    assert found("Radiohead", "Radiohead") is None


def test_names_and_titles_are_no_leftover() -> None:
    source = "Miguel de Unamuno wrote San Manuel Bueno, which many people in the whole country have read at school."
    target = "Miguel de Unamunok San Manuel Bueno idatzi zuen, herrialde osoko jende askok eskolan irakurri duena."
    assert found(source, target) is None


@pytest.mark.parametrize(
    ("source", "translation"),
    [
        ("- one thing\n- two things\n- three things\n- four", "gauza bat, bi gauza, hiru gauza eta lau"),
        (
            "first\nsecond\nthird\nfourth\nfifth\nsixth",
            "lehena bigarrena hirugarrena laugarrena\nbosgarrena seigarrena",
        ),
    ],
)
def test_lists_and_lines_that_are_gone(source: str, translation: str) -> None:
    assert found(source, translation) == "translation.structure"


@pytest.mark.parametrize(
    ("source", "translation"),
    [
        ("Between 1936 and 1975 it had 12,500 members", "1937 eta 1976 artean 12.500 kide zituen"),
        ("It grew from 45 to 67.", "54tik 76ra hazi zen."),
    ],
)
def test_numbers_that_are_others(source: str, translation: str) -> None:
    assert found(source, translation) == "translation.numbers"


@pytest.mark.parametrize(
    ("source", "translation"),
    [
        ("It has 1,234,567 people and 12.75 km", "1.234.567 biztanle eta 12,75 km ditu"),
        ("It has 1,234,567 people and 25 bars", "1 234 567 biztanle eta 25 taberna ditu"),
        ("A 20-year-old in 1998", "Hogei urteko bat 1998an"),
        ("He came 2nd, with 3 points", "Bigarren geratu zen, hiru punturekin"),
    ],
)
def test_numbers_in_other_dress(source: str, translation: str) -> None:
    assert found(source, translation) is None


def test_what_was_not_for_translation_stays_as_it_is() -> None:
    code = "```py\nprint('hello there my good old friend')\n```"
    assert found(code, code) is None
    assert found("42", "42") is None


def test_thresholds_are_the_recipe_s() -> None:
    strict = TranslationJudge.open(TranslationFilter(min_ratio=1.5, max_ratio=1.6))
    assert reason(strict.judge(draft(SOURCE, GOOD), Gate.REPLY)) == "translation.length"


def test_it_runs_before_the_language_is_told_and_can_be_off() -> None:
    pack = load_pack("eu")
    names = [one.name for one in open_filters(Filters(), pack)]
    assert names.index("translation") < names.index("duplicates") < names.index("language")
    off = Filters(translation=TranslationFilter(enabled=False))
    assert "translation" not in [one.name for one in open_filters(off, pack)]
