"""Charts with numbers along both axes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing.canvas import measure_width, wrap_text
from funnel_lib.drawing.looks import ASKED, LINE, MUTED, ROOM, SMALL, SMALL_LINE

_MOST_TICKS = 5
_BESIDE, _MOST_LINES = 130, 3  # points that a name beside its mark may be wide, and its lines


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


def fit_box(top: float, height: float, beside: float, across, up: Scale) -> Box:
    """The place of a chart that leaves room for the numbers and for what stands beside it."""
    left = max(measure_width(label, SMALL) for label in up.labels) + 6
    beyond = measure_width(across.labels[-1], SMALL) / 2 + 2  # of the last number below
    return Box(left, top, ROOM - left - max(beside, beyond), height)


def open_inset(ax: Axes, box: Box, **look) -> Axes:
    """Axes of their own in a place of `ax`."""
    bottom = ax.get_ylim()[0]
    place = (1 - (box.top + box.height) / bottom, box.width / ROOM, box.height / bottom)
    return ax.inset_axes((box.left / ROOM, *place), **look)


def open_chart(ax: Axes, box: Box, across: Scale, up: Scale, said_across: str) -> Axes:
    """Axes of their own for the numbers, in a place of `ax`, which says what those below are."""
    chart = open_inset(ax, box)
    chart.set(xlim=(0, across.end), ylim=(0, up.end))
    chart.patch.set_visible(False)  # what `ax` holds there shows through
    look = {"color": MUTED, "size": SMALL}
    chart.set_xticks(across.ticks, across.labels, **look)
    chart.set_yticks(up.ticks, up.labels, **look)
    chart.tick_params(length=0, pad=4)
    chart.grid(axis="y", color=ASKED, lw=0.5)
    chart.set_axisbelow(True)
    chart.spines[["top", "left", "right"]].set_visible(False)
    chart.spines["bottom"].set_color(MUTED)
    right, below = box.left + box.width, box.top + box.height
    ax.text(right, below + 2 * LINE, said_across, ha="right", **look)
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
