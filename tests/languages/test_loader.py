from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from languages.loader import available_languages, load_pack
from schemas.errors import LanguageError

OURS = Path(__file__).resolve().parents[2] / "languages"


def pack_data(code: str) -> dict[str, object]:
    texts = ["bat"]
    return {
        "code": code,
        "name": "Test",
        "native_name": "proba",
        "steering": {
            "system_prompts": texts,
            "topic_prompts": ["{topic}"],
            "examples_heading": "x",
            "example_turns": texts,
            "reply_prompts": texts,
            "openers": texts,
            "topics": texts,
        },
        "markers": {"user": ["Rol"], "assistant": ["Otro"]},
        "function_words": ["eta"],
    }


def write_pack(folder: Path, code: str, **changes: object) -> Path:
    path = folder / code
    path.mkdir(parents=True)
    (path / "pack.yaml").write_text(yaml.safe_dump({**pack_data(code), **changes}), encoding="utf-8")
    return path


@pytest.mark.parametrize(("code", "name"), [("eu", "Basque"), ("gl", "Galician")])
def test_what_ships_comes_with_its_statistics(code: str, name: str) -> None:
    pack = load_pack(code)
    assert pack.name == name
    for path in (pack.profile, pack.words):
        assert path is not None
        assert path.is_file()
        assert path.is_absolute()


def test_english_needs_no_statistics_of_its_own() -> None:
    pack = load_pack("en")
    assert (pack.name, pack.profile, pack.words, pack.unseen_limit) == ("English", None, None, 1)


@pytest.mark.parametrize("code", available_languages())
def test_every_pack_that_ships_is_sound(code: str) -> None:
    pack = load_pack(code)
    assert len(set(pack.function_words)) == len(pack.function_words)
    assert all(word == word.lower().strip() for word in pack.function_words)
    assert all("{topic}" in prompt for prompt in pack.steering.topic_prompts)
    assert len(set(pack.steering.topics)) == len(pack.steering.topics)
    assert len(set(pack.steering.openers)) == len(pack.steering.openers)


def test_a_users_pack_is_found_and_wins(tmp_path: Path) -> None:
    write_pack(tmp_path, "es")
    (write_pack(tmp_path, "eu", name="Mine") / "profile.json").write_text("{}")
    assert available_languages(tmp_path) == ("en", "es", "eu", "gl")
    assert available_languages() == ("en", "eu", "gl")
    assert load_pack("eu", tmp_path).name == "Mine"
    assert load_pack("eu", tmp_path).profile == (tmp_path / "eu" / "profile.json").resolve()
    assert load_pack("eu").name == "Basque"


def test_langdetects_own_profile_serves_where_the_pack_has_none(tmp_path: Path) -> None:
    write_pack(tmp_path, "es")
    assert load_pack("es", tmp_path).profile is None


def test_word_statistics_are_there_or_not_but_a_file_that_is_named_must_be(tmp_path: Path) -> None:
    write_pack(tmp_path, "es")
    assert load_pack("es", tmp_path).words is None
    (tmp_path / "es" / "words.tsv").write_text("de\t7\n", encoding="utf-8")
    assert load_pack("es", tmp_path).words == (tmp_path / "es" / "words.tsv").resolve()
    write_pack(tmp_path / "more", "es", words="gone.tsv")
    with pytest.raises(LanguageError, match=r"words: .*gone\.tsv is missing"):
        load_pack("es", tmp_path / "more")


def test_a_profile_may_have_another_name(tmp_path: Path) -> None:
    (write_pack(tmp_path, "an", profile="mine.json") / "mine.json").write_text("{}")
    assert load_pack("an", tmp_path).profile == (tmp_path / "an" / "mine.json").resolve()


@pytest.mark.parametrize("code", ["xx", "../eu", "", "eu/..", "__pycache__"])
def test_an_unknown_language_is_named_with_the_known_ones_and_the_cure(code: str) -> None:
    with pytest.raises(LanguageError, match=r"no language pack for .*known: en, eu.*ITURRI_LANGUAGES") as caught:
        load_pack(code)
    assert repr(code) in str(caught.value)


def test_a_missing_profile_says_how_to_make_it(tmp_path: Path) -> None:
    write_pack(tmp_path, "an")
    with pytest.raises(LanguageError, match=r"'an'.*profile\.json is missing.*iturri language new"):
        load_pack("an", tmp_path)
    write_pack(tmp_path / "more", "es", profile="gone.json")
    with pytest.raises(LanguageError, match=r"gone\.json is missing"):
        load_pack("es", tmp_path / "more")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("code: [", "no valid YAML"),
        ("- 1", "pack: "),
        (yaml.safe_dump({**pack_data("an"), "colour": "red"}), "colour: there is no such field"),
        (yaml.safe_dump({key: value for key, value in pack_data("an").items() if key != "markers"}), "markers: "),
        (yaml.safe_dump(pack_data("oc")), "'oc', but the folder says 'an'"),
    ],
)
def test_an_invalid_pack_names_the_file_and_the_field(tmp_path: Path, text: str, what: str) -> None:
    path = write_pack(tmp_path, "an") / "pack.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LanguageError) as caught:
        load_pack("an", tmp_path)
    assert str(path) in str(caught.value)
    assert what in str(caught.value)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (write_pack(tmp_path, "an") / "pack.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LanguageError, match="cannot be read"):
        load_pack("an", tmp_path)


def test_a_missing_folder_of_packs_is_named(tmp_path: Path) -> None:
    with pytest.raises(LanguageError, match="ITURRI_LANGUAGES"):
        load_pack("eu", tmp_path / "gone")


def test_packs_are_found_beside_the_code_wherever_it_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    profile = load_pack("eu").profile
    assert profile is not None
    assert profile.is_relative_to(OURS)
