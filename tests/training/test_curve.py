"""The loss curve. How it looks is for people; here is what it holds, and that a log of any kind gives one."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from PIL import Image

from schemas.errors import StorageError, TrainingError
from schemas.training_report import HeldOutLoss
from training import curve
from training.curve import draw


def step(number: int, loss: float | None, **more: Any) -> dict[str, Any]:
    return {"step": number, "loss": loss, "learning_rate": 1e-5 / number, "tokens": 1000 * number, **more}


def held_out(number: int, **losses: float) -> dict[str, Any]:
    return {"step": number, "held_out": losses}


def written(folder: Path, *rows: dict[str, Any], end: bytes = b"") -> Path:
    log = folder / "log.jsonl"
    log.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in rows) + end)
    return log


def drawn(log: Path) -> Figure:
    return curve._figure(curve._read(log), "proba")


def lines(log: Path) -> dict[str, tuple[list[float], list[float]]]:
    """Name -> where its points stand, of the upper axes; what has no name there begins with `_`."""
    upper, _ = drawn(log).axes
    return {str(line.get_label()): (points(line.get_xdata()), points(line.get_ydata())) for line in upper.lines}


def points(data: Any) -> list[float]:
    return [float(point) for point in data]


def words(log: Path) -> str:
    return curve._words(curve._read(log))


LONG = [step(number, 2 + 3 / number) for number in range(1, 301)]
EVALUATED = [held_out(0, eu=5.0), *LONG, *(held_out(number, eu=4.0, en=3.0) for number in range(50, 301, 50))]
LOGS = {
    "long": EVALUATED,
    "three steps": LONG[:3],
    "not held out": LONG,
    "not a number": [*LONG[:40], step(41, math.nan), step(42, math.inf), step(43, None), *LONG[43:]],
    "only evaluated": [held_out(0, eu=5.0)],
    "many names": [held_out(number, **{f"name-{one}": 3.0 + one for one in range(30)}) for number in (0, 5)],
    "no tokens": [{"step": 1, "loss": 3.0}],
    "empty": [],
}


def test_the_losses_before_and_after_are_points_of_the_line(tmp_path: Path) -> None:
    log, inside = written(tmp_path, *LONG[:20]), tmp_path / "inside"
    inside.mkdir()
    ends = [HeldOutLoss(name="eu", sequences=3, tokens=90, before=5.0, after=2.5)]
    whole = written(inside, held_out(0, eu=5.0), *LONG[:20], held_out(20, eu=2.5))
    draw(log, tmp_path / "given.png", "proba", ends)
    draw(whole, tmp_path / "logged.png", "proba")
    assert (tmp_path / "given.png").read_bytes() == (tmp_path / "logged.png").read_bytes()


@pytest.mark.parametrize("rows", LOGS.values(), ids=list(LOGS))
def test_every_log_gives_a_png_as_wide_as_two_cards_and_the_same_bytes_again(
    rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    log, target = written(tmp_path, *rows), tmp_path / "run" / "curve.png"
    draw(log, target, "proba")
    first = target.read_bytes()
    with Image.open(target) as image:
        image.load()
        assert (image.format, image.width) == ("PNG", 1600)
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    draw(log, target, "proba")
    assert target.read_bytes() == first
    assert [path.name for path in target.parent.iterdir()] == ["curve.png"]


def test_losses_stand_over_the_tokens_trained_on_and_the_first_evaluation_at_none(tmp_path: Path) -> None:
    found = lines(written(tmp_path, held_out(0, eu=5.0), *LONG[:3], held_out(2, eu=4.0)))
    assert found["training"] == ([1000, 2000, 3000], [5.0, 3.5, 3.0])
    assert found["held out: eu"] == ([0, 2000], [5.0, 4.0])


def test_an_evaluation_between_logged_steps_stands_between_their_tokens(tmp_path: Path) -> None:
    log = written(tmp_path, step(10, 3.0), step(20, 2.0), held_out(15, eu=4.0), held_out(25, eu=3.9))
    assert lines(log)["held out: eu"][0] == [15_000, 20_000]


def test_without_tokens_losses_stand_over_steps(tmp_path: Path) -> None:
    log = written(tmp_path, {"step": 5, "loss": 3.0}, {"step": 10, "loss": 2.0})
    assert lines(log)["training"][0] == [5, 10]
    assert drawn(log).axes[1].get_xlabel() == "steps"


def test_a_long_log_has_a_smoothed_line_that_neither_lags_nor_jumps(tmp_path: Path) -> None:
    rows = [step(number, 5 - number / 100 + (-1) ** number) for number in range(1, 301)]
    found = lines(written(tmp_path, *rows))
    assert found["training"][1] == [row["loss"] for row in rows]
    smooth = found["training, smoothed"][1]
    assert all(abs(smooth[place] - (5 - (place + 1) / 100)) < 0.1 for place in range(20, 280))


def test_a_torn_last_line_and_one_that_a_resumed_run_wrote_on_to_do_not_hinder(tmp_path: Path) -> None:
    whole = json.dumps(step(3, 1.0)).encode()
    torn = b'{"step": 2, "loss": 1.' + whole + b"\n" + whole + b'\n{"step": 4, "los\xc3'
    found = lines(written(tmp_path, step(1, 2.0), end=torn))
    assert found["training"][1] == [2.0, 1.0]


def test_of_steps_that_were_taken_twice_the_last_time_counts(tmp_path: Path) -> None:
    log = written(tmp_path, step(1, 3.0), step(2, 9.0), step(3, 9.0), step(2, 2.0), step(3, 1.0))
    assert lines(log)["training"][1] == [3.0, 2.0, 1.0]


def test_losses_that_are_no_numbers_are_gaps_and_marked_and_told(tmp_path: Path) -> None:
    log = written(tmp_path, *LOGS["not a number"])
    found = lines(log)
    for name in ("training", "training, smoothed"):
        assert [place for place, loss in enumerate(found[name][1]) if math.isnan(loss)] == [40, 41, 42]
    marks = [points[0] for name, points in found.items() if name.startswith("_")]
    assert marks == [[41_000, 41_000], [42_000, 42_000], [43_000, 43_000]]
    assert "no number at 3 steps" in words(log)


def test_the_learning_rate_is_below(tmp_path: Path) -> None:
    _, lower = drawn(written(tmp_path, *LONG[:3])).axes
    (line,) = lower.lines
    assert points(line.get_ydata()) == [1e-5, 5e-6, 1e-5 / 3]


def test_a_missing_log_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"log\.jsonl cannot be read: No such file"):
        draw(tmp_path / "log.jsonl", tmp_path / "curve.png", "proba")


def test_a_picture_that_cannot_be_written_leaves_the_one_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, target = written(tmp_path, *LONG[:3]), tmp_path / "curve.png"
    target.write_bytes(b"earlier")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match=r"curve\.png cannot be written: No space left on device"):
        draw(log, target, "proba")
    assert target.read_bytes() == b"earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curve.png", "log.jsonl"]
