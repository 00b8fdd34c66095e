"""Figures of time and money: who has bought by when, month by month; effort against money."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.canvas import (
    ACCENT,
    BAR,
    BLUE,
    GREY,
    INK,
    LIGHT,
    LINE,
    MUTED,
    SMALL,
    STYLE,
    TEXT,
    Sheet,
    draw_bar,
    draw_nothing,
    find_room,
    fit_heading,
    measure_width,
    prepare_axes,
    write_heading,
    write_pieces,
)
from funnel_lib.charts import (
    DOT,
    MOST_COST,
    Box,
    Label,
    Row,
    Scale,
    Spot,
    find_step,
    fit_box,
    fit_name,
    fit_rows,
    measure_label,
    measure_rows,
    move_apart,
    open_chart,
    place_beside_diagonal,
    place_labels,
    prepare_sheet,
    scale_shares,
    write_axis,
    write_rows,
    write_spot,
)
from funnel_lib.durations import FEW, find_last_day
from funnel_lib.labels import NOTHING, Words
from funnel_lib.value_findings import (
    EFFORT_ABOVE,
    EFFORT_BELOW,
    EFFORT_EVEN,
    compare_effort,
    say_within,
    write_month,
)

_CURVES, _DOTS = 200, 270  # points that the curves and the dots are high
_LOOKS = list(product(("-", "--", ":"), (BLUE, ACCENT, INK)))  # dash and colour of a curve
_MOST_BANDS = 3  # with more curves only the interval at their end is drawn
_MONTH, _MOST_MONTHS = 23, 24  # points from one month to the next; how many are drawn
_EFFORT = {EFFORT_ABOVE: ACCENT, EFFORT_BELOW: BLUE, EFFORT_EVEN: MUTED}


class _Curve(NamedTuple):
    """A curve as far as it is read: its rows of the table, name, dash and colour."""

    name: str
    rows: pd.DataFrame
    dash: str
    colour: str

    def say_end(self, words: Words) -> str:
        return words.share(self.rows["incidence"].iloc[-1])


def plot_times(
    times: pd.DataFrame,
    words: Words,
    ax: Axes | None = None,
    names: Mapping[str, str] | None = None,
) -> Axes:
    """By which day since entry has which share bought, and been lost?

    Parameters
    ----------
    times : what `durations.count_times` returns, of all leads or of all leads and their segments
    words : the reader's language
    ax : where to draw; by default a new figure as high as its texts need
    names : segment -> its name, as `portraits.describe_segments` gives it; default the segment

    Returns
    -------
    Axes. Of all leads alone: a curve of those who bought and one of the lost. Of several segments:
    a curve each of those who bought. Bands are 95% intervals of the day; of more than three curves
    only those at the end are drawn. A curve goes as far as `durations.find_last_day` reads it; its
    share there stands at its end, with its name, or with a number where the names do not fit: they
    follow below. Without a curve the figure says that there is nothing to draw.

    Examples
    --------
    >>> times = pd.DataFrame({"segment": "all", "target": "won", "day": [0, 1, 2], "low": 0.0,
    ...                       "incidence": [0.1, 0.2, 0.4], "high": 0.6, "n_at_risk": [99, 60, 20]})
    >>> ax = plot_times(times, Words("en"))
    >>> [t.get_text() for t in ax.texts if "40" in t.get_text()]
    ['won\\n40.0%']
    >>> ax.child_axes[0].lines[0].get_ydata().tolist()
    [0.1, 0.2, 0.4]
    """
    several = _list_segments(times)
    title = words.text("figure.times_segments") if several else words.text("figure.times")
    curves, left_out = _read_curves(times, several, words, names or {})
    if not curves:
        return draw_nothing(ax, words, title)
    room = find_room(ax)
    with mpl.rc_context(STYLE):
        sign = "■" if len(curves) <= _MOST_BANDS else "⊢⊣"
        key = [(sign, GREY if several else LIGHT, "span")]
        heading = fit_heading(title, words.text("figure.times_base"), key, words, room)
        labels, below = _label_curves(curves, words, room)
        foot = fit_rows(below + _note_times(left_out, words), room)
        top, days, shares = heading.height + 2, *_scale_times(curves, words)
        bottom = top + _CURVES + 2 * LINE + 3
        ax = prepare_sheet(ax, bottom + measure_rows(foot) + 6, room)
        write_heading(ax, heading)
        beside = max(label.width for label in labels) + 12
        box = fit_box(room, top, _CURVES, beside, days, shares)
        write_axis(ax, box, words.text("figure.times_axis"))
        _draw_curves(ax, open_chart(ax, box, days, shares), box, curves, labels)
        write_rows(ax, bottom, foot)
    return ax


def _list_segments(times: pd.DataFrame) -> list[str]:
    """The segments, where the table holds several beside all leads."""
    segments = [s for s in times["segment"].unique() if s != "all"]
    return segments if len(segments) > 1 else []


def _read_curves(times: pd.DataFrame, several: list[str], words: Words, names: Mapping):
    """The curves that can be read, from the highest end down, and the names of the others."""
    if several:
        wanted = [(s, "won", _call(s, words, names)) for s in several]
    else:
        segments = list(times["segment"].unique())
        one = "all" if "all" in segments or not segments else segments[0]
        wanted = [(one, t, words.value("status", t)) for t in ("won", "lost")]
    curves, left_out = [], []
    for n, (segment, target, name) in enumerate(wanted):
        rows = times[(times["segment"] == segment) & (times["target"] == target)]
        rows = rows[rows[["incidence", "low", "high"]].notna().all(axis=1)].sort_values("day")
        if len(rows) > 1:
            rows = rows.iloc[: find_last_day(rows["n_at_risk"].to_numpy()) + 1]
        if len(rows) > 1:
            curves.append(_Curve(name, rows, *_LOOKS[n % len(_LOOKS)]))
        else:
            left_out.append(name)
    return sorted(curves, key=lambda c: -c.rows["incidence"].iloc[-1]), left_out


def _call(segment: str, words: Words, names: Mapping[str, str]) -> str:
    """The segment's name, as the beginning of a label."""
    name = words.value("name", names.get(segment, segment))
    return name[:1].upper() + name[1:]


def _label_curves(curves: list[_Curve], words: Words, room: float):
    """What stands beside each curve's end; where names do not fit there, numbers, and them below.

    >>> curve = _Curve("Bought", pd.DataFrame({"incidence": [0.5]}), "-", BLUE)
    >>> _label_curves([curve], Words("en"), 400)[0][0].text
    'Bought\\n50.0%'
    """
    names = [fit_name(curve.name) for curve in curves]
    ends = [curve.say_end(words) for curve in curves]
    if None not in names:
        labels = [measure_label(f"{n}\n{end}") for n, end in zip(names, ends, strict=True)]
        if sum(label.height for label in labels) <= _CURVES:
            return labels, []
    below = [(str(n), curve.colour, curve.name) for n, curve in enumerate(curves, 1)]
    return [measure_label(f"{n} · {end}") for n, end in enumerate(ends, 1)], below


def _note_times(left_out: list[str], words: Words) -> list[Row]:
    """What stands below the curves: how far they go, and which are not drawn."""
    notes = [words.text("figure.times_note", few=FEW)]
    if left_out:
        notes.append(words.text("figure.times_few", names=", ".join(left_out)))
    return [("", MUTED, note) for note in notes]


def _scale_times(curves: list[_Curve], words: Words) -> tuple[Scale, Scale]:
    """The days and the shares that the curves reach."""
    last = max(curve.rows["day"].iloc[-1] for curve in curves)
    ticks = np.arange(0, last + 1e-9, find_step(last, 1))
    days = Scale(ticks, last, [words.number(day) for day in ticks])
    return days, scale_shares(max(curve.rows["high"].max() for curve in curves), words)


def _draw_curves(
    ax: Axes, chart: Axes, box: Box, curves: list[_Curve], labels: list[Label]
) -> None:
    """Draw the curves with their bands, and their labels beside them, moved apart."""
    (_, last), (_, highest) = chart.get_xlim(), chart.get_ylim()
    top, right = box.top, box.left + box.width
    ends = [curve.rows[["day", "incidence"]].iloc[-1] for curve in curves]
    wanted = np.array([top + box.height * (1 - end["incidence"] / highest) for end in ends])
    middles = move_apart(
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


def plot_cohorts(cohorts: pd.DataFrame, words: Words, ax: Axes | None = None) -> Axes:
    """Which share of each month's leads bought, and which months are too young to compare?

    Parameters
    ----------
    cohorts : what `durations.count_cohorts` returns
    words, ax : as in `plot_times`

    Returns
    -------
    Axes. A bar a month, at most the last 24: the share that bought in the time that stands beside
    the title, of how many that entered, and the 95% interval (whisker). Months whose leads have
    not had that time are hatched. Without a known share the figure says that there is nothing to
    draw.

    Examples
    --------
    >>> cohorts = pd.DataFrame({"month": ["2025-01"], "n_entered": 50, "horizon_days": 30,
    ...                         "share": 0.2, "low": 0.1, "high": 0.3, "is_mature": [True]})
    >>> [t.get_text() for t in plot_cohorts(cohorts, Words("en")).texts[-2:]]
    ['January 2025', '20.0% of 50']
    """
    title = words.text("figure.cohorts")
    if not cohorts["share"].notna().any():
        return draw_nothing(ax, words, title)
    rows = cohorts.sort_values("month").tail(_MOST_MONTHS).reset_index(drop=True)
    cut = [words.text("figure.last_months", n=len(rows))] * (len(cohorts) > len(rows))
    base = words.text("figure.cohorts_base", within=say_within(rows["horizon_days"].max(), words))
    names = [write_month(month, words) for month in rows["month"]]
    said = [_say_share(row, words) for row in rows.itertuples()]
    room = find_room(ax)
    with mpl.rc_context(STYLE):
        heading = fit_heading(title, base, _cohorts_key(rows), words, room)
        foot = fit_rows([("", MUTED, note) for note in cut], room)
        tops = heading.height + 2 + _MONTH * np.arange(len(rows))
        bottom = tops[-1] + _MONTH
        ax = prepare_axes(ax, bottom + measure_rows(foot))
        write_heading(ax, heading)
        left, right = (max(measure_width(t, TEXT) for t in texts) + 10 for texts in (names, said))
        points = (room - left - right) / max(rows[["share", "high"]].max().max(), 1e-6)
        ax.set_xlim(-left / points, (room - left) / points)
        sheet = Sheet(ax, room, tops)
        for n, row in enumerate(rows.itertuples()):
            _draw_month(sheet, n, row)
            write_pieces(ax, tops[n] + BAR - 3, [(names[n], INK if row.is_mature else MUTED)])
            write_pieces(ax, tops[n] + BAR - 3, [(said[n], INK if row.is_mature else MUTED)],
                         right=True)  # fmt: skip
        write_rows(ax, bottom, foot)
    return ax


def _say_share(row, words: Words) -> str:
    if pd.isna(row.share):
        return NOTHING
    return words.text("figure.cohort_share", share=words.share(row.share), n=row.n_entered)


def _cohorts_key(rows: pd.DataFrame) -> list[Row]:
    """The signs that these months need: sign, colour, word."""
    is_mature = rows["is_mature"].astype(bool)
    needed = {
        ("■", BLUE, "comparable"): is_mature.any(),
        ("▨", BLUE, "too_young"): (~is_mature).any(),
        ("⊢⊣", INK, "span"): rows["high"].notna().any(),
    }
    return [sign for sign, is_needed in needed.items() if is_needed]


def _draw_month(sheet: Sheet, n: int, row) -> None:
    """Draw a month's bar and its interval."""
    if pd.notna(row.share):
        draw_bar(sheet, n, 0, row.share, BLUE if row.is_mature else LIGHT, not row.is_mature)
    if pd.notna(row.low) and pd.notna(row.high):
        middle = sheet.tops[n] + BAR / 2
        sheet.ax.plot([row.low, row.high], [middle] * 2, "-", color="white", lw=2.4, zorder=4)
        sheet.ax.plot([row.low, row.high], [middle] * 2, "|-", color=INK, lw=1, ms=5, zorder=5)


def plot_value(
    value_ranges: pd.DataFrame,
    words: Words,
    ax: Axes | None = None,
    names: Mapping[str, str] | None = None,
) -> Axes:
    """Is managers' effort spent where the money comes from?

    Parameters
    ----------
    value_ranges : what `value.find_value_ranges` returns
    words, ax, names : as in `plot_times`

    Returns
    -------
    Axes. A dot a segment: its share of the managers' actions to the right, of the money won
    upwards, both with their 95% interval; on the dashed line they are equal. A dot is in the
    accent colour where effort is above the money beyond chance, blue where it is below. Of several
    currencies the one with most buyers is drawn, and the title names it. Names that do not fit
    beside their dots follow below. With one segment, or where money or actions are not known, the
    figure says that there is nothing to draw.

    Examples
    --------
    >>> ranges = pd.DataFrame({
    ...     "segment": ["s1", "s2"] * 2, "currency": "EUR",
    ...     "measure": ["share_of_actions"] * 2 + ["share_of_amount"] * 2,
    ...     "value": [0.7, 0.3, 0.4, 0.6], "low": [0.6, 0.2, 0.3, 0.5],
    ...     "high": [0.8, 0.4, 0.5, 0.7]})
    >>> ax = plot_value(ranges, Words("en"), names={"s1": "with meet", "s2": "without meet"})
    >>> [t.get_text() for t in ax.child_axes[0].texts]
    ['With the step “meet”', 'Without the step “meet”', 'money as effort']
    """
    if value_ranges.loc[value_ranges["segment"] != "all", "segment"].nunique() < 2:
        return draw_nothing(ax, words, words.text("figure.value_single"))
    pairs = compare_effort(value_ranges)
    currency = _choose_currency(value_ranges, pairs)
    if currency is None:
        return draw_nothing(ax, words, words.text("figure.value_unknown"))
    dots = pairs[pairs["currency"] == currency].reset_index(drop=True)
    title, room = words.text("figure.value"), find_room(ax)
    if len(value_ranges["currency"].unique()) > 1:
        title += f" · {currency or words.text('sentence.no_currency')}"
    with mpl.rc_context(STYLE):
        heading = fit_heading(title, "", _value_key(dots), words, room)
        reach = dots[["actions", "actions_high", "amount", "amount_high"]].max().max()
        scale = scale_shares(reach, words)
        across = scale._replace(labels=["", *scale.labels[1:]])  # 0 stands at the other axis
        box = fit_box(room, heading.height + LINE + 4, _DOTS, 0, across, scale)
        texts = [_call(s, words, names or {}) for s in dots["segment"]]
        spots, below = _place_names(dots, texts, scale.end, box, words)
        foot = fit_rows(below, room)
        bottom = box.top + box.height + 2 * LINE + 3
        ax = prepare_sheet(ax, bottom + measure_rows(foot) + 6, room)
        write_heading(ax, heading)
        write_pieces(ax, box.top - 8, [(words.text("figure.value_amount"), MUTED)], size=SMALL)
        write_axis(ax, box, words.text("figure.value_actions"))
        chart = open_chart(ax, box, across, scale)
        chart.plot([0, scale.end], [0, scale.end], "--", color=GREY, lw=1, zorder=1)
        for spot, colour in zip(spots, [*dots["effort"].map(_EFFORT), MUTED], strict=False):
            write_spot(chart, box, spot, colour)
        _draw_dots(chart, dots)
        write_rows(ax, bottom, foot)
    return ax


def _choose_currency(value_ranges: pd.DataFrame, pairs: pd.DataFrame) -> str | None:
    """Of the currencies with segments to compare the one with most buyers, the first by name."""
    counts = pairs["currency"].value_counts()
    known = sorted(counts.index[counts > 1])
    is_won = (value_ranges["measure"] == "n_won") & (value_ranges["segment"] == "all")
    won = value_ranges[is_won].drop_duplicates("currency").set_index("currency")["value"]
    return max(known, key=lambda currency: won.get(currency, 0), default=None)


def _value_key(dots: pd.DataFrame) -> list[Row]:
    """The signs that these dots need: sign, colour, word."""
    key = [("●", c, f"effort_{e}") for e, c in _EFFORT.items() if (dots["effort"] == e).any()]
    has_span = dots[["actions_high", "amount_high"]].notna().any().any()
    return [*key, ("⊢⊣", INK, "span")] if has_span else key


def _draw_dots(chart: Axes, dots: pd.DataFrame) -> None:
    for dot in dots.itertuples():
        look = {"color": _EFFORT[dot.effort], "clip_on": False}
        chart.plot([dot.actions_low, dot.actions_high], [dot.amount] * 2, lw=0.9, **look)
        chart.plot([dot.actions] * 2, [dot.amount_low, dot.amount_high], lw=0.9, **look)
        chart.plot(dot.actions, dot.amount, "o", ms=DOT, mec="white", zorder=4, **look)


def _place_names(dots: pd.DataFrame, names: list[str], end: float, box: Box, words: Words):
    """Where the names stand, and last the diagonal's; and what does not fit, for the foot below.

    A name hides no dot and no other name, and shuns the whiskers and the diagonal; where one
    cannot, numbers stand in place of all.
    """
    points = [
        dots[side].to_numpy(float) / end * (box.width if side in _ACROSS else box.height)
        for side in (*_ACROSS, *_UP)
    ]
    x, left, right, y, low, high = points
    half = DOT / 2
    marks = np.column_stack([x - half, y - half, x + half, y + half])
    bars = np.vstack([np.column_stack([left, y, right, y]), np.column_stack([x, low, x, high])])
    bars = bars[np.isfinite(bars).all(axis=1)]
    around = np.column_stack([x, y]), marks, bars, box
    fitted, spots, below = [fit_name(name) for name in names], [], []
    if None not in fitted:
        spots = _place_texts(fitted, *around)
    if not spots or max(spot.cost for spot in spots) > MOST_COST:
        numbers = [str(n) for n in range(1, len(names) + 1)]
        spots = _place_texts(numbers, *around)
        below = list(zip(numbers, dots["effort"].map(_EFFORT), names, strict=True))
    said = words.text("figure.value_diagonal")
    diagonal = place_beside_diagonal(measure_label(said), spots, marks, bars, box)
    if diagonal is None:
        return spots, [*below, ("╌", GREY, said)]
    return [*spots, diagonal], below


_ACROSS = ("actions", "actions_low", "actions_high")
_UP = ("amount", "amount_low", "amount_high")


def _place_texts(texts: list[str], dots, marks, bars, box: Box) -> list[Spot]:
    return place_labels(dots, [measure_label(text) for text in texts], marks, bars, box)
