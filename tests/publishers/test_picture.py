"""The funnel's picture. How it looks is for people; here is what it holds, and that it is the same every time."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from publishers import picture
from publishers.picture import MOST_MODES, MOST_REASONS, funnel_picture, funnel_words
from schemas.funnel import Funnel, FunnelRow
from tests.support.publishers_builds import funnel


def row(gate: str, reason: str, drafts: int, mode: str = "magpie-eu", tokens: int = 50) -> FunnelRow:
    return FunnelRow(
        mode=mode,
        gate=gate,
        exchange=1,
        reason=reason,
        drafts=drafts,
        prompt_tokens=0,
        completion_tokens=tokens * drafts,
    )


def drawn(given: Funnel) -> Figure:
    return picture._figure(given)


def said(given: Funnel) -> list[str]:
    (axes,) = drawn(given).axes
    return [text.get_text() for text in axes.texts if text.get_text()]


MANY = Funnel(
    target=1,
    rows=(
        *(row(("user_turn", "reply")[number % 2], f"reason.{number:02}", 100 - number) for number in range(30)),
        row("accepted", "accepted", 500),
    ),
)
MODES = Funnel(
    target=1,
    rows=tuple(row("accepted", "accepted", number, f"mode-{number}") for number in range(1, MOST_MODES + 4)),
)


@pytest.mark.parametrize("given", [funnel(25), Funnel(target=1), MANY, MODES], ids=["small", "empty", "many", "modes"])
def test_it_is_a_png_as_wide_as_two_cards_on_white(given: Funnel) -> None:
    with Image.open(io.BytesIO(funnel_picture(given))) as image:
        image.load()
        assert image.format == "PNG"
        assert image.width == 1600
        assert image.convert("RGBA").getpixel((2, 2)) == (255, 255, 255, 255)
        assert "Software" not in image.info


PROGRAM = """
import hashlib, sys
from publishers.picture import funnel_picture
from tests.support.publishers_builds import funnel
assert not any(name.startswith("matplotlib") for name in sys.modules)
print(hashlib.sha256(funnel_picture(funnel(25))).hexdigest())
"""


def test_another_process_without_a_home_and_with_other_settings_gives_the_same_bytes(tmp_path: Path) -> None:
    """And it says nothing, and leaves nothing behind."""
    (tmp_path / "matplotlibrc").write_text("axes.facecolor: red\nfont.size: 30\n", encoding="utf-8")
    (tmp_path / "tmp").mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if name != "MPLCONFIGDIR"},
        "HOME": "/proc/none",
        "TMPDIR": str(tmp_path / "tmp"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    again = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == again.stdout
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["matplotlibrc", "tmp"]


def test_the_headline_and_every_gate_are_there_with_counts_and_shares() -> None:
    words = said(funnel(25))
    for text in (
        "62 generated tokens per accepted conversation",
        "25 of 31 drafts accepted (80.6%); 1,557 tokens generated",
        "reach user_turn",
        "31 (100.0%)",
        "language.foreign",
        "5 (16.1%)",
        "250 (16.1%)",
        "reach reply",
        "26 (83.9%)",
        "accepted",
        "1,250 (80.3%)",
        "cut off in flight, no verdict",
        "7 (0.4%)",
    ):
        assert text in words
    assert words.index("reach user_turn") < words.index("reach reply") < words.index("accepted")
    assert "mode" not in words


def test_of_many_reasons_the_largest_have_a_line_and_the_rest_are_summed_at_their_gate() -> None:
    words = said(MANY)
    assert [word for word in words if word.startswith("reason.")] == [
        *(f"reason.{number:02}" for number in range(0, MOST_REASONS, 2)),
        *(f"reason.{number:02}" for number in range(1, MOST_REASONS, 2)),
    ]
    assert words.count("10 other reasons") == 2
    total = sum(100 - number for number in range(30)) + 500
    rest = sum(100 - number for number in range(MOST_REASONS, 30, 2))
    assert f"{rest} ({rest / total:.1%})" in words


def test_one_reason_that_is_left_over_keeps_its_name() -> None:
    rows = (*MANY.rows[:30:2], row("reply", "rare", 1), row("accepted", "accepted", 1))
    assert {"rare", "5 other reasons"} <= set(said(Funnel(target=1, rows=rows)))


def test_several_modes_have_a_part_of_their_own() -> None:
    words = said(MODES)
    assert "tokens per accepted" in words
    assert f"mode-{MOST_MODES + 3}" in words and "mode-1" not in words
    assert "3 other modes" in words
    assert "6 of 6" in words


def test_no_text_runs_into_a_bar_or_out_of_the_picture() -> None:
    long = Funnel(
        target=1,
        rows=(
            row(
                "user_turn",
                "contamination.a_benchmark_with_a_long_name",
                999_999,
                "cross_lingual-a_language_of_many_names",
            ),
            row("reply", "grounding.not_supported_by_what_the_passage_says", 999_999_999, "other-eu", tokens=999),
            row("accepted", "accepted", 999_999),
        ),
    )
    figure = drawn(long)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    texts = [text.get_window_extent() for text in axes.texts if text.get_text()]
    bars = [bar.get_window_extent() for bar in axes.patches if isinstance(bar, Rectangle) and bar.get_width()]
    assert bars
    assert [box for box in texts if box.x0 < 0 or box.x1 > 1600] == []
    assert [(text, bar) for text in texts for bar in bars if text.overlaps(bar)] == []


def test_dollars_and_other_marks_of_formulas_are_letters() -> None:
    odd = Funnel(target=1, rows=(row("reply", r"a$\nothing{$", 1), row("accepted", "accepted", 1)))
    assert funnel_picture(odd)[:4] == b"\x89PNG"


def test_in_words_it_tells_the_same() -> None:
    assert funnel_words(funnel(25)) == (
        "Of 31 drafts 25 (80.6%) were accepted. Dropped: 5 (16.1%) at user_turn, 1 (3.2%) at reply. "
        "62 generated tokens per accepted conversation."
    )
    assert funnel_words(Funnel(target=1)) == "No draft has ended yet."
    assert funnel_words(Funnel(target=1, rows=(row("reply", "x", 2),))).endswith(" No conversation accepted.")


def test_another_funnel_gives_another_picture() -> None:
    assert funnel_picture(funnel(8)) != funnel_picture(funnel(9))
