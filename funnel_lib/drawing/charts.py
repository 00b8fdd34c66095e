"""Charts with numbers along both axes, and names beside their marks that never hide each other."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from funnel_lib.core.words import Words
from funnel_lib.drawing.canvas import (
    GREY,
    INK,
    LINE,
    MUTED,
    SMALL,
    measure_width,
    prepare_axes,
    wrap_text,
    write_pieces,
)

SMALL_LINE = 13  # points from a line of a small text to its next
DOT = 9  # width of a dot
# Costs of a place, in points that it might as well be farther off: one that hides a text or a dot
# or is outside; one on a line. Names beyond `MOST_COST` are better written below.
OVER, _TOUCHED, MOST_COST = 1000.0, 30, 50
_MOST_TICKS = 5
_BESIDE, _MOST_LINES = 130, 3  # points that a name beside its mark may be wide, and its lines
_SIGN = 16  # points from a sign of the foot to its text
# Where a name may stand around its dot: sides to the right and upwards, the best first, then how
# far off, in points; from `_FAR` on a line leads to the dot.
_SIDES = ((1, 1), (-1, 1), (1, -1), (-1, -1), (1, 0), (-1, 0), (0, 1), (0, -1))
_CLEAR = 18  # points that the diagonal's label keeps from dots
_DISTANCES, _FAR = (3, 7, 12, 18, 26, 36, 50, 70, 100, 140), 18


class Scale(NamedTuple):
    """The numbers along an axis from 0 to `end`, and how they are said."""

    ticks: np.ndarray
    end: float
    labels: list[str]


class Label(NamedTuple):
    """A name in lines that fit, and the room it takes in points."""

    text: str
    width: float
    height: float


class Box(NamedTuple):
    """The place of a chart, in points."""

    left: float
    top: float
    width: float
    height: float


Row = tuple[str, str, str]  # of the foot: a sign, its colour, and a text in lines that fit


def fit_name(name: str) -> str | None:
    """A name in lines that fit beside a mark, None where it is too long."""
    text = wrap_text(name, _BESIDE, SMALL)
    return text if text.count("\n") < _MOST_LINES else None


def measure_label(text: str) -> Label:
    """Measure a small text of one line or several."""
    lines = text.split("\n")
    width = max(measure_width(line, SMALL) for line in lines)
    return Label(text, width, SMALL_LINE * len(lines))


def scale_shares(highest: float, words: Words) -> Scale:
    """Shares from 0 to a round number above the highest, 100 % at the most."""
    step = find_step(min(highest, 1), 0.001)
    n = max(int(np.ceil(min(highest, 1) / step - 1e-9)), 1)
    ticks = np.arange(n + 1) * step
    return Scale(ticks, ticks[-1], [words.share(x, 0 if step >= 0.01 else 1) for x in ticks])


def find_step(largest: float, least: float) -> float:
    """A round step, so that `_MOST_TICKS` of them reach the largest number at least.

    >>> find_step(87, 1), find_step(0.23, 0.001)
    (20.0, 0.05)
    """
    tens = 10.0 ** np.arange(-4, 7)
    steps = np.round(np.outer(tens, (1, 2, 5)).ravel(), 6)
    return float(steps[(steps >= least) & (steps * _MOST_TICKS >= largest)][0])


def prepare_sheet(ax: Axes | None, height: float, room: float) -> Axes:
    """Axes that count points in both directions, downwards and to the right."""
    ax = prepare_axes(ax, height)
    ax.set_xlim(0, room)
    return ax


def fit_box(room: float, top: float, height: float, beside: float, across, up: Scale) -> Box:
    """The place of a chart that leaves room for the numbers and for what stands beside it."""
    left = max(measure_width(label, SMALL) for label in up.labels) + 6
    beyond = measure_width(across.labels[-1], SMALL) / 2 + 2  # of the last number below
    return Box(left, top, room - left - max(beside, beyond), height)


def open_chart(ax: Axes, box: Box, across: Scale, up: Scale) -> Axes:
    """Axes of their own for the numbers, in a place of `ax`."""
    room, bottom = ax.get_xlim()[1], ax.get_ylim()[0]
    low = 1 - (box.top + box.height) / bottom
    chart = ax.inset_axes((box.left / room, low, box.width / room, box.height / bottom))
    chart.set(xlim=(0, across.end), ylim=(0, up.end))
    chart.patch.set_visible(False)  # what `ax` holds there shows through
    look = {"color": MUTED, "size": SMALL}
    chart.set_xticks(across.ticks, across.labels, **look)
    chart.set_yticks(up.ticks, up.labels, **look)
    chart.tick_params(length=0, pad=4)
    chart.grid(axis="y", color=GREY, lw=0.5)
    chart.set_axisbelow(True)
    chart.spines[["top", "left", "right"]].set_visible(False)
    chart.spines["bottom"].set_color(MUTED)
    return chart


def move_apart(wanted: np.ndarray, heights: np.ndarray, top: float, bottom: float) -> np.ndarray:
    """Middles of labels near the wanted ones, given from the top down, so that none overlap.

    >>> move_apart(np.array([10.0, 12.0]), np.array([8.0, 8.0]), 0, 100).tolist()
    [10.0, 18.0]
    """
    middles = np.maximum(wanted, top + heights[0] / 2)
    for n in range(1, len(middles)):
        middles[n] = max(middles[n], middles[n - 1] + (heights[n - 1] + heights[n]) / 2)
    middles[-1] = min(middles[-1], bottom - heights[-1] / 2)
    for n in range(len(middles) - 2, -1, -1):
        middles[n] = min(middles[n], middles[n + 1] - (heights[n + 1] + heights[n]) / 2)
    return middles


def write_axis(ax: Axes, box: Box, text: str) -> None:
    """Say what the numbers below a chart are."""
    y = box.top + box.height + 2 * LINE
    ax.text(box.left + box.width, y, text, color=MUTED, size=SMALL, ha="right")


def fit_rows(rows: list[Row], room: float) -> list[Row]:
    """Break the texts of a foot into lines that fit after their signs."""
    fitted = []
    for sign, colour, text in rows:
        free = room - (_SIGN if sign else 0)
        fitted.append((sign, colour, wrap_text(text, free, SMALL)))
    return fitted


def measure_rows(rows: list[Row]) -> float:
    """How high is a foot, in points?"""
    return sum(SMALL_LINE * (text.count("\n") + 1) + 2 for *_, text in rows)


def write_rows(ax: Axes, top: float, rows: list[Row]) -> None:
    """Write a foot below `top`: signs in their colour, the texts beside them."""
    for sign, colour, text in rows:
        if sign:
            write_pieces(ax, top + SMALL_LINE, [(sign, colour)], size=SMALL, weight="bold")
        top += SMALL_LINE * (text.count("\n") + 1) + 2
        piece = [(text, INK if sign else colour)]
        write_pieces(ax, top - 2, piece, size=SMALL, start=_SIGN if sign else 0)


class Spot(NamedTuple):
    """Where a text stands, its middle in points from the lower left, and what the place costs."""

    label: Label
    x: float
    y: float
    cost: float
    align: str = "center"
    dot: tuple[float, float] | None = None  # where a line leads to

    @property
    def frame(self) -> np.ndarray:
        """Left, lower, right and upper edge."""
        wide, high = self.label.width / 2 + 2, self.label.height / 2
        return np.array([self.x - wide, self.y - high, self.x + wide, self.y + high])


def place_labels(
    dots: np.ndarray, labels: list[Label], marks: np.ndarray, bars: np.ndarray, box: Box
) -> list[Spot]:
    """Where do labels stand around their dots, one after the other, each where it costs least?

    Parameters
    ----------
    dots : (n_labels, 2) points from the lower left of the box
    labels : measured
    marks, bars : (n, 4) frames that labels must not hide, and those they shun as they do the
        diagonal
    box : the place of the chart

    Examples
    --------
    >>> nothing = np.empty((0, 4))
    >>> box = Box(0, 0, 200, 100)
    >>> spot, = place_labels(np.array([[50, 80]]), [Label("a", 6, 10)], nothing, nothing, box)
    >>> spot.x, spot.y  # to the right, above
    (56.0, 88.0)
    """
    spots: list[Spot] = []
    for (x, y), label in zip(dots, labels, strict=True):
        taken, found = _stack(marks, spots), []
        for distance, (right, up) in product(_DISTANCES, _SIDES):
            at_x = float(x + right * (distance + label.width / 2))
            at_y = float(y + up * (distance + label.height / 2))
            spot = Spot(label, at_x, at_y, 0.0, ("right", "center", "left")[right + 1])
            over = _is_over(spot.frame, taken).sum() + _is_outside(spot.frame, box)
            touched = _is_over(spot.frame, bars).sum() + _is_on_diagonal(spot.frame, box)
            cost = float(OVER * over + _TOUCHED * touched + distance)
            found.append(spot._replace(cost=cost, dot=(x, y) if distance >= _FAR else None))
        spots.append(min(found, key=lambda spot: spot.cost))
    return spots


def place_beside_diagonal(
    label: Label, spots: list[Spot], marks: np.ndarray, bars: np.ndarray, box: Box
) -> Spot | None:
    """Where does the label of the diagonal hide nothing? None where there is no such place.

    Parameters as in `place_labels`; `spots` are those taken.

    Examples
    --------
    >>> nothing = np.empty((0, 4))
    >>> spot = place_beside_diagonal(Label("a", 6, 10), [], nothing, nothing, Box(0, 0, 100, 100))
    >>> spot.x, spot.y
    (82.0, 94.0)
    """
    around = marks + np.array([-_CLEAR, -_CLEAR, _CLEAR, _CLEAR])  # it is no dot's name
    taken = _stack(np.vstack([around, bars]), spots)
    for share, side in product((0.94, 0.65, 0.5, 0.75, 0.35, 0.85, 0.2), (-1, 1)):
        y = share * box.height
        line = box.width / box.height * (y + side * label.height / 2)
        spot = Spot(label, line + side * (label.width / 2 + 4), y, 0.0)
        if not (_is_outside(spot.frame, box) or _is_over(spot.frame, taken).any()):
            return spot
    return None


def write_spot(chart: Axes, box: Box, spot: Spot, colour: str) -> None:
    """Write a text at its place, with a line to its dot where that is not near."""
    scale = np.array([chart.get_xlim()[1] / box.width, chart.get_ylim()[1] / box.height])
    x, y = np.array([spot.x, spot.y]) * scale
    if spot.dot is not None:
        to = np.array(spot.dot) * scale
        chart.plot([x, to[0]], [y, to[1]], color=colour, lw=0.6, zorder=1)
    halo = [withStroke(linewidth=2.5, foreground="white")]  # over the diagonal and the grid
    look = {"size": SMALL, "linespacing": 1.15, "multialignment": spot.align, "zorder": 3}
    text = chart.text(x, y, spot.label.text, color=colour, ha="center", va="center", **look)
    text.set_path_effects(halo)


def _stack(frames: np.ndarray, spots: list[Spot]) -> np.ndarray:
    return np.vstack([frames, *[spot.frame for spot in spots]])


def _is_over(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which of the others, (n, 4), does a frame overlap?"""
    return ((own[:2] < others[:, 2:]) & (own[2:] > others[:, :2])).all(axis=1)


def _is_outside(own: np.ndarray, box: Box) -> bool:
    return bool((own[:2] < 0).any() or own[2] > box.width or own[3] > box.height)


def _is_on_diagonal(own: np.ndarray, box: Box) -> bool:
    x, y = own[[0, 2]] / box.width, own[[1, 3]] / box.height
    return bool(x[0] < y[1] and y[0] < x[1])


CURVES, DOTS = 200, 270  # points that the curves and the dots are high


def write_segment_name(segment: str, words: Words, names: Mapping[str, str]) -> str:
    """The segment's name, as the beginning of a label."""
    name = words.value("name", names.get(segment, segment))
    return name[:1].upper() + name[1:]
