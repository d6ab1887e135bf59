"""What a pack lacks, and which packs may steer a build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from languages.completeness import LEAST, Gap, gaps, load_translated_pack, untranslated
from languages.loader import available_languages, load_pack
from languages.pack import LanguagePack
from schemas.errors import LanguageError

TEXTS = [f"testua {letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
WORDS = [letter + other for letter in "abcdefgh" for other in "eiou"]


def pack(steering: dict[str, Any] | None = None, markers: dict[str, Any] | None = None, **changes: Any) -> LanguagePack:
    """A complete pack, but for the changes."""
    texts: dict[str, Any] = {
        "system_prompts": TEXTS,
        "topic_prompts": ["{topic}!"],
        "examples_heading": "hala",
        "example_turns": TEXTS,
        "reply_prompts": TEXTS,
        "openers": TEXTS,
        "topics": TEXTS,
        **(steering or {}),
    }
    names = {"user": ["a"], "assistant": ["b"], "answer": ["c"], "step": ["d"], **(markers or {})}
    fields = {
        "code": "xx",
        "name": "Test",
        "native_name": "proba",
        "function_words": WORDS,
        "words": Path("words.tsv"),
        "steering": texts,
        "markers": names,
        **changes,
    }
    return LanguagePack.model_validate(fields)


def test_a_complete_pack_lacks_nothing() -> None:
    assert gaps(pack()) == ()
    assert untranslated(pack()) == ()


@pytest.mark.parametrize("code", available_languages())
def test_the_packs_that_ship_are_complete(code: str) -> None:
    assert gaps(load_pack(code)) == ()
    assert load_translated_pack(code) == load_pack(code)


@pytest.mark.parametrize(
    ("changed", "gap"),
    [
        (pack(native_name="TRANSLATE: Test"), Gap("native_name", "to translate")),
        (pack({"topics": [*TEXTS, "TRANSLATE: art"]}), Gap("steering.topics", "1 of 27 to translate")),
        (pack({"examples_heading": "TRANSLATE: x"}), Gap("steering.examples_heading", "to translate")),
        (pack(markers={"system": ["TRANSLATE: System"]}), Gap("markers.system", "to translate")),
        (pack({"system_prompts": TEXTS[:4]}), Gap("steering.system_prompts", "4, 5 at least")),
        (pack({"openers": TEXTS[:19]}), Gap("steering.openers", "19, 20 at least")),
        (pack({"topics": TEXTS[:19]}), Gap("steering.topics", "19, 20 at least")),
        (pack({"example_turns": TEXTS[:9]}), Gap("steering.example_turns", "9, 10 at least")),
        (pack(function_words=WORDS[:29]), Gap("function_words", "29, 30 at least")),
        (pack(markers={"user": []}), Gap("markers.user", "none")),
        (pack(markers={"assistant": []}), Gap("markers.assistant", "none")),
        (pack(markers={"answer": []}), Gap("markers.answer", "none")),
        (pack(markers={"step": []}), Gap("markers.step", "none")),
        (pack({"topics": [*TEXTS, "Testua  A"]}), Gap("steering.topics", "there more than once: testua a")),
        (pack(function_words=[*WORDS, "Eta"]), Gap("function_words", "not in lower case: Eta")),
        (pack({"topic_prompts": ["gaia"]}), Gap("steering.topic_prompts", "without {topic}: gaia")),
        (pack(unseen_limit=1), Gap("unseen_limit", "1, gibberish passes; measure it with a larger corpus")),
    ],
    ids=lambda value: value.field if isinstance(value, Gap) else "",
)
def test_each_gap_is_named(changed: LanguagePack, gap: Gap) -> None:
    assert gaps(changed) == (gap,)


def test_a_pack_without_words_says_how_to_make_them() -> None:
    (gap,) = gaps(pack(words=None))
    assert gap.field == "words.tsv"
    assert "iturri language new xx --update --corpus FILE" in gap.what


def test_a_field_may_lack_several_things() -> None:
    (few, twice) = gaps(pack(function_words=["eta", "eta"]))
    assert (few.field, twice.field) == ("function_words", "function_words")


def test_every_least_number_is_that_of_a_field() -> None:
    empty = pack(markers=dict.fromkeys(("user", "assistant", "answer", "step"), ()), function_words=WORDS[:1])
    empty = empty.model_copy(
        update={"steering": empty.steering.model_copy(update=dict.fromkeys(type(empty.steering).model_fields, ()))}
    )
    assert {gap.field for gap in gaps(empty)} == set(LEAST)


def test_a_pack_with_english_texts_steers_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "xx"
    folder.mkdir()
    half = pack({"topics": ["TRANSLATE: art"]}, {"user": ["TRANSLATE: User"]}, words=None)
    (folder / "pack.yaml").write_text(half.model_dump_json(exclude_none=True), encoding="utf-8")
    (folder / "profile.json").write_text("{}", encoding="utf-8")
    assert load_pack("xx", tmp_path).name == "Test"
    with pytest.raises(LanguageError, match=r"'xx' is not complete.*steering\.topics, markers\.user") as caught:
        load_translated_pack("xx", tmp_path)
    assert str(folder / "pack.yaml") in str(caught.value)
