"""What a pack lacks, and which packs may steer a build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from languages.completeness import (
    LEAST,
    STEERING,
    Gap,
    gaps,
    load_translated_pack,
    missing_texts,
    unmeasured,
    untranslated,
)
from languages.loader import available_languages, load_pack
from languages.pack import LanguagePack, ModeTexts
from schemas.errors import LanguageError

TEXTS = [f"testua {letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
WORDS = [letter + other for letter in "abcdefgh" for other in "eiou"]


MODES = {
    "math_prompts": ["bat", "bi"],
    "code_prompts": ["bat", "bi"],
    "translate_prompts": ["itzuli {text}, ez ⟦1⟧"],
    "rewrite_prompts": ["berridatzi {text}, ez ⟦1⟧"],
    "reverse_prompts": ["zer eskatu {document}", "zer galdetu {document}"],
    "grounded_user_prompts": ["galdetu {document}", "eskatu {document}"],
    "grounded_reply_prompts": ["erantzun {document}"],
    "cross_lingual_prompts": ["hitz egin"],
}

EVERY_MODE = frozenset(f"modes.{field}" for field in ModeTexts.model_fields)


def pack(
    steering: dict[str, Any] | None = None,
    markers: dict[str, Any] | None = None,
    modes: dict[str, Any] | None = None,
    **changes: Any,
) -> LanguagePack:
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
        "modes": {**MODES, **(modes or {})},
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
    assert load_translated_pack(code, needed=STEERING | EVERY_MODE) == load_pack(code)


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
        (
            pack({"topic_prompts": ["{topic} {topic}"]}),
            Gap("steering.topic_prompts", "with {topic} 2 times: {topic} {topic}"),
        ),
        (pack(modes={"math_prompts": ["bat"]}), Gap("modes.math_prompts", "1, 2 at least")),
        (pack(modes={"code_prompts": []}), Gap("modes.code_prompts", "none")),
        (pack(modes={"code_prompts": ["TRANSLATE: a", "b"]}), Gap("modes.code_prompts", "1 of 2 to translate")),
        (pack(modes={"translate_prompts": ["⟦1⟧"]}), Gap("modes.translate_prompts", "without {text}: ⟦1⟧")),
        (
            pack(modes={"rewrite_prompts": ["hau: {text}"]}),
            Gap("modes.rewrite_prompts", "without a word on ⟦1⟧, which has to stay: hau: {text}"),
        ),
        (
            pack(modes={"grounded_reply_prompts": ["{document}{document}"]}),
            Gap("modes.grounded_reply_prompts", "with {document} 2 times: {document}{document}"),
        ),
        (
            pack(modes={"cross_lingual_prompts": ["hau: {text}"]}),
            Gap("modes.cross_lingual_prompts", "with {text}, which nothing fills here: hau: {text}"),
        ),
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


def test_a_pack_may_do_without_words_and_says_what_is_not_told_then() -> None:
    without = pack(words=None, unseen_limit=1)
    assert gaps(without) == ()
    assert "words.tsv" in (unmeasured(without) or "")
    assert unmeasured(pack()) is None


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({"code_prompts": []}, "modes.code_prompts"),
        ({"math_prompts": ["bat", "TRANSLATE: two"]}, "modes.math_prompts"),
        ({"translate_prompts": ["⟦1⟧"]}, "modes.translate_prompts"),
        ({"reverse_prompts": ["{document} {document}"]}, "modes.reverse_prompts"),
        ({"grounded_user_prompts": ["{document} {text}"]}, "modes.grounded_user_prompts"),
        ({"cross_lingual_prompts": [" "]}, "modes.cross_lingual_prompts"),
    ],
)
def test_texts_that_no_build_can_use_are_missing_where_they_are_asked_for(
    changed: dict[str, Any], missing: str
) -> None:
    assert missing_texts(pack(modes=changed), EVERY_MODE) == (missing,)
    assert missing_texts(pack(modes=changed), EVERY_MODE - {missing}) == ()
    assert missing_texts(pack(modes=changed), STEERING) == ()


def test_one_text_is_enough_for_a_build() -> None:
    assert missing_texts(pack(modes={"math_prompts": ["bat"]}), EVERY_MODE) == ()


def test_a_field_that_no_pack_has_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match=r"no modes\.maths"):
        missing_texts(pack(), {"modes.maths"})


def test_a_field_may_lack_several_things() -> None:
    (few, twice) = gaps(pack(function_words=["eta", "eta"]))
    assert (few.field, twice.field) == ("function_words", "function_words")


def test_every_least_number_is_that_of_a_field() -> None:
    empty = pack(markers=dict.fromkeys(("user", "assistant", "answer", "step"), ()), function_words=WORDS[:1])
    empty = empty.model_copy(
        update={
            "steering": empty.steering.model_copy(update=dict.fromkeys(type(empty.steering).model_fields, ())),
            "modes": ModeTexts(),
        }
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


def test_a_build_asks_only_for_the_texts_that_it_needs(tmp_path: Path) -> None:
    folder = tmp_path / "xx"
    folder.mkdir()
    half = pack({"topics": ["TRANSLATE: art"]}, modes={"math_prompts": [], "code_prompts": ["bat"]}, words=None)
    (folder / "pack.yaml").write_text(half.model_dump_json(exclude_none=True), encoding="utf-8")
    (folder / "profile.json").write_text("{}", encoding="utf-8")
    assert load_translated_pack("xx", tmp_path, frozenset({"modes.code_prompts"})) == load_pack("xx", tmp_path)
    with pytest.raises(LanguageError, match=r"pack\.yaml: modes\.math_prompts; `iturri language check xx`"):
        load_translated_pack("xx", tmp_path, frozenset({"modes.math_prompts", "modes.code_prompts"}))
    with pytest.raises(LanguageError, match=r"pack\.yaml: steering\.topics;"):
        load_translated_pack("xx", tmp_path)


@pytest.mark.parametrize("missing", [{"markers": {"user": ["TRANSLATE: User"]}}, {"function_words": ["TRANSLATE: a"]}])
def test_markers_and_function_words_are_always_needed(tmp_path: Path, missing: dict[str, Any]) -> None:
    folder = tmp_path / "xx"
    folder.mkdir()
    half = pack(words=None, **missing)
    (folder / "pack.yaml").write_text(half.model_dump_json(exclude_none=True), encoding="utf-8")
    (folder / "profile.json").write_text("{}", encoding="utf-8")
    with pytest.raises(LanguageError, match=r"markers\.user|function_words"):
        load_translated_pack("xx", tmp_path, frozenset())
