"""Draw shares by day, and months of entry."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import NOTHING, Words
from funnel_lib.drawing import canvas, charts
from funnel_lib.drawing.canvas import Item, Note
from funnel_lib.drawing.charts import Box, Label, Scale
from funnel_lib.drawing.looks import (
    ASKED,
    BAR,
    CHART,
    INK,
    LINE,
    MUTED,
    ROOM,
    SMALL,
    TEXT,
    WENT_ON,
)
from funnel_lib.stats.incidence import FEW, find_last_day

# Dash and colour of a curve: all are of those who bought, so that they share its hue.
_LOOKS = list(product(("-", "--", ":"), (WENT_ON, "#3878ab", INK)))
_LOST = ("--", MUTED)
_MOST_BANDS = 3  # with more curves only the interval at their end is drawn
_MONTH, _MOST_MONTHS = 21, 24  # points from one month to the next; how many are drawn
_FEWEST_MONTHS = 2  # one is a sentence


class _Curve(NamedTuple):
    """A curve as far as it is read: its rows of the table, name, dash and colour."""

    name: str
    rows: pd.DataFrame
    dash: str
    colour: str

    def say_end(self, words: Words) -> str:
        return words.share(self.rows["incidence"].iloc[-1])


@canvas.in_style
def plot_times(
    times: pd.DataFrame,
    words: Words,
    names: Mapping[str, str] | None = None,
) -> Axes | None:
    """By which day since entry has which share bought, and been lost?

    Of all leads alone: a curve of those who bought and one of the lost. Of several segments: a
    curve each of those who bought. Bands are 95 % intervals of the day; of more than three curves
    only those at the end are drawn. A curve goes as far as `incidence.find_last_day` reads it; its
    share there stands at its end, with its name, or with a number where the names do not fit: they
    follow below. None without a curve.

    Parameters
    ----------
    times : what `times.count_times` returns, of all leads or of all leads and their segments
    names : segment -> its name, as `paths.describe_segments` gives it; default the segment
    """
    several = _list_segments(times)
    title = words.text("figure.times_segments") if several else words.text("figure.times")
    curves, left_out = _read_curves(times, several, words, names or {})
    if not curves:
        return None
    key = [("bar", ASKED, "span") if len(curves) <= _MOST_BANDS else ("span", INK, "span")]
    heading = canvas.fit_heading(title, words.text("figure.times_base"), key, words)
    labels, below = _label_curves(curves, words)
    notes = canvas.fit_notes(below + _note_times(left_out, words))
    top, days, shares = heading.height + 2, *_scale_times(curves, words)
    bottom = top + CHART + 2 * LINE + 3
    ax = canvas.open_axes(bottom + notes.height + 6, heading)
    canvas.write_notes(ax, bottom, notes)
    box = charts.fit_box(top, CHART, max(n.width for n in labels) + 12, days, shares)
    chart = charts.open_chart(ax, box, days, shares, words.text("figure.times_axis"))
    _draw_curves(ax, chart, box, curves, labels)
    return ax


def _list_segments(times: pd.DataFrame) -> list[str]:
    """The segments, where the table holds several beside all leads."""
    segments = [s for s in times["segment"].unique() if s != "all"]
    return segments if len(segments) > 1 else []


def _read_curves(times: pd.DataFrame, several: list[str], words: Words, names: Mapping):
    """The curves that can be read, from the highest end down, and the names of the others."""
    if several:
        wanted = [(s, "won", canvas.label_segment(names.get(s, s), words)) for s in several]
    else:
        segments = list(times["segment"].unique())
        one = "all" if "all" in segments or not segments else segments[0]
        wanted = [(one, t, words.value("target", t)) for t in ("won", "lost")]
    curves, left_out = [], []
    for n, (segment, target, name) in enumerate(wanted):
        rows = times[(times["segment"] == segment) & (times["target"] == target)]
        rows = rows[rows[["incidence", "low", "high"]].notna().all(axis=1)].sort_values("day")
        if len(rows) > 1:
            rows = rows.iloc[: find_last_day(rows["n_at_risk"].to_numpy()) + 1]
        if len(rows) > 1:
            look = _LOST if target == "lost" else _LOOKS[n % len(_LOOKS)]
            curves.append(_Curve(name, rows, *look))
        else:
            left_out.append(name)
    return sorted(curves, key=lambda c: -c.rows["incidence"].iloc[-1]), left_out


def _label_curves(curves: list[_Curve], words: Words):
    """What stands beside each curve's end; where names do not fit, numbers, and them below."""
    names = [charts.fit_name(curve.name) for curve in curves]
    ends = [curve.say_end(words) for curve in curves]
    if None not in names:
        labels = [charts.measure_label(f"{n}\n{end}") for n, end in zip(names, ends, strict=True)]
        if sum(label.height for label in labels) <= CHART:
            return labels, []
    below = [(str(n), curve.colour, curve.name) for n, curve in enumerate(curves, 1)]
    return [charts.measure_label(f"{n} · {end}") for n, end in enumerate(ends, 1)], below


def _note_times(left_out: list[str], words: Words) -> list[Note]:
    """What stands below the curves: how far they go, and which are not drawn."""
    notes = [words.text("figure.times_note", few=FEW)]
    if left_out:
        notes.append(words.text("figure.times_few", names=", ".join(left_out)))
    return [("", MUTED, note) for note in notes]


def _scale_times(curves: list[_Curve], words: Words) -> tuple[Scale, Scale]:
    """The days and the shares that the curves reach."""
    last = max(curve.rows["day"].iloc[-1] for curve in curves)
    ticks = np.arange(0, last + 1e-9, charts.find_step(last, 1))
    days = Scale(ticks, last, [words.number(day) for day in ticks])
    return days, charts.scale_shares(max(curve.rows["high"].max() for curve in curves), words)


def _draw_curves(
    ax: Axes, chart: Axes, box: Box, curves: list[_Curve], labels: list[Label]
) -> None:
    """Draw the curves with their bands, and their labels beside them, moved apart."""
    (_, last), (_, highest) = chart.get_xlim(), chart.get_ylim()
    top, right = box.top, box.left + box.width
    ends = [curve.rows[["day", "incidence"]].iloc[-1] for curve in curves]
    wanted = np.array([top + box.height * (1 - end["incidence"] / highest) for end in ends])
    middles = charts.move_apart(
        wanted, np.array([label.height for label in labels]), top, top + box.height
    )
    for curve, end, y, to, label in zip(curves, ends, wanted, middles, labels, strict=True):
        day, low, high = (curve.rows[name] for name in ("day", "low", "high"))
        if len(curves) <= _MOST_BANDS:
            chart.fill_between(day, low, high, step="post", color=curve.colour, alpha=0.18, lw=0)
        else:
            span = [low.iloc[-1], high.iloc[-1]]
            chart.plot(
                [end["day"]] * 2, span, "_-", color=curve.colour, lw=0.9, ms=5, clip_on=False
            )
        chart.plot(
            day, curve.rows["incidence"], curve.dash, color=curve.colour, lw=1.8,
            drawstyle="steps-post", clip_on=False,
        )  # fmt: skip
        x = box.left + box.width * end["day"] / last
        ax.plot([x + 2, right + 6], [y, to], color=curve.colour, lw=0.6, alpha=0.6)
        look = {"va": "center", "color": curve.colour, "size": SMALL, "linespacing": 1.15}
        ax.text(right + 10, to, label.text, **look)


@canvas.in_style
def plot_cohorts(cohorts: pd.DataFrame, words: Words) -> Axes | None:
    """Which share of each month's leads bought, and which months are too young to compare?

    A row a month, at most the last 24: a dot at the share that bought in the time that stands
    beside the title, of how many that entered, and the 95 % interval (whisker). Months whose leads
    have not had that time are rings. A line stands at the mean of all the others' leads. None where
    fewer than two shares are known.
    """
    if cohorts["share"].notna().sum() < _FEWEST_MONTHS:
        return None
    rows = cohorts.sort_values("month").tail(_MOST_MONTHS).reset_index(drop=True)
    cut = [words.text("figure.last_months", n=len(rows))] * (len(cohorts) > len(rows))
    base = words.text("figure.cohorts_base", within=words.within(rows["horizon_days"].max()))
    names = [words.period(month) for month in rows["month"]]
    said, mean = [_say_share(row, words) for row in rows.itertuples()], _find_mean(rows)
    heading = canvas.fit_heading(words.text("figure.cohorts"), base, _list_key(rows), words)
    notes = canvas.fit_notes([("", MUTED, note) for note in cut])
    top = heading.height + (LINE if mean is not None else 2)
    tops = top + _MONTH * np.arange(len(rows))
    ax = canvas.open_axes(tops[-1] + _MONTH + notes.height, heading)
    canvas.write_notes(ax, tops[-1] + _MONTH, notes)
    left, right = (
        max(canvas.measure_width(text, TEXT) for text in texts) + 10 for texts in (names, said)
    )
    points = (ROOM - left - right) / max(rows[["share", "high"]].max().max(), 1e-6)
    ax.set_xlim(-left / points, (ROOM - left) / points)
    if mean is not None:
        _draw_mean(ax, mean, (top - 2, tops[-1] + _MONTH - 4), words)
    for n, row in enumerate(rows.itertuples()):
        colour, y = INK if row.is_mature else MUTED, tops[n] + BAR / 2
        canvas.write_pieces(ax, y + 4.5, [(names[n], colour)])
        canvas.write_pieces(ax, y + 4.5, [(said[n], colour)], end=ROOM)
        canvas.draw_interval(ax, y, row.low, row.high, colour)
        if pd.notna(row.share):
            mark = ("dot", WENT_ON) if row.is_mature else ("ring", MUTED)
            canvas.draw_mark(ax, row.share, y, *mark)
    return ax


def _say_share(row, words: Words) -> str:
    if pd.isna(row.share):
        return NOTHING
    return words.text("figure.cohort_share", share=words.share(row.share), n=row.n_entered)


def _find_mean(rows: pd.DataFrame) -> float | None:
    """The share of the leads of all months that can be compared, where there are several."""
    old = rows[rows["is_mature"].astype(bool) & rows["share"].notna()]
    if len(old) < _FEWEST_MONTHS:
        return None
    return float(np.average(old["share"], weights=old["n_entered"]))


def _draw_mean(ax: Axes, mean: float, ends: tuple[float, float], words: Words) -> None:
    """Draw a line through the months, and say above it which share it stands at."""
    ax.plot([mean, mean], ends, color=MUTED, lw=1, zorder=1, dashes=(3, 2))
    told = words.text("figure.cohorts_mean", share=mean)
    ax.text(mean, ends[0] - 3, told, ha="center", color=MUTED, size=SMALL)


def _list_key(rows: pd.DataFrame) -> list[Item]:
    """What these months need of a key."""
    is_mature, is_cut = (rows[c].astype(bool) for c in ("is_mature", "is_cut"))
    needed = {
        ("dot", WENT_ON, "bought"): is_mature.any(),
        ("ring", MUTED, "too_young"): (~is_mature & ~is_cut).any(),
        ("ring", MUTED, "cut_off"): is_cut.any(),
        ("span", INK, "span"): rows["high"].notna().any(),
    }
    return [item for item, is_needed in needed.items() if is_needed]
