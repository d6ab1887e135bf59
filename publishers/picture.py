"""The funnel as a picture: what became of the drafts gate by gate, and the tokens that each group took."""

from __future__ import annotations

import importlib
import io
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from schemas.errors import StorageError
from schemas.funnel import GATES, Funnel, ModeTotals

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURE_NAME = "funnel.png"

# What has a line of its own; the others are summed.
MOST_REASONS = 10
MOST_MODES = 8

# The Hub shows a card 800 px wide; twice as many pixels stay sharp on dense screens.
_WIDTH, _DPI, _LINE_HEIGHT = 8.0, 200, 0.23
# Inches from the left: names, bars of drafts, right end of their figures, bars of tokens, right end of theirs.
_NAMES, _DRAFTS, _DRAFT_FIGURES, _TOKENS, _TOKEN_FIGURES = 0.12, 2.75, 6.02, 6.18, 7.9
_DRAFTS_WIDTH, _TOKENS_WIDTH = 1.95, 0.48
_THINNEST = 0.012  # a group of few drafts is still seen

# Blue and orange of Okabe and Ito's palette, which are told apart with any colour vision, and greys.
_ACCEPTED, _DROPPED, _REACHED, _UNENDED = "#0072b2", "#d55e00", "#ccd3da", "#7f7f7f"
_INK, _FAINT = "#1c1c1c", "#555555"
_MOST_LETTERS = 32

_lock = Lock()  # matplotlib's settings are those of the process


@dataclass(frozen=True, slots=True)
class _Bar:
    """From `start` on, both in shares of the column's width."""

    start: float
    length: float
    colour: str


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    strong: bool
    drafts: tuple[_Bar, ...] = ()
    draft_figure: str = ""
    tokens: tuple[_Bar, ...] = ()
    token_figure: str = ""


def funnel_words(funnel: Funnel) -> str:
    """The main figures of the picture in words, for who cannot see it."""
    if not funnel.drafts:
        return "No draft has ended yet."
    words = f"Of {funnel.drafts:,} drafts {funnel.accepted:,} ({funnel.acceptance:.1%}) were accepted."
    by_gate = {gate: sum(drafts for drafts, _ in reasons.values()) for gate, reasons in _drops(funnel).items()}
    if by_gate:
        told = ", ".join(f"{drafts:,} ({drafts / funnel.drafts:.1%}) at {gate}" for gate, drafts in by_gate.items())
        words += f" Dropped: {told}."
    return f"{words} {_headline(funnel)}."


def funnel_picture(funnel: Funnel) -> bytes:
    """A PNG, 1,600 px wide: every gate, the largest reasons of drops, and the modes where there are several.

    The same funnel gives the same bytes with the same matplotlib. Raises StorageError where there is no temporary
    folder to write to, which matplotlib needs when it starts.
    """
    with _lock:
        _start_matplotlib()
        import matplotlib as mpl

        with mpl.rc_context():
            mpl.rcdefaults()  # settings of the user or of the folder would change the bytes
            mpl.rcParams["text.parse_math"] = False
            return _png(_figure(funnel))


def _start_matplotlib() -> None:
    """Import what is drawn with. Its folder for settings and fonts is one that goes away: HOME may not be writable."""
    before = os.environ.get("MPLCONFIGDIR")
    try:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["MPLCONFIGDIR"] = folder
            for name in ("figure", "style", "font_manager", "backends.backend_agg"):
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


def _figure(funnel: Funnel) -> Figure:
    from matplotlib.figure import Figure

    lines, modes = _lines(funnel), _mode_lines(_modes(funnel))
    height = 4.2 + len(lines) + (len(modes) + 1.9 if modes else 0)
    figure = Figure(figsize=(_WIDTH, height * _LINE_HEIGHT), dpi=_DPI, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, _WIDTH)
    axes.set_ylim(height, 0)  # downwards, a unit for each line
    _say(axes, _NAMES, 0.95, _headline(funnel), size=12, strong=True)
    _say(axes, _NAMES, 2.05, _second_line(funnel), size=9, colour=_FAINT)
    _part(axes, 3.3, ("", "drafts (share of all)", "generated tokens"), lines)
    if modes:
        heads = ("mode", "drafts, accepted in blue", "tokens per accepted")
        _part(axes, 3.3 + len(lines) + 1.6, heads, modes)
    return figure


def _part(axes: Axes, top: float, heads: tuple[str, str, str], lines: Sequence[_Line]) -> None:
    from matplotlib.patches import Rectangle

    places = ((_NAMES, "left"), (_DRAFT_FIGURES, "right"), (_TOKEN_FIGURES, "right"))
    for (x, side), head in zip(places, heads, strict=True):
        _say(axes, x, top, head, size=8.5, colour=_FAINT, side=side)
    for y, line in enumerate(lines, start=1):
        middle = top + y + 0.1
        name = line.name if len(line.name) <= _MOST_LETTERS else f"{line.name[: _MOST_LETTERS - 1]}…"
        _say(axes, _NAMES + (0 if line.strong else 0.14), middle, name, strong=line.strong)
        for left, width, bars in ((_DRAFTS, _DRAFTS_WIDTH, line.drafts), (_TOKENS, _TOKENS_WIDTH, line.tokens)):
            for bar in bars:
                size = max(bar.length * width, _THINNEST if bar.length else 0)
                start = left + min(bar.start * width, width - size)
                axes.add_patch(Rectangle((start, middle - 0.34), size, 0.68, color=bar.colour, linewidth=0))
        _say(axes, _DRAFT_FIGURES, middle, line.draft_figure, strong=line.strong, side="right")
        _say(axes, _TOKEN_FIGURES, middle, line.token_figure, strong=line.strong, side="right")


def _say(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    *,
    size: float = 8.5,
    strong: bool = False,
    colour: str = _INK,
    side: str = "left",
) -> None:
    import matplotlib as mpl
    from matplotlib.font_manager import FontProperties

    # matplotlib's own file: another version of the font on this machine would give other bytes.
    file = Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans-Bold.ttf" if strong else "DejaVuSans.ttf")
    axes.text(
        x, y, text, color=colour, ha=side, va="center_baseline", fontproperties=FontProperties(fname=file, size=size)
    )


def _headline(funnel: Funnel) -> str:
    if funnel.tokens_per_accepted is None:
        return "No conversation accepted" + (" yet" if not funnel.drafts else "")
    return f"{funnel.tokens_per_accepted:,.0f} generated tokens per accepted conversation"


def _second_line(funnel: Funnel) -> str:
    share = f" ({funnel.acceptance:.1%})" if funnel.drafts else ""
    accepted = f"{funnel.accepted:,} of {funnel.drafts:,} drafts accepted{share}"
    tokens = f"{funnel.completion_tokens:,} tokens generated"
    return f"{accepted}; {tokens}"


def _drops(funnel: Funnel) -> dict[str, dict[str, tuple[int, int]]]:
    """Gate -> reason -> (drafts, generated tokens), over all modes and exchanges; gates as drafts meet them."""
    order = {gate: number for number, gate in enumerate(GATES)}
    sums: dict[str, dict[str, tuple[int, int]]] = {}
    for row in sorted(funnel.rows, key=lambda row: (order.get(row.gate, len(GATES)), row.gate)):
        if row.gate not in ("accepted", "not_needed"):
            reasons = sums.setdefault(row.gate, {})
            drafts, tokens = reasons.get(row.reason, (0, 0))
            reasons[row.reason] = (drafts + row.drafts, tokens + row.completion_tokens)
    return sums


def _lines(funnel: Funnel) -> list[_Line]:
    drops = _drops(funnel)
    everything = sorted(
        ((gate, reason) for gate, reasons in drops.items() for reason in reasons),
        key=lambda place: (-drops[place[0]][place[1]][0], place),
    )
    own_line = set(everything if len(everything) <= MOST_REASONS + 1 else everything[:MOST_REASONS])
    left = funnel.drafts
    lines = []
    for gate, reasons in drops.items():
        reached = _line(funnel, f"reach {gate}", (0, left, _REACHED), None)
        lines.append(replace(reached, strong=True))
        groups = {reason: group for reason, group in reasons.items() if (gate, reason) in own_line}
        rest = [group for reason, group in reasons.items() if (gate, reason) not in own_line]
        if len(rest) == 1:  # its name is as short as "1 other reason"
            groups, rest = reasons, []
        ordered = sorted(groups.items(), key=lambda item: (-item[1][0], item[0]))
        if rest:
            sums = (sum(drafts for drafts, _ in rest), sum(tokens for _, tokens in rest))
            ordered.append((_others(len(rest), "reason"), sums))
        for reason, (drafts, tokens) in ordered:
            left -= drafts
            lines.append(_line(funnel, reason, (left, drafts, _DROPPED), tokens))
    kept, cut = (
        sum(row.completion_tokens for row in funnel.rows if row.gate == gate) for gate in ("accepted", "not_needed")
    )
    lines.append(replace(_line(funnel, "accepted", (0, funnel.accepted, _ACCEPTED), kept), strong=True))
    if unended := cut + funnel.unfinished_completion_tokens:
        cut_off = _line(funnel, "cut off in flight, no verdict", (0, 0, _UNENDED), unended)
        lines.append(replace(cut_off, draft_figure=""))
    return lines


def _line(funnel: Funnel, name: str, drafts: tuple[int, int, str], tokens: int | None) -> _Line:
    start, number, colour = drafts
    among, spent = max(1, funnel.drafts), max(1, funnel.completion_tokens)
    return _Line(
        name=name,
        strong=False,
        drafts=(_Bar(start / among, number / among, colour),),
        draft_figure=f"{_short(number)} ({number / among:.1%})",
        tokens=(_Bar(0, tokens / spent, colour),) if tokens is not None else (),
        token_figure=f"{_short(tokens)} ({tokens / spent:.1%})" if tokens is not None else "",
    )


def _modes(funnel: Funnel) -> list[ModeTotals]:
    """The modes, those with most drafts first; none where there is one only."""
    modes = sorted(funnel.modes, key=lambda mode: (-mode.drafts, mode.mode))
    if len(modes) < 2:
        return []
    if len(modes) <= MOST_MODES + 1:
        return modes
    rest = modes[MOST_MODES:]
    accepted, tokens = sum(mode.accepted for mode in rest), sum(mode.completion_tokens for mode in rest)
    other = ModeTotals(
        mode=_others(len(rest), "mode"),
        drafts=sum(mode.drafts for mode in rest),
        accepted=accepted,
        completion_tokens=tokens,
        tokens_per_accepted=tokens / accepted if accepted else None,
        saved_tokens=sum(mode.saved_tokens for mode in rest),
    )
    return [*modes[:MOST_MODES], other]


def _mode_lines(modes: Sequence[ModeTotals]) -> list[_Line]:
    most = max([1, *(mode.drafts for mode in modes)])
    dearest = max([1.0, *(mode.tokens_per_accepted or 0.0 for mode in modes)])
    return [
        _Line(
            name=mode.mode,
            strong=False,
            drafts=(_Bar(0, mode.drafts / most, _REACHED), _Bar(0, mode.accepted / most, _ACCEPTED)),
            draft_figure=f"{_short(mode.accepted)} of {_short(mode.drafts)}",
            tokens=(_Bar(0, (mode.tokens_per_accepted or 0.0) / dearest, _UNENDED),),
            token_figure=f"{mode.tokens_per_accepted:,.0f}"
            if mode.tokens_per_accepted is not None
            else "none accepted",
        )
        for mode in modes
    ]


def _short(number: int) -> str:
    """Such as `999,999`, `1.2M`: as long as the column is wide."""
    for unit, letter in ((10**12, "T"), (10**9, "B"), (10**6, "M")):
        if number >= unit:
            return f"{number / unit:,.1f}{letter}"
    return f"{number:,}"


def _others(number: int, what: str) -> str:
    return f"{number} other {what}s"
