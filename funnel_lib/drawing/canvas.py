"""What every figure is drawn with: text measured to the point, rows of bars, notes, pictures."""

from __future__ import annotations

import io
import textwrap
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from matplotlib.textpath import TextPath

from funnel_lib.core.errors import InputError
from funnel_lib.core.words import Words
from funnel_lib.drawing.looks import (
    BAR,
    BLUE,
    FONT,
    GAP,
    INK,
    LINE,
    MUTED,
    PAD,
    SMALL,
    SMALL_LINE,
    STYLE,
    TEXT,
    TITLE,
    TITLE_LINE,
    UNDER,
    WIDTH,
)

# decorates what draws; from the default on, as a matplotlibrc in the current folder is read, too
in_style = style.context(["default", STYLE])
_HALO = [withStroke(linewidth=3, foreground="white")]
_KEY_GAPS = (4, 13)
# no date, and no addresses that would look like outside requests
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))

Item = tuple[str, str, str]  # of a key or of notes: a character, its colour, and a text or its key


@dataclass(frozen=True)
class Picture:
    """A finished figure that a notebook shows, with the words for those who cannot see it."""

    svg: str = field(repr=False)
    alt: str

    def encode(self) -> str:
        """The picture as the address of an image that stands in the page itself."""
        return f"data:image/svg+xml;base64,{b64encode(self.svg.encode()).decode()}"

    def _repr_mimebundle_(self, include=None, exclude=None):
        kind = "image/svg+xml"
        return {kind: self.svg}, {kind: {"alt": self.alt}}


class Sheet(NamedTuple):
    """Axes with the names written and the bars still to draw; their y axis points downwards."""

    ax: Axes
    room: float  # width in points
    tops: np.ndarray  # upper edge of each row's bar


class Heading(NamedTuple):
    """What stands above a drawing, in lines that fit: `key` holds (text, colour) of each line."""

    title: str
    base: str
    key: list[list[tuple[str, str]]]
    height: float


class Notes(NamedTuple):
    """What stands below a drawing, in lines that fit."""

    items: list[Item]
    beside: float  # how far in texts stand that have a character before them
    height: float


def show_figure(ax: Axes, alt: str) -> Picture:
    """Turn a figure into a picture that a notebook shows, the same to the byte every time.

    Parameters
    ----------
    ax : the axes that a `plot_` function returned
    alt : what the figure shows, in words, e.g. the sentence of its table; ValueError if empty

    Examples
    --------
    >>> show_figure(Figure().subplots(), "An empty figure.")
    Picture(alt='An empty figure.')
    """
    if not alt.strip():
        raise ValueError("a figure needs an alternative text: say in words what it shows")
    drawing = io.StringIO()
    with style.context(["default", STYLE]):
        ax.figure.savefig(drawing, format="svg", metadata=_NO_METADATA)
    svg = drawing.getvalue()
    return Picture(svg[svg.index("<svg") :], alt)  # without the prologue it may stand in a page


def check_one_segment(table: pd.DataFrame) -> None:
    """Refuse a table of several segments, where a figure shows one."""
    segments = list(table["segment"].unique())
    if len(segments) > 1:
        names = ", ".join(map(str, segments[:5]))
        raise InputError([
            f"the table holds {len(segments)} segments ({names}) and a figure shows one; "
            f"choose it: table[table['segment'] == {segments[0]!r}]"
        ])  # fmt: skip


def find_room(ax: Axes | None) -> float:
    """Width of the axes, or of those of a new figure, in points."""
    if ax is None:
        return WIDTH - 2 * PAD
    return ax.get_position().width * ax.figure.get_figwidth() * 72


def prepare_axes(ax: Axes | None, height: float) -> Axes:
    """Empty axes that count points downwards and to the right; by default in a figure to fit."""
    if ax is None:
        high = height + 2 * PAD
        figure = Figure(figsize=(WIDTH / 72, high / 72))  # all is placed to the point: no layout
        ax = figure.add_axes((PAD / WIDTH, PAD / high, 1 - 2 * PAD / WIDTH, height / high))
    ax.axis("off")
    ax.set(xlim=(0, find_room(ax)), ylim=(height, 0))
    return ax


def open_sheet(
    ax: Axes | None, words: Words, title: str, names: Sequence[str], counts, key, base: str = ""
) -> Sheet:
    """Write all that stands around the bars: title, key, names on the left, counts on the right."""
    room = find_room(ax)
    free = [room - 12 - sum(measure_width(text, TEXT) + 8 for text, _ in line) for line in counts]
    names = [wrap_text(name, width) for name, width in zip(names, free, strict=True)]
    heights = np.array([LINE * (name.count("\n") + 1) + BAR + GAP for name in names])
    heading = fit_heading(title, base, key, words, room)
    bottoms = heading.height + np.cumsum(heights)
    ax = prepare_axes(ax, bottoms[-1])
    tops = bottoms - BAR - GAP
    write_heading(ax, heading)
    for name, line, top in zip(names, counts, tops, strict=True):
        write_pieces(ax, top - 5, [(name, INK)])
        write_pieces(ax, top - 5, line, right=True)
    return Sheet(ax, room, tops)


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


def fit_heading(title: str, base: str, key: list[Item], words: Words, room: float) -> Heading:
    """Break a title beside its base, and the key, whose texts are words' keys, into lines."""
    beside = measure_width(base, SMALL) + 12 if base else 0
    title = wrap_text(title, room - beside, TITLE, "bold", at_most=3)
    lines: list[list[tuple[str, str]]] = []
    left = room
    for character, colour, name in key:
        word = words.text(f"figure.{name}")
        width = sum(measure_width(text, SMALL) for text in (character, word)) + sum(_KEY_GAPS)
        if not lines or width - _KEY_GAPS[-1] > left:
            lines.append([])
            left = room
        lines[-1] += [(character, colour), (word, MUTED)]
        left -= width
    height = UNDER + title.count("\n") * TITLE_LINE + LINE * (len(lines) + 1)
    return Heading(title, base, lines, height)


def write_heading(ax: Axes, heading: Heading) -> None:
    """Write the title on the left, its base on the right, and the key below."""
    y = UNDER + heading.title.count("\n") * TITLE_LINE
    write_pieces(ax, y, [(heading.title, INK)], size=TITLE, weight="bold")
    write_pieces(ax, UNDER, [(heading.base, MUTED)], right=True, size=SMALL)
    for n, line in enumerate(heading.key):
        write_pieces(ax, y + 4 + LINE * (n + 1), line, size=SMALL, gaps=_KEY_GAPS)


def fit_notes(items: list[Item], room: float) -> Notes:
    """Break notes into lines that fit after their characters, if they have any."""
    beside = max((measure_width(c, SMALL, "bold") + 8 for c, *_ in items if c), default=0)
    fitted = [
        (c, colour, wrap_text(text, room - beside * bool(c), SMALL)) for c, colour, text in items
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
    ax, y, pieces, *, start=0.0, right=False, size=TEXT, gaps=(8,), weight="normal"
) -> None:
    """Write coloured texts on the baseline y, `start` from the left or up to the right edge."""
    widths = [
        measure_width(text, size, weight) + gaps[n % len(gaps)]
        for n, (text, _) in enumerate(pieces)
    ]
    for n, (text, colour) in enumerate(pieces):
        shift = -sum(widths[n + 1 :]) if right else start + sum(widths[:n])
        ax.annotate(
            text, (1 if right else 0, y), (shift, 0), xycoords=ax.get_yaxis_transform(),
            textcoords="offset points", ha="right" if right else "left", va="baseline",
            color=colour, size=size, weight=weight, linespacing=1.25,
        )  # fmt: skip


def draw_bar(
    sheet: Sheet, n: int, left: float, width: float, colour, hatched: bool = False
) -> None:
    """A part of row n's bar; one without a width leaves no mark."""
    if width > 0:
        look = {"hatch": "////", "edgecolor": BLUE} if hatched else {}
        y = sheet.tops[n] + BAR / 2
        sheet.ax.barh(y, width, BAR, left=left, facecolor=colour, linewidth=0, zorder=2, **look)


def draw_unknown(sheet: Sheet, n: int, width: float) -> None:
    """An empty dashed bar as long as the base: the true one may have any length."""
    look = {"facecolor": "none", "edgecolor": MUTED, "linestyle": (0, (4, 3)), "linewidth": 0.9}
    sheet.ax.barh(sheet.tops[n] + BAR / 2, width, BAR - 1, **look)


def draw_interval(ax: Axes, y: float, low: float, high: float, colour: str = INK) -> None:
    """A whisker, set off from the bar that it lies on; none where an end is not known."""
    if pd.notna(low) and pd.notna(high):
        look = {"color": colour, "lw": 1, "ms": 5, "zorder": 4, "clip_on": False}
        ax.plot([low, high], [y, y], "|-", path_effects=_HALO, **look)


def draw_nothing(ax: Axes | None, words: Words, title: str) -> Axes:
    """Say that there is nothing to draw."""
    heading = fit_heading(title, "", [], words, find_room(ax))
    ax = prepare_axes(ax, heading.height + LINE + 3)
    write_heading(ax, heading)
    write_pieces(ax, heading.height + 6, [(words.text("figure.nothing"), MUTED)])
    return ax


def leave_room_for_marks(sheet: Sheet, most: float, points: float = 8) -> None:
    """Count from 0 to the most, with so many points at each end for marks that stand there."""
    unit = (sheet.room - 2 * points) / most
    sheet.ax.set_xlim(-points / unit, (sheet.room - points) / unit)


@cache
def measure_width(text: str, size: float, weight: str = "normal") -> float:
    """Width of a line of text in points, of its outline's points: a curve lies between its own."""
    if not text.strip():
        return 0.0
    font = FontProperties(family=FONT, weight=weight)
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
    lines = [text]
    letters = int(len(text) * room / max(measure_width(text, size, weight), 1)) + 8  # may fit
    for n in range(letters, 4, -1):
        lines = textwrap.wrap(text, n, max_lines=at_most, placeholder=" …") or [""]
        if max(measure_width(line, size, weight) for line in lines) <= room:
            break
    return "\n".join(lines)
