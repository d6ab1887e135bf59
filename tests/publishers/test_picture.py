"""The funnel as a picture: the same bytes for the same funnel, and readable whatever is in it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from publishers.picture import funnel_picture, funnel_words
from schemas.funnel import Funnel, FunnelRow
from tests.support.publishers_builds import funnel

MANY = Funnel(
    target=10,
    rows=tuple(
        FunnelRow(
            mode=f"{mode}-eu",
            gate=gate,
            exchange=1,
            reason="accepted" if gate == "accepted" else f"a.reason_with_a_long_name_{number}",
            drafts=10**number,
            prompt_tokens=0,
            completion_tokens=50 * 10**number,
        )
        for mode in ("magpie", "reverse", "grounded")
        for gate in ("material", "user_turn", "reply", "conversation", "accepted")
        for number in range(7)
        if gate != "accepted" or number == 6
    ),
)


def size(png: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(png)) as picture:
        picture.verify()
        return picture.size


@pytest.mark.parametrize("of", [funnel(8), funnel(0), Funnel(target=10), MANY], ids=["small", "none", "empty", "many"])
def test_any_funnel_gives_a_picture_as_wide_as_a_card(of: Funnel) -> None:
    width, height = size(funnel_picture(of))
    assert width == 1600
    assert 200 < height < 3000


def test_the_same_funnel_gives_the_same_bytes_in_another_process_and_whatever_is_set(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nsavefig.facecolor: red\n")
    program = (
        "import sys; from publishers.picture import funnel_picture\n"
        "from tests.support.publishers_builds import funnel\n"
        "sys.stdout.buffer.write(funnel_picture(funnel(8)))"
    )
    environment = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    assert done.stdout == funnel_picture(funnel(8))
    assert done.stderr == b""
    assert [path.name for path in tmp_path.iterdir()] == ["matplotlibrc"]


def test_another_funnel_gives_another_picture() -> None:
    assert funnel_picture(funnel(8)) != funnel_picture(funnel(9))


def test_the_words_carry_the_main_figures() -> None:
    words = funnel_words(funnel(8))
    assert "Of 14 drafts 8 (57.1%) were accepted" in words
    assert "5 (35.7%) at user_turn, 1 (7.1%) at reply" in words
    assert "88 generated tokens per accepted conversation" in words
    assert funnel_words(Funnel(target=3)) == "No draft has ended yet."
