"""Figures of the tables: every number stands beside its bar, so that a phone is wide enough."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from funnel_lib.errors import InputError
from funnel_lib.labels import Words

# Okabe and Ito's colours (https://jfly.uni-koeln.de/color/), the accent darkened until white text
# on it, and it on white, has a contrast above 4.5.
BLUE, LIGHT, ACCENT = "#0072b2", "#b5d7ee", "#b84a00"
GREY, INK, MUTED = "#b9bec4", "#1f2328", "#5b636b"

WIDTH = 5.6  # inches: shown at 400 px, a point is about a pixel
_PAD = 5  # points around the figure; lengths below are points too, and so is the y axis
_TEXT, _SMALL, _TITLE = 11, 10, 12.5
_LINE, _BAR, _STRIP, _GAP = 15, 15, 4, 9
_FONT = "DejaVu Sans"  # comes with matplotlib, has Cyrillic: the same widths on every machine
_STYLE = {
    "font.family": [_FONT], "font.size": _TEXT, "text.color": INK, "text.parse_math": False,
    "text.usetex": False, "hatch.linewidth": 0.8, "figure.facecolor": "white",
    "axes.facecolor": "white", "svg.hashsalt": "funnel_lib", "svg.fonttype": "path",
}  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """A finished figure that a notebook shows, with the words for those who cannot see it.

    Attributes
    ----------
    svg : the drawing, as SVG text
    alt : what it shows, in a sentence or two
    """

    svg: str = field(repr=False)
    alt: str

    def _repr_mimebundle_(self, include=None, exclude=None):
        kind = "image/svg+xml"
        return {kind: self.svg}, {kind: {"alt": self.alt}}


@dataclass(frozen=True)
class _Sheet:
    """Axes with the names written and the bars still to draw.

    Attributes
    ----------
    ax : its y axis counts points downwards
    room : width of the axes in points
    tops : upper edge of each row's bar, (n_rows,)
    """

    ax: Axes
    room: float
    tops: np.ndarray


def show_figure(ax: Axes, alt: str) -> Picture:
    """Turn a figure into a picture that a notebook shows, the same to the byte every time.

    Parameters
    ----------
    ax : the axes that a `plot_` function returned
    alt : what the figure shows, in words, e.g. the sentence of its table

    Raises
    ------
    ValueError
        The alternative text is empty.

    Examples
    --------
    >>> show_figure(Figure().subplots(), "An empty figure.")
    Picture(alt='An empty figure.')
    """
    if not alt.strip():
        raise ValueError("a figure needs an alternative text: say in words what it shows")
    drawing = io.StringIO()
    with mpl.rc_context(_STYLE):
        ax.figure.savefig(drawing, format="svg", metadata={"Date": None})
    return Picture(drawing.getvalue(), alt)


def plot_funnel(table: pd.DataFrame, words: Words, ax: Axes | None = None) -> Axes:
    """How many of the leads that entered reached each step before the sale?

    Parameters
    ----------
    table : what `funnels.count_funnel` returns, one segment
    words : the reader's language and the names of the steps
    ax : where to draw; by default a new figure as high as the steps need

    Returns
    -------
    Axes. A bar a step: those who reached it, hatched where they did so without evidence, then the
    leads still open before it (thin, grey) and the 95 % interval (whisker). The biggest drop from
    one measurable step to the next is in the accent colour. A step that is not measurable is an
    empty dashed bar, and says so. Without leads the figure says that there is nothing to draw.

    Raises
    ------
    InputError
        The table holds several segments.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "segment": "all", "step": ["ask", "pay"], "n_entered": 9.0, "n_reached": [9.0, 3.0],
    ...     "n_unseen": 0.0, "n_open": [0.0, 2.0], "share_of_entered": [1, 1 / 3],
    ...     "low": [0.7, 0.12], "high": [1.0, 0.65], "part": "before_sale"})
    >>> ax = plot_funnel(table, Words("en", {"ask": "Asked", "pay": "Paid"}))
    >>> [t.get_text() for t in ax.texts[-5:]]
    ['Asked', '9 · 100.0%', 'Paid', '3 · 33.3%', '−6']
    """
    return _plot_reached(table, words, ax, "before_sale", "funnel", "share_axis")


def plot_after_sale(table: pd.DataFrame, words: Words, ax: Axes | None = None) -> Axes:
    """How many of the buyers took each step after the sale?

    Parameters
    ----------
    table, words, ax : as in `plot_funnel`

    Returns
    -------
    Axes, drawn as in `plot_funnel`; the base is the won leads

    Raises
    ------
    InputError
        The table holds several segments.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "segment": "all", "step": ["launch"], "n_entered": 4.0, "n_reached": [3.0],
    ...     "n_unseen": 0.0, "n_open": 0.0, "share_of_entered": 0.75, "low": 0.3, "high": 0.95,
    ...     "part": "after_sale"})
    >>> plot_after_sale(table, Words("en")).texts[-1].get_text()
    '3 · 75.0%'
    """
    return _plot_reached(table, words, ax, "after_sale", "after_sale", "buyers_axis")


def _plot_reached(table, words: Words, ax, part: str, title: str, base: str) -> Axes:
    rows = _one_segment(table)
    rows = rows[rows["part"] == part].reset_index(drop=True)
    entered = rows["n_entered"].max() if len(rows) else 0
    if not entered > 0:
        return _draw_nothing(ax, words, title)
    key = [("■", BLUE, "reached"), ("▨", BLUE, "unseen"), ("━", GREY, "open"), ("├┤", INK, "span")]
    if not (rows["n_unseen"] > 0).any():
        del key[1]
    counts = _counts(rows["n_reached"], rows["share_of_entered"], words)
    with mpl.rc_context(_STYLE):
        sheet = _open_sheet(
            ax, words, title, rows["step"], counts, key, words.text(f"figure.{base}", n=entered)
        )
        drop = _find_drop(rows)
        label = words.text("figure.drop", n=drop[1] - drop[2]) if drop else ""
        reserve = _width(label, _TEXT) + 8 if drop else 0
        sheet.ax.set_xlim(0, entered * sheet.room / (sheet.room - reserve))
        for n, row in enumerate(rows.itertuples()):
            _draw_reached(sheet, n, row)
        if drop:
            _draw_drop(sheet, rows.loc[drop[0]], drop, label)
    return sheet.ax


def _draw_reached(sheet: _Sheet, n: int, row) -> None:
    """Draw one step: with evidence, without, still open, and the interval."""
    if pd.isna(row.share_of_entered):
        _draw_unknown(sheet, n, row.n_entered)
        return
    seen = row.n_reached - row.n_unseen
    _bar(sheet, n, 0, seen, BLUE)
    _bar(sheet, n, seen, row.n_unseen, LIGHT, hatched=True)
    strip = sheet.tops[n] + _BAR - _STRIP / 2
    sheet.ax.barh(strip, row.n_open, _STRIP, left=row.n_reached, color=GREY, zorder=3)
    if not pd.isna(row.low):
        ends = np.array([row.low, row.high]) * row.n_entered
        middle = sheet.tops[n] + (_BAR - _STRIP) / 2
        sheet.ax.plot(ends, [middle, middle], "|-", color=INK, lw=1, ms=5, zorder=4, clip_on=False)


def _find_drop(rows: pd.DataFrame) -> tuple[int, float, float] | None:
    """The row of the biggest drop between measurable steps, n before it and n at it."""
    reached = rows.loc[rows["share_of_entered"].notna(), "n_reached"]
    previous = reached.shift()
    drop = previous - reached
    if not drop.max() > 0:
        return None
    n = drop.idxmax()
    return n, previous[n], reached[n]


def _draw_drop(sheet: _Sheet, row: pd.Series, drop: tuple[int, float, float], label: str) -> None:
    """Draw the lost part of a bar in the accent colour, its label inside where it fits."""
    n, before, after = drop
    _bar(sheet, n, after, before - after, ACCENT)
    points = sheet.room / sheet.ax.get_xlim()[1]
    whisker = np.nanmax([after, row["high"] * row["n_entered"]])
    y = sheet.tops[n] + (_BAR - _STRIP) / 2
    if (before - whisker) * points > _width(label, _TEXT) + 8:
        x, look = before - 4 / points, {"color": "white", "ha": "right"}
    else:
        end = np.nanmax([before, after + row["n_open"], whisker])
        x, look = end + 4 / points, {"color": ACCENT, "ha": "left"}
    sheet.ax.text(x, y, label, va="center_baseline", zorder=5, weight="bold", **look)


def plot_losses(table: pd.DataFrame, words: Words, ax: Axes | None = None) -> Axes:
    """Before which step are leads lost, and was it ever proposed to them?

    Parameters
    ----------
    table : what `losses.count_losses` returns, one segment; currencies are added up
    words, ax : as in `plot_funnel`

    Returns
    -------
    Axes. A bar a step not taken, in the table's order: lost leads nobody asked (accent: the
    cheapest thing to change), those asked, those of whom it is not measurable. Steps where nobody
    is lost keep their row. Without lost leads the figure says that there is nothing to draw.

    Raises
    ------
    InputError
        The table holds several segments.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "segment": "all", "missed_step": ["pay"], "n_lost": [40.0], "n_asked": [10.0],
    ...     "n_not_asked": [30.0], "n_unknown": [0.0], "share_of_lost": [1.0], "currency": ["EUR"]})
    >>> [t.get_text() for t in plot_losses(table, Words("en")).texts[-4:]]
    ['pay', '40 · 100.0%', '30', '10']
    """
    columns = ["n_lost", *_ASKED, "share_of_lost"]
    rows = _one_segment(table).groupby("missed_step", sort=False)[columns].sum().reset_index()
    total = rows["n_lost"].sum()
    if not total > 0:
        return _draw_nothing(ax, words, "losses")
    key = [("■", colour, name.removeprefix("n_")) for name, (colour, _) in _ASKED.items()]
    key = [part for part, name in zip(key, _ASKED, strict=True) if rows[name].any()]
    counts = _counts(rows["n_lost"], rows["share_of_lost"], words)
    with mpl.rc_context(_STYLE):
        base = words.text("figure.leads_axis", n=total)
        sheet = _open_sheet(ax, words, "losses", rows["missed_step"], counts, key, base)
        _draw_stacks(sheet, rows, words)
    return sheet.ax


# part of the lost leads -> colour of its bar, colour of a count on it
_ASKED = {"n_not_asked": (ACCENT, "white"), "n_asked": (BLUE, "white"), "n_unknown": (GREY, INK)}


def _draw_stacks(sheet: _Sheet, rows: pd.DataFrame, words: Words) -> None:
    """Stack the parts of each bar; counts too wide for their part follow the bar's end."""
    longest = rows["n_lost"].max()
    least = 0.75 * sheet.room / longest  # points a lead, at worst
    beside = [
        [
            (words.number(row[part]), MUTED if part == "n_unknown" else colour)
            for part, (colour, _) in _ASKED.items()
            if row[part] > 0 and _width(words.number(row[part]), _TEXT) + 6 > row[part] * least
        ]
        for _, row in rows.iterrows()
    ]
    needed = [sum(_width(text, _TEXT) + 6 for text, _ in labels) for labels in beside]
    ends = rows["n_lost"] / longest
    share = min((sheet.room - w) / sheet.room / e for w, e in zip(needed, ends, strict=True) if e)
    sheet.ax.set_xlim(0, longest / min(1, share))
    for n, row in rows.iterrows():
        _draw_stack(sheet, n, row, beside[n], words)


def _draw_stack(sheet: _Sheet, n: int, row: pd.Series, beside: list, words: Words) -> None:
    points = sheet.room / sheet.ax.get_xlim()[1]
    y, left, outside = sheet.tops[n] + _BAR / 2, 0.0, [text for text, _ in beside]
    for part, (colour, on_it) in _ASKED.items():
        if not row[part] > 0:
            continue
        _bar(sheet, n, left, row[part], colour)
        text = words.number(row[part])
        if text not in outside:
            look = {"ha": "center", "va": "center_baseline", "color": on_it}
            sheet.ax.text(left + row[part] / 2, y, text, **look)
        left += row[part]
    for text, colour in beside:
        sheet.ax.text(left + 5 / points, y, text, va="center_baseline", color=colour)
        left += (_width(text, _TEXT) + 6) / points


def plot_rules(table: pd.DataFrame, words: Words, ax: Axes | None = None) -> Axes:
    """How far do the three counting rules differ at each step?

    Parameters
    ----------
    table : what `funnels.count_rules` returns, one segment
    words, ax : as in `plot_funnel`

    Returns
    -------
    Axes. A line a step with a mark for each rule; one number where the three agree, else three in
    the order of the key. Without leads the figure says that there is nothing to draw.

    Raises
    ------
    InputError
        The table holds several segments.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "segment": "all", "position": 1, "step": "pay", "rule": ["passed", "ordered", "any"],
    ...     "n_reached": [12.0, 9.0, 11.0]})
    >>> [t.get_text() for t in plot_rules(table, Words("en")).texts[-4:]]
    ['pay', '12', '9', '11']
    """
    rows = _one_segment(table)
    if not rows["n_reached"].max() > 0:
        return _draw_nothing(ax, words, "rules")
    steps = rows.drop_duplicates("position").set_index("position")["step"]
    reached = rows.pivot_table("n_reached", "position", "rule").loc[steps.index]
    counts = []
    for _, row in reached[list(_RULES)].iterrows():
        texts = [words.number(n) for n in row]
        same = len(set(texts)) == 1
        counts.append([(texts[0], INK)] if same else list(zip(texts, _RULE_COLOURS, strict=True)))
    key = [(mark, colour, rule) for rule, (mark, _, _, colour) in _RULES.items()]
    with mpl.rc_context(_STYLE):
        sheet = _open_sheet(ax, words, "rules", steps, counts, key)
        sheet.ax.set_xlim(0, rows["n_reached"].max() * sheet.room / (sheet.room - 14))
        for n, (_, row) in enumerate(reached.iterrows()):
            _draw_marks(sheet, n, row)
    return sheet.ax


# rule -> its sign in the key, marker, size, colour: nested, so that equal ones stay visible
_RULES = {
    "passed": ("●", "o", 10, BLUE),
    "ordered": ("◆", "D", 5.5, ACCENT),
    "any": ("○", "o", 13, INK),
}
_RULE_COLOURS = [colour for *_, colour in _RULES.values()]


def _draw_marks(sheet: _Sheet, n: int, row: pd.Series) -> None:
    y = sheet.tops[n] + _BAR / 2
    sheet.ax.plot([0, row.max()], [y, y], color=GREY, lw=1.5, zorder=1)
    for order, rule in enumerate(["passed", "ordered", "any"]):
        _, mark, size, colour = _RULES[rule]
        fill = "none" if rule == "any" else colour
        look = {"mfc": fill, "mec": colour if rule == "any" else "white", "ms": size}
        sheet.ax.plot(row[rule], y, mark, zorder=2 + order, clip_on=False, label=rule, **look)


def plot_necessity(table: pd.DataFrame, words: Words, ax: Axes | None = None) -> Axes:
    """Which share of the buyers shows each step, and how much of it is the manager's word?

    Parameters
    ----------
    table : what `losses.count_necessity` returns, one segment
    words, ax : as in `plot_funnel`

    Returns
    -------
    Axes. A bar a step: buyers with evidence of it, hatched where it is only self-reported. A step
    that is not measurable is an empty dashed bar, and says so. Without buyers the figure says that
    there is nothing to draw.

    Raises
    ------
    InputError
        The table holds several segments.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "segment": "all", "step": ["need"], "n_won": 8.0, "n_won_with_evidence": [6.0],
    ...     "share": [0.75], "self_reported_share": [0.5]})
    >>> plot_necessity(table, Words("en", {"need": "Stated the need"})).texts[-1].get_text()
    '6 · 75.0%'
    """
    rows = _one_segment(table)
    won = rows["n_won"].max() if len(rows) else 0
    if not won > 0:
        return _draw_nothing(ax, words, "necessity")
    told = rows["n_won_with_evidence"] * rows["self_reported_share"].fillna(0)
    key = [("■", BLUE, "shown"), ("▨", BLUE, "told")][: 2 if told.any() else 1]
    counts = _counts(rows["n_won_with_evidence"], rows["share"], words)
    with mpl.rc_context(_STYLE):
        base = words.text("figure.buyers_axis", n=won)
        sheet = _open_sheet(ax, words, "necessity", rows["step"], counts, key, base)
        sheet.ax.set_xlim(0, won)
        for n, (shown, share) in enumerate(rows[["n_won_with_evidence", "share"]].to_numpy()):
            if pd.isna(share):
                _draw_unknown(sheet, n, won)
            else:
                _bar(sheet, n, 0, shown - told.iloc[n], BLUE)
                _bar(sheet, n, shown - told.iloc[n], told.iloc[n], LIGHT, hatched=True)
    return sheet.ax


def _one_segment(table: pd.DataFrame) -> pd.DataFrame:
    """The table, if it speaks of one segment."""
    segments = list(table["segment"].unique())
    if len(segments) > 1:
        names = ", ".join(map(str, segments[:5]))
        raise InputError([
            f"the table holds {len(segments)} segments ({names}) and a figure shows one; "
            f"choose it: table[table['segment'] == {segments[0]!r}]"
        ])  # fmt: skip
    return table.reset_index(drop=True)


def _counts(n, share, words: Words) -> list[list[tuple[str, str]]]:
    """What stands at the right of each row: the count and its share, or "not measurable"."""
    unknown = [(words.text("figure.not_measurable"), MUTED)]
    return [
        unknown if pd.isna(s) else [(f"{words.number(k)} · {words.share(s)}", INK)]
        for k, s in zip(n, share, strict=True)
    ]


def _room(ax: Axes | None) -> float:
    """Width of the axes, or of those of a new figure, in points."""
    if ax is None:
        return WIDTH * 72 - 2 * _PAD
    return ax.get_position().width * ax.figure.get_figwidth() * 72


def _prepare(ax: Axes | None, height: float) -> Axes:
    """Empty axes whose y axis counts so many points downwards; by default in a figure to fit."""
    if ax is None:
        figure = Figure(figsize=(WIDTH, (height + 2 * _PAD) / 72), layout="constrained")
        figure.get_layout_engine().set(w_pad=_PAD / 72, h_pad=_PAD / 72)
        ax = figure.subplots()
    ax.axis("off")
    ax.set_ylim(height, 0)
    return ax


def _open_sheet(
    ax: Axes | None, words: Words, title: str, steps: Sequence[str], counts, key, base: str = ""
) -> _Sheet:
    """Write all that stands around the bars: title, key, names on the left, counts on the right."""
    room = _room(ax)
    free = [room - 12 - sum(_width(text, _TEXT) + 8 for text, _ in line) for line in counts]
    names = [_wrap(words.step(s), width) for s, width in zip(steps, free, strict=True)]
    heights = np.array([_LINE * (name.count("\n") + 1) + _BAR + _GAP for name in names])
    head = 2 * _LINE + 12
    bottoms = head + np.cumsum(heights)
    ax = _prepare(ax, bottoms[-1])
    _write(ax, 0, [(words.text(f"figure.{title}"), INK)], room, size=_TITLE, weight="bold")
    _write(ax, 1.5, [(base, MUTED)], room, right=True, size=_SMALL)
    _write_key(ax, _LINE + 5, key, words, room)
    for name, line, bottom, height in zip(names, counts, bottoms, heights, strict=True):
        _write(ax, bottom - height, [(name, INK)], room)
        _write(ax, bottom - height, line, room, right=True)
    return _Sheet(ax, room, bottoms - _BAR - _GAP)


def _write_key(ax: Axes, y: float, key, words: Words, room: float) -> None:
    """Explain the colours in one line of words, each after its sign."""
    pieces = []
    for sign, colour, name in key:
        pieces += [(sign, colour), (words.text(f"figure.{name}"), MUTED)]
    _write(ax, y, pieces, room, size=_SMALL, gaps=(4, 12))


def _write(ax, y, pieces, room, *, right=False, size=_TEXT, gaps=(8,), weight="normal") -> None:
    """Write coloured pieces of text one after the other, from the left or up to the right edge."""
    widths = [_width(text, size, weight) for text, _ in pieces]
    spaces = [gaps[n % len(gaps)] for n in range(len(pieces))]
    starts = np.concatenate([[0], np.cumsum(np.add(widths, spaces))])[:-1]
    shift = room - starts[-1] - widths[-1] if right else 0
    for (text, colour), start in zip(pieces, starts + shift, strict=True):
        ax.text(
            start / room, y, text, color=colour, size=size, weight=weight, va="top",
            transform=ax.get_yaxis_transform(), linespacing=1.1,
        )  # fmt: skip


def _bar(sheet: _Sheet, n: int, left: float, width: float, colour, hatched: bool = False) -> None:
    if width > 0:
        look = {"hatch": "////", "edgecolor": BLUE} if hatched else {}
        y = sheet.tops[n] + _BAR / 2
        sheet.ax.barh(y, width, _BAR, left=left, facecolor=colour, linewidth=0, zorder=2, **look)


def _draw_unknown(sheet: _Sheet, n: int, width: float) -> None:
    """An empty dashed bar as long as the base: the true one may have any length."""
    look = {"facecolor": "none", "edgecolor": MUTED, "linestyle": (0, (4, 3)), "linewidth": 0.9}
    sheet.ax.barh(sheet.tops[n] + _BAR / 2, width, _BAR - 1, **look)


def _draw_nothing(ax: Axes | None, words: Words, title: str) -> Axes:
    """Say that there is nothing to draw."""
    with mpl.rc_context(_STYLE):
        room, ax = _room(ax), _prepare(ax, 3 * _LINE)
        _write(ax, 0, [(words.text(f"figure.{title}"), INK)], room, size=_TITLE, weight="bold")
        _write(ax, _LINE + 8, [(words.text("figure.nothing"), MUTED)], room)
    return ax


@cache
def _width(text: str, size: float, weight: str = "normal") -> float:
    """Width of a line of text in points."""
    if not text.strip():
        return 0.0
    font = FontProperties(family=_FONT, weight=weight)
    return float(TextPath((0, 0), text, size=size, prop=font, usetex=False).get_extents().width)


def _wrap(text: str, room: float) -> str:
    """Break a text into lines no wider than `room` points, within words only where it must be.

    >>> _wrap("Согласовал условия договора", 120)
    'Согласовал условия\\nдоговора'
    """
    lines = [text]
    for n in range(len(text), 4, -1):
        lines = textwrap.wrap(text, n) or [""]
        if max(_width(line, _TEXT) for line in lines) <= room:
            break
    return "\n".join(lines)
