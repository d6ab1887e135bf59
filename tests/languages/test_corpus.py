"""Reading a corpus, and the lines of it that are in its language."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from languages import corpus
from languages.corpus import CleanLines, read_corpus
from languages.py3langid_detector import Py3langidDetector
from schemas.errors import InputError

BASQUE = "Udazkenean egunak laburragoak dira eta zuhaitzek hostoak galtzen dituzte."
SPANISH = "En otoño los días son más cortos y los árboles pierden sus hojas."


@pytest.fixture(scope="module")
def detector() -> Py3langidDetector:
    return Py3langidDetector("eu", None)


def test_lines_in_the_language_are_kept_once_and_the_others_counted(detector: Py3langidDetector) -> None:
    lines = CleanLines(["Bai, jauna", BASQUE, SPANISH, BASQUE, "Ez dakit ezer", "", SPANISH], "eu", detector)
    assert list(lines) == [BASQUE, "Ez dakit ezer"]
    assert (lines.kept, lines.short, lines.repeated, lines.foreign) == (2, 2, 1, {"es": 2})


def test_a_line_that_is_too_short_to_tell_is_given_the_benefit_of_the_doubt(detector: Py3langidDetector) -> None:
    assert list(CleanLines(["Los árboles verdes"], "eu", detector)) == ["Los árboles verdes"]


def test_letters_that_say_nothing_are_foreign(detector: Py3langidDetector) -> None:
    lines = CleanLines(["ꙮ ꙮꙮ ꙮ ꙮꙮꙮ ꙮ"], "eu", detector)
    assert list(lines) == []
    assert lines.foreign.total() == 1


@given(st.lists(st.text()))
def test_every_line_is_accounted_for(lines: list[str]) -> None:
    clean = CleanLines(lines, "eu", Py3langidDetector("eu", None))
    assert len(list(clean)) == clean.kept
    assert clean.kept + clean.short + clean.repeated + clean.foreign.total() == len(lines)


def test_files_are_read_one_after_the_other_and_stripped(tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_bytes("\ufeffbat \r\n\n  bi".encode())
    second.write_text("hiru\n", encoding="utf-8")
    assert list(read_corpus([first, second])) == ["bat", "", "bi", "hiru"]


def test_of_very_large_files_each_gives_its_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "MOST_CHARACTERS", 20)
    paths = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for path in paths:
        path.write_text(f"{path.stem * 4}\n" * 100, encoding="utf-8")
    assert list(read_corpus(paths)) == ["aaaa"] * 3 + ["bbbb"] * 3


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"bat\nbi\0\n", "line 2: a NUL byte"),
        (b"bat\n\xff\xfe\n", "line 2: not UTF-8"),
        (b"caf\xe9", "line 1: not UTF-8"),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        list(read_corpus([path]))
    assert str(caught.value).startswith(f"--corpus: {path}, {what}")


def test_missing_files_and_folders_are_named_with_the_option(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--corpus: .*gone\.txt: No such file"):
        list(read_corpus([tmp_path / "gone.txt"]))
    with pytest.raises(InputError, match=r"--against: .*: Is a directory"):
        list(read_corpus([tmp_path], "--against"))
