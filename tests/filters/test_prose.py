from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.prose import prose
from filters.text import excerpt, fold


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Hona kodea:\n```python\nprint('hello world')\n```\nHori da.", "Hona kodea: Hori da."),
        ("Hona kodea:\n~~~\nhello\n~~~~\nHori da.", "Hona kodea: Hori da."),
        ("Hona kodea:\n```python\nprint('never closed')", "Hona kodea:"),
        ("Erabili `git commit` orain.", "Erabili orain."),
        ("Begira https://example.com/path?q=the+house hemen.", "Begira hemen."),
        ("Begira www.example.com hemen.", "Begira hemen."),
        ("Idatzi ane@example.org helbidera.", "Idatzi helbidera."),
        ("Kalkulatu $\\frac{a}{b}$ eta \\(x^2\\).", "Kalkulatu eta ."),
        ("Hau da:\n$$\nE = mc^2\n$$", "Hau da:"),
        ("\\begin{align}x &= y\\end{align} da.", "da."),
        ("5 $ eta 10 $ balio du.", "5 $ eta 10 $ balio du."),
        ("$5 eta $10 balio du.", "$5 eta $10 balio du."),
        ("<p class='x'>Kaixo&nbsp;<b>lagun</b></p>", "Kaixo lagun"),
        ("<script>alert('the end')</script>Kaixo", "Kaixo"),
        ("# Izena\n\n- **Lehena**\n- _bigarrena_\n1. hirugarrena\n> aipua", "Izena Lehena bigarrena hirugarrena aipua"),
        ("Ikusi [orri hau](https://example.com/the-page).", "Ikusi orri hau."),
        ("Sortu com.sun.star.util.DateTime objektua.", "Sortu objektua."),
        ("Ez dakit... Bai.Ez. Hara!", "Ez dakit... Bai.Ez. Hara!"),
        ("snake_case eta 3*4*5", "snake_case eta 3*4*5"),
        ("KAIXO LAGUN HANDIA", "kaixo lagun handia"),
        ("NATO erakundea handia da", "NATO erakundea handia da"),
        ("https://example.com", ""),
        ("", ""),
    ],
)
def test_only_language_is_left(text: str, left: str) -> None:
    assert " ".join(prose(text).split()) == left


@pytest.mark.parametrize("wall", ["[", "\\[", "$", "<", "`", "<!--", "<pre>", "\\begin{a}", "a.", "*", "> ", "1. "])
def test_walls_of_marks_are_read_in_reasonable_time(wall: str) -> None:
    prose(wall * (32_000 // len(wall)))


@given(st.text())
def test_any_text_has_prose(text: str) -> None:
    assert prose(text) == prose(text).strip()


@given(st.text(), st.integers(2, 80))
def test_excerpts_are_short_and_on_one_line(text: str, limit: int) -> None:
    made = excerpt(text, limit)
    assert len(made) <= limit
    assert len(made.splitlines()) <= 1


def test_folding_ignores_case_width_and_spacing() -> None:
    assert fold("  KAIXO\n\tlagun ＡＢ ") == "kaixo lagun ab"
