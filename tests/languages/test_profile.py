from __future__ import annotations

import json
from pathlib import Path

import pytest

from languages.loader import load_pack
from languages.profile import build_profile, main, shipped_profiles
from schemas.errors import LanguageError

SENTENCE = "Udazkenean egunak laburragoak dira eta zuhaitzek hostoak galtzen dituzte."
TEXT = [SENTENCE] * 100


def test_a_profile_has_langdetects_form() -> None:
    data = json.loads(build_profile("eu", TEXT))
    assert sorted(data) == ["freq", "n_words", "name"]
    assert data["name"] == "eu"
    assert data["freq"]["tz"] == 200
    for size in (1, 2, 3):
        assert data["n_words"][size - 1] >= sum(n for gram, n in data["freq"].items() if len(gram) == size) > 0


def test_the_same_text_gives_the_same_bytes() -> None:
    assert build_profile("eu", TEXT) == build_profile("eu", reversed(TEXT))


def test_too_little_text_is_refused() -> None:
    with pytest.raises(LanguageError, match="'eu' needs at least"):
        build_profile("eu", [SENTENCE])


def test_the_basque_profile_that_ships_is_a_profile_and_holds_counts_only() -> None:
    path = load_pack("eu").profile
    assert path is not None
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["name"] == "eu"
    assert all(1 <= len(gram) <= 3 and isinstance(count, int) for gram, count in data["freq"].items())


def test_langdetect_ships_spanish_but_not_basque() -> None:
    assert "es" in shipped_profiles()
    assert "eu" not in shipped_profiles()


def test_the_command_writes_a_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, out = tmp_path / "text.txt", tmp_path / "profile.json"
    text.write_text("\n".join(TEXT), encoding="utf-8")
    assert main(["eu", str(out), str(text)]) == 0
    assert out.read_text(encoding="utf-8") == build_profile("eu", TEXT)
    assert str(out) in capsys.readouterr().out


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "text.txt"
    assert main(["eu", str(tmp_path / "out.json"), str(text)]) == 2
    assert "text.txt: cannot be read" in capsys.readouterr().err
    text.write_text("\n".join(TEXT), encoding="utf-8")
    assert main(["eu", str(tmp_path / "gone" / "out.json"), str(text)]) == 2
    assert "out.json: cannot be written" in capsys.readouterr().err
