"""Draw effort against money."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing.canvas import (
    ACCENT,
    BLUE,
    GREY,
    INK,
    LINE,
    MUTED,
    SMALL,
    STYLE,
    draw_nothing,
    find_room,
    fit_heading,
    write_heading,
    write_pieces,
)
from funnel_lib.drawing.charts import (
    DOT,
    DOTS,
    MOST_COST,
    Box,
    Row,
    Spot,
    fit_box,
    fit_name,
    fit_rows,
    measure_label,
    measure_rows,
    open_chart,
    place_beside_diagonal,
    place_labels,
    prepare_sheet,
    scale_shares,
    write_axis,
    write_rows,
    write_segment_name,
    write_spot,
)
from funnel_lib.sections.effort.count import EFFORT_ABOVE, EFFORT_BELOW, EFFORT_EVEN, compare_effort

_EFFORT = {EFFORT_ABOVE: ACCENT, EFFORT_BELOW: BLUE, EFFORT_EVEN: MUTED}


def plot_value(
    value_ranges: pd.DataFrame,
    words: Words,
    ax: Axes | None = None,
    names: Mapping[str, str] | None = None,
) -> Axes:
    """Is managers' effort spent where the money comes from?

    Parameters
    ----------
    value_ranges : what `effort.find_value_ranges` returns
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
        box = fit_box(room, heading.height + LINE + 4, DOTS, 0, across, scale)
        texts = [write_segment_name(s, words, names or {}) for s in dots["segment"]]
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
