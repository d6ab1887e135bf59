"""The loss curve of a run as a picture: training loss, held-out losses, and the learning rate below."""

from __future__ import annotations

import importlib
import io
import json
import math
import os
import tempfile
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from schemas.errors import StorageError, TrainingError
from schemas.training_report import HeldOutLoss
from training.whole_file import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

CURVE_NAME = "curve.png"

# The Hub shows a card 800 px wide; twice as many pixels stay sharp on dense screens.
_WIDTH, _HEIGHT, _DPI = 8.0, 4.4, 200
_LEFT, _RIGHT = 0.75, 7.85  # inches, of the axes
_LEGEND_LINE, _LEGEND_COLUMNS = 0.22, 3

# Okabe and Ito's palette, which is told apart with any colour vision, and greys.
_TRAINING, _RATE, _NOT_FINITE = "#0072b2", "#7f7f7f", "#d55e00"
_HELD_OUT = ("#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_MARKERS = ("o", "s", "^", "D")
_INK, _FAINT, _GRID = "#1c1c1c", "#555555", "#ccd3da"
_MOST_LETTERS = 64  # of the title

# Fewer steps than these are drawn as they are; of more, each point of the smoothed line is the mean of this share.
_FEWEST_SMOOTHED, _WINDOW = 20, 0.05

_STEPS = (1, 2, 5, 10)  # between ticks

_lock = Lock()  # matplotlib's settings are those of the process


@dataclass
class _Log:
    """By step; a step that was taken again after a kill counts as it was the last time."""

    losses: dict[int, float] = field(default_factory=dict)
    rates: dict[int, float] = field(default_factory=dict)
    tokens: dict[int, int] = field(default_factory=dict)
    held_out: dict[str, dict[int, float]] = field(default_factory=dict)

    def places(self, steps: Iterable[int]) -> list[float]:
        """Where steps stand on the axis: at the tokens trained so far, or at their number where no tokens are told."""
        if not self.tokens:
            return [float(step) for step in steps]
        known = sorted({0: 0, **self.tokens}.items())
        return [_between(known, step) for step in steps]


def draw(log: Path, target: Path, title: str, ends: Sequence[HeldOutLoss] = ()) -> None:
    """Draw a run's log.jsonl as a PNG of 1,600 px width, which takes the name `target` only when it is whole.

    Each line of the log is an object with `step` and, where it was measured, `loss` (nats), `learning_rate`, `tokens`
    (trained on since the run began) and `held_out` ({name: loss}). Lines torn by a kill in mid-write are passed over; a
    loss that is no number is marked by a dotted line. `ends` are the held-out losses before the first step and after
    the last one. The same log gives the same bytes with the same matplotlib.

    Raises TrainingError when the log cannot be read, StorageError when the picture cannot be written.
    """
    read = _read(log)
    last = max(read.losses, default=0)
    for loss in ends:
        read.held_out.setdefault(loss.name, {}).update({0: loss.before, last: loss.after})
    with _lock:
        _start_matplotlib()
        import matplotlib as mpl

        with mpl.rc_context():
            mpl.rcdefaults()  # settings of the user or of the folder would change the bytes
            mpl.rcParams["text.parse_math"] = False
            content = _png(_figure(read, title))
    write_whole(target, content)


def _read(log: Path) -> _Log:
    try:
        lines = log.read_bytes().splitlines()
    except OSError as error:
        raise TrainingError(f"{log} cannot be read: {error.strerror or error}; there is no loss to draw") from error
    found = _Log()
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("step"), int):
            _take(found, row["step"], row)
    return found


def _take(found: _Log, step: int, row: dict[str, Any]) -> None:
    if "loss" in row:
        found.losses[step] = _number(row["loss"])
    if math.isfinite(rate := _number(row.get("learning_rate"))):
        found.rates[step] = rate
    if isinstance(row.get("tokens"), int):
        found.tokens[step] = row["tokens"]
    for name, loss in (row.get("held_out") or {}).items():
        found.held_out.setdefault(name, {})[step] = _number(loss)


def _number(value: object) -> float:
    """JSON has no NaN of its own: some writers put null."""
    return float(value) if isinstance(value, int | float) else math.nan


def _between(known: Sequence[tuple[int, int]], step: int) -> float:
    """Tokens at a step; between those that were logged, on a straight line, and at the last one behind them."""
    place = bisect_left(known, step, key=lambda pair: pair[0])
    if place == len(known):
        return float(known[-1][1])
    after, high = known[place]
    if after == step:
        return float(high)
    before, low = known[place - 1]
    return low + (high - low) * (step - before) / (after - before)


def _start_matplotlib() -> None:
    """Import what is drawn with. Its folder for settings and fonts is one that goes away: HOME may not be writable."""
    before = os.environ.get("MPLCONFIGDIR")
    try:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["MPLCONFIGDIR"] = folder
            for name in ("figure", "style", "font_manager", "ticker", "backends.backend_agg"):
                importlib.import_module(f"matplotlib.{name}")
    except OSError as error:
        raise StorageError(f"no temporary folder can be written: {error.strerror or error}; set TMPDIR") from error
    finally:
        if before is None:
            os.environ.pop("MPLCONFIGDIR", None)
        else:
            os.environ["MPLCONFIGDIR"] = before


def _png(figure: Figure) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI, metadata={"Software": None})  # which would tell the version
    return file.getvalue()


def _figure(log: _Log, title: str) -> Figure:
    from matplotlib.figure import Figure

    entries = len(log.held_out) + (2 if _is_smoothed(log) else 1)
    legend = -(-entries // _LEGEND_COLUMNS) * _LEGEND_LINE
    height = _HEIGHT + legend
    figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, facecolor="white")
    title = " ".join(title.split())
    title = title if len(title) <= _MOST_LETTERS else f"{title[: _MOST_LETTERS - 1]}…"
    for text, down, size, colour in ((title, 0.24, 12, _INK), (_words(log), 0.5, 9, _FAINT)):
        place = (_LEFT / _WIDTH, 1 - down / height)
        figure.text(*place, text, color=colour, va="center_baseline", fontproperties=_font(size, bold=size == 12))

    def axes(bottom: float, top: float) -> Axes:
        return figure.add_axes((_LEFT / _WIDTH, bottom / height, (_RIGHT - _LEFT) / _WIDTH, (top - bottom) / height))

    upper, lower = axes(1.4, height - 0.68 - legend), axes(0.5, 1.15)
    _draw_losses(upper, log)
    steps = sorted(log.rates)
    lone = "." if len(steps) == 1 else None
    lower.plot(log.places(steps), [log.rates[step] for step in steps], color=_RATE, linewidth=1.2, marker=lone)
    lower.set_ylim(bottom=0)
    span = max([1.0, *log.places({*log.losses, *log.rates, *(s for line in log.held_out.values() for s in line)})])
    for one, what in ((upper, "loss (nats per token)"), (lower, "learning rate")):
        one.set_xlim(-0.012 * span, 1.012 * span)
        _dress(one, what, span, below=one is lower)
    last = "tokens trained on" if log.tokens else "steps"
    lower.set_xlabel(last, color=_FAINT, fontproperties=_font(8.5), labelpad=3)
    _draw_legend(figure, upper, height)
    return figure


def _draw_losses(axes: Axes, log: _Log) -> None:
    steps = sorted(log.losses)
    places, losses = log.places(steps), [log.losses[step] for step in steps]
    if _is_smoothed(log):
        axes.plot(places, _finite(losses), color=_TRAINING, linewidth=0.6, alpha=0.45, label="training")
        axes.plot(places, _smoothed(losses), color=_TRAINING, linewidth=1.6, label="training, smoothed")
    elif steps:
        axes.plot(places, _finite(losses), color=_TRAINING, linewidth=1.2, marker=".", label="training")
    for number, (name, line) in enumerate(sorted(log.held_out.items())):
        axes.plot(
            log.places(sorted(line)),
            _finite([line[step] for step in sorted(line)]),
            color=_HELD_OUT[number % len(_HELD_OUT)],
            marker=_MARKERS[(number // len(_HELD_OUT)) % len(_MARKERS)],
            markersize=4,
            linewidth=1.2,
            label=f"held out: {name}",
        )
    for place, loss in zip(places, losses, strict=True):
        if not math.isfinite(loss):
            axes.axvline(place, color=_NOT_FINITE, linewidth=0.8, linestyle=":")


def _is_smoothed(log: _Log) -> bool:
    return len(log.losses) >= _FEWEST_SMOOTHED


def _finite(losses: Sequence[float]) -> list[float]:
    """With NaN, which leaves a gap, for what is infinite."""
    return [loss if math.isfinite(loss) else math.nan for loss in losses]


def _smoothed(losses: Sequence[float]) -> list[float]:
    """The mean of the losses around each, so that it does not lag; what is no number leaves a gap, and is no part."""
    half = max(1, round(_WINDOW * len(losses) / 2))
    sums = [0.0, *accumulate(loss if math.isfinite(loss) else 0.0 for loss in losses)]
    counts = [0, *accumulate(map(math.isfinite, losses))]
    line = []
    for place, loss in enumerate(losses):
        first, last = max(0, place - half), min(len(losses), place + half + 1)
        mean = (sums[last] - sums[first]) / max(1, counts[last] - counts[first])
        line.append(mean if math.isfinite(loss) else math.nan)
    return line


def _dress(axes: Axes, what: str, span: float, *, below: bool) -> None:
    """The ticks with matplotlib's own font: another version of it on this machine would give other bytes."""
    from matplotlib.ticker import MaxNLocator

    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_FAINT)
    across = [tick for tick in MaxNLocator(8, integer=True, steps=_STEPS).tick_values(0, span) if 0 <= tick <= span]
    low, high = axes.get_ylim()
    up = [tick for tick in MaxNLocator(2 if below else 6, steps=_STEPS).tick_values(low, high) if low <= tick <= high]
    axes.set_xticks(across, [_short(tick) if below else "" for tick in across], fontproperties=_font(8))
    axes.set_yticks(up, [f"{tick:.3g}".replace("e-0", "e-") for tick in up], fontproperties=_font(8))
    axes.tick_params(color=_FAINT, labelcolor=_FAINT, length=3)
    axes.grid(color=_GRID, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_ylabel(what, color=_FAINT, fontproperties=_font(8.5))
    axes.yaxis.set_label_coords(-0.075, 0.5)


def _draw_legend(figure: Figure, axes: Axes, height: float) -> None:
    lines, names = axes.get_legend_handles_labels()
    if lines:
        figure.legend(
            lines,
            names,
            loc="upper left",
            bbox_to_anchor=(_LEFT / _WIDTH, 1 - 0.64 / height),
            ncols=_LEGEND_COLUMNS,
            prop=_font(8.5),
            labelcolor=_INK,
            frameon=False,
            borderpad=0,
            borderaxespad=0,
            labelspacing=0.35,
        )


def _font(size: float, *, bold: bool = False) -> FontProperties:
    import matplotlib as mpl
    from matplotlib.font_manager import FontProperties

    file = Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")
    return FontProperties(fname=file, size=size)


def _words(log: _Log) -> str:
    """The second line: how far it went, and from which loss to which."""
    if not log.losses:
        return "No step is logged."
    words = f"{max(log.losses):,} step{'s' if max(log.losses) > 1 else ''}"
    if log.tokens:
        words += f", {_short(max(log.tokens.values()))} tokens"
    numbers = [log.losses[step] for step in sorted(log.losses) if math.isfinite(log.losses[step])]
    if numbers:
        smooth = _smoothed(numbers) if _is_smoothed(log) else numbers
        words += f"; training loss from {smooth[0]:.3f} to {smooth[-1]:.3f}"
    if strange := len(log.losses) - len(numbers):
        words += f"; no number at {strange:,} step{'s' if strange > 1 else ''} (dotted)"
    return words


def _short(number: float) -> str:
    """Such as `950`, `1.2M`."""
    for unit, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k")):
        if number >= unit:
            return f"{number / (1e3 if letter == 'k' else unit):.4g}{letter}"
    return f"{number:,.0f}"
