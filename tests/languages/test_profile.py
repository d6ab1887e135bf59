from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from languages.langdetect_detector import LangdetectDetector
from languages.loader import load_pack
from languages.profile import build_profile, shipped_profiles

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


def test_the_basque_profile_that_ships_is_a_profile_and_holds_counts_only() -> None:
    path = load_pack("eu").profile
    assert path is not None
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["name"] == "eu"
    assert all(1 <= len(gram) <= 3 and isinstance(count, int) for gram, count in data["freq"].items())


def test_langdetect_ships_spanish_but_not_basque() -> None:
    assert "es" in shipped_profiles()
    assert "eu" not in shipped_profiles()


@settings(max_examples=10)
@given(st.lists(st.text()))
def test_any_text_gives_a_profile_that_langdetect_takes(lines: list[str]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "profile.json"
        path.write_text(build_profile("xx", lines), encoding="utf-8", errors="replace")
        assert "xx" in LangdetectDetector("xx", path).languages
