"""What every figure is drawn with: text measured to the point, rows of bars, marks, notes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple
from unicodedata import east_asian_width

import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D, Transform, blended_transform_factory

from funnel_lib.core.errors import InputError, drop_controls
from funnel_lib.core.words import Words
from funnel_lib.drawing.looks import (
    ACCENT,
    BAR,
    FONT,
    GAP,
    GROUND,
    INK,
    LINE,
    MUTED,
    PAD,
    PALE_ACCENT,
    ROOM,
    SMALL,
    SMALL_LINE,
    STRIP,
    STYLE,
    TEXT,
    TITLE,
    TITLE_LINE,
    TRACK,
    UNDER,
    WIDTH,
)
from funnel_lib.drawing.pictures import quiet_fonts

# decorates what draws; from the default on, as a matplotlibrc in the current folder is read, too
in_style = style.context(["default", STYLE])
_HALO = [withStroke(linewidth=3, foreground=GROUND)]
_BEFORE, _AFTER = 13, 14  # points of a mark of the key and the space behind it; behind its text
_MARK = 8  # points beside the last number that a mark there may take
_MOST_LINES = 3  # of a row's name
_WIDE = "Wi"  # as wide as a letter that fills a square, of which the font has none
_MOST_LETTERS = 600  # of any text: what is longer ends in "…", and a table has it whole

_MARKS = {
    "bar": {"marker": "s", "ms": 9, "mew": 0},
    "dot": {"marker": "o", "ms": 7},
    "ring": {"marker": "o", "ms": 7, "mfc": GROUND, "mew": 1.5},
    "diamond": {"marker": "D", "ms": 6},
    "down": {"marker": "v", "ms": 8},
    "loss": {"marker": "s", "ms": 8, "mfc": PALE_ACCENT, "mew": 1.2},
    "mean": {"marker": "|", "ms": 10, "mew": 1.2},
}

Item = tuple[str, str, str]  # of a key: a mark (see `draw_mark`), its colour, its text's key
Note = tuple[str, str, str]  # a character or none, its colour, or the text's, and the text


class Sheet(NamedTuple):
    """Axes with the names written and the bars still to draw; their y axis points downwards."""

    ax: Axes
    tops: np.ndarray  # upper edge of each row's bar


class Heading(NamedTuple):
    """What stands above a drawing, in lines that fit: `key` holds (mark, colour, text, width)."""

    title: str
    base: str
    key: list[list[tuple[str, str, str, float]]]
    height: float


class Notes(NamedTuple):
    """What stands below a drawing, in lines that fit."""

    items: list[Note]
    beside: float  # how far in texts stand that have a character before them
    height: float


def check_one_segment(table: pd.DataFrame) -> None:
    """Refuse a table of several segments, where a figure shows one."""
    segments = list(table["segment"].unique())
    if len(segments) > 1:
        names = ", ".join(map(str, segments[:5]))
        raise InputError([
            f"the table holds {len(segments)} segments ({names}) and a figure shows one; "
            f"choose it: table[table['segment'] == {segments[0]!r}]"
        ])  # fmt: skip


def open_axes(height: float, heading: Heading) -> Axes:
    """Axes of a new figure that count points downwards and to the right, its heading written."""
    high = height + 2 * PAD
    figure = Figure(figsize=(WIDTH / 72, high / 72))  # all is placed to the point: no layout
    ax = figure.add_axes((PAD / WIDTH, PAD / high, 1 - 2 * PAD / WIDTH, height / high))
    ax.axis("off")
    ax.set(xlim=(0, ROOM), ylim=(height, 0))
    _write_heading(ax, heading)
    return ax


def open_sheet(
    words: Words, title: str, names: Sequence[str], counts, key, base: str = ""
) -> Sheet:
    """Write all that stands around the bars: title, key, names on the left, counts on the right."""
    free = [ROOM - 12 - sum(measure_width(text, TEXT) + 8 for text, _ in line) for line in counts]
    names = [
        wrap_text(name, width, at_most=_MOST_LINES) for name, width in zip(names, free, strict=True)
    ]
    heights = np.array([LINE * (name.count("\n") + 1) + BAR + GAP for name in names])
    heading = fit_heading(title, base, key, words)
    bottoms = heading.height + np.cumsum(heights)
    ax, tops = open_axes(bottoms[-1], heading), bottoms - BAR - GAP
    for name, line, top in zip(names, counts, tops, strict=True):
        write_pieces(ax, top - 5, [(name, INK)])
        write_pieces(ax, top - 5, line, end=ROOM)
    return Sheet(ax, tops)


def sort_steps(steps, words: Words) -> list[str]:
    """Steps in the reader's order, forks by the first of their steps; those that it does not know
    last."""
    order = {step: n for n, step in enumerate(words.step_names)}
    first = {step: str(step).partition(" | ")[0] for step in steps}
    return sorted(steps, key=lambda step: (order.get(first[step], len(order)), str(step)))


def label_segment(name: str, words: Words) -> str:
    """A segment's name written out, as the beginning of a label."""
    name = words.value("name", name)
    return name[:1].upper() + name[1:]


def label_counts(n, share, words: Words) -> list[list[tuple[str, str]]]:
    """What stands at the right of each row: the count and its share, or "not measurable"."""
    unknown = [(words.text("figure.not_measurable"), MUTED)]
    return [
        unknown if pd.isna(s) else [(f"{words.number(k)} · {words.share(s)}", INK)]
        for k, s in zip(n, share, strict=True)
    ]


def fit_heading(title: str, base: str, key: list[Item], words: Words) -> Heading:
    """Break a title beside its base, and the key, whose texts are words' keys, into lines."""
    beside = measure_width(base, SMALL) + 12 if base else 0
    title = wrap_text(title, ROOM - beside, TITLE, "bold", at_most=3)
    lines: list[list[tuple[str, str, str, float]]] = []
    left = ROOM
    for mark, colour, name in key:
        word = words.text(f"figure.{name}")
        width = _BEFORE + measure_width(word, SMALL) + _AFTER
        if not lines or width - _AFTER > left:
            lines.append([])
            left = ROOM
        lines[-1].append((mark, colour, word, width))
        left -= width
    height = UNDER + title.count("\n") * TITLE_LINE + LINE * (len(lines) + 1)
    return Heading(title, base, lines, height)


def _write_heading(ax: Axes, heading: Heading) -> None:
    """Write the title on the left, its base on the right, and the key below."""
    y = UNDER + heading.title.count("\n") * TITLE_LINE
    write_pieces(ax, y, [(heading.title, INK)], size=TITLE, weight="bold")
    write_pieces(ax, UNDER, [(heading.base, MUTED)], end=ROOM, size=SMALL)
    for n, line in enumerate(heading.key):
        left, below = 0.0, y + 4 + LINE * (n + 1)
        for mark, colour, text, width in line:
            draw_mark(ax, left + 4.5, below - 3.5, mark, colour, transform=in_points(ax))
            write_pieces(ax, below, [(text, MUTED)], size=SMALL, start=left + _BEFORE)
            left += width


def fit_notes(items: list[Note]) -> Notes:
    """Break notes into lines that fit after their characters, if they have any."""
    beside = max((measure_width(c, SMALL, "bold") + 8 for c, *_ in items if c), default=0)
    fitted = [
        (c, colour, wrap_text(text, ROOM - beside * bool(c), SMALL)) for c, colour, text in items
    ]
    height = sum(SMALL_LINE * (text.count("\n") + 1) + 2 for *_, text in fitted)
    return Notes(fitted, beside, height)


def write_notes(ax: Axes, top: float, notes: Notes) -> None:
    """Write notes below `top`: the characters in their colour, the texts beside them."""
    for character, colour, text in notes.items:
        if character:
            write_pieces(ax, top + SMALL_LINE, [(character, colour)], size=SMALL, weight="bold")
        top += SMALL_LINE * (text.count("\n") + 1) + 2
        piece = [(text, INK if character else colour)]
        write_pieces(ax, top - 2, piece, size=SMALL, start=notes.beside * bool(character))


def write_pieces(
    ax, y, pieces, *, start=0.0, end: float | None = None, size=TEXT, weight="normal"
) -> None:
    """Write coloured texts on the baseline y, from `start` points from the left, or up to `end`."""
    widths = [measure_width(text, size, weight) + 8 for text, _ in pieces]
    for n, (text, colour) in enumerate(pieces):
        at = start + sum(widths[:n]) if end is None else end - sum(widths[n + 1 :])
        ax.annotate(
            text, (0, y), (at, 0), xycoords=ax.get_yaxis_transform(),
            textcoords="offset points", ha="left" if end is None else "right", va="baseline",
            color=colour, size=size, weight=weight, linespacing=1.25,
        )  # fmt: skip


def in_points(ax: Axes) -> Transform:
    """Counts points from the left of the figure's room, whatever is drawn along its axis."""
    across = Affine2D().translate(PAD, 0).scale(1 / 72) + ax.figure.dpi_scale_trans
    return blended_transform_factory(across, ax.transData)


def draw_mark(ax: Axes, x: float, y: float, mark: str, colour: str, **look) -> None:
    """A mark that stands for a number, or on its own in a key: of a key alone are ``bar``,
    ``strip``, ``span`` and ``mean``; all differ in form, not in colour alone."""
    look = {"color": colour, "zorder": 5, "clip_on": False, "ls": "none"} | look
    if mark == "strip":
        strip = {"facecolor": colour, "edgecolor": MUTED, "linewidth": 0.7, "zorder": 5}
        strip["transform"] = look.get("transform", ax.transData)
        ax.add_patch(Rectangle((x - 5, y - STRIP / 2), 10, STRIP, **strip))
    elif mark == "span":
        ax.plot([x - 4.5, x + 4.5], [y, y], **look | {"ls": "-", "lw": 1, "marker": "|", "ms": 6})
    else:
        ax.plot([x], [y], **look | _MARKS[mark])


def draw_bar(ax: Axes, top: float, left: float, width: float, colour: str) -> None:
    """A part of a bar, set off from its neighbours; one without a width leaves no mark."""
    if width > 0:
        look = {"facecolor": colour, "edgecolor": GROUND, "linewidth": 0.8, "zorder": 2}
        ax.barh(top + BAR / 2, width, BAR, left=left, **look)


def draw_track(sheet: Sheet, n: int) -> None:
    """A pale bar behind row n's marks, along the whole row."""
    left, right = sheet.ax.get_xlim()
    sheet.ax.barh(sheet.tops[n] + BAR / 2, right - left, BAR, left=left, color=TRACK, zorder=1)


def draw_outline(ax: Axes, top: float, left: float, width: float) -> None:
    """A part of a bar that is not there: the largest loss, or what a stage claims."""
    look = {"facecolor": PALE_ACCENT, "edgecolor": ACCENT, "linewidth": 1.2, "zorder": 3}
    ax.barh(top + BAR / 2, width, BAR - 1.2, left=left, **look)


def draw_unknown(sheet: Sheet, n: int, width: float) -> None:
    """An empty dashed bar as long as the base: the true one may have any length."""
    look = {"facecolor": "none", "edgecolor": MUTED, "linestyle": (0, (4, 3)), "linewidth": 0.9}
    sheet.ax.barh(sheet.tops[n] + BAR / 2, width, BAR - 1, **look)


def draw_interval(ax: Axes, y: float, low: float, high: float, colour: str = INK) -> None:
    """A whisker, set off from the bar that it lies on; none where an end is not known."""
    if pd.notna(low) and pd.notna(high):
        look = {"color": colour, "lw": 1, "ms": 5, "zorder": 4, "clip_on": False}
        ax.plot([low, high], [y, y], "|-", path_effects=_HALO, **look)


def leave_room_for_marks(sheet: Sheet, most: float) -> None:
    """Count from 0 to the most, with a few points at each end for marks that stand there."""
    unit = (ROOM - 2 * _MARK) / most
    sheet.ax.set_xlim(-_MARK / unit, (ROOM - _MARK) / unit)


@cache
def measure_width(text: str, size: float, weight: str = "normal") -> float:
    """Width of a line of text in points, of its outline's points: a curve lies between its own."""
    text = "".join(_WIDE if east_asian_width(c) in "WF" else c for c in drop_controls(text))
    if not text.strip():
        return 0.0
    font = FontProperties(family=FONT, weight=weight)
    with quiet_fonts():
        outline = TextPath((0, 0), text, size=size, prop=font, usetex=False)
    return float(np.ptp(outline.vertices[outline.codes != Path.CLOSEPOLY, 0]))


def wrap_text(
    text: str, room: float, size=TEXT, weight="normal", at_most: int | None = None
) -> str:
    """Break a text into lines no wider than `room` points, within words only where it must be.

    What does not fit into `at_most` lines ends in "…".

    >>> wrap_text("Согласовал условия договора", 120)
    'Согласовал условия\\nдоговора'
    """
    if len(text) > _MOST_LETTERS:
        text = f"{text[:_MOST_LETTERS]}…"
    lines = [text]
    letters = int(len(text) * room / max(measure_width(text, size, weight), 1)) + 8  # may fit
    for n in range(letters, 4, -1):
        lines = textwrap.wrap(text, n, max_lines=at_most, placeholder=" …") or [""]
        if max(measure_width(line, size, weight) for line in lines) <= room:
            break
    return "\n".join(lines)
