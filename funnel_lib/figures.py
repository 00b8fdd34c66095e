"""Figures of the tables: every number stands beside its bar, so that a phone is wide enough."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

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

# part of the lost leads -> colour of its bar, colour of a label on it
_ASKED = {"n_not_asked": (ACCENT, "white"), "n_asked": (BLUE, "white"), "n_unknown": (GREY, INK)}
# rule -> its sign in the key, marker, size, colour: nested, so that equal ones stay visible
_RULES = {
    "passed": ("●", "o", 10, BLUE),
    "ordered": ("◆", "D", 5.5, ACCENT),
    "any": ("○", "o", 13, INK),
}
_RULE_COLOURS = [colour for *_, colour in _RULES.values()]

WIDTH = 5.6  # inches: shown at 400 px, a point is about a pixel
_PAD = 5  # points around the figure; lengths below are points too, and so is the y axis
_TEXT, _SMALL, _TITLE = 11, 10, 12.5
_LINE, _BAR, _STRIP, _GAP, _UNDER = 15, 15, 4, 9, 12  # _UNDER: from the top to a first baseline
_THIN = 0.005  # intervals of shares thinner than this (2 points) are not drawn
_FONT = "DejaVu Sans"  # comes with matplotlib, has Cyrillic: the same widths on every machine
_STYLE = {
    "font.family": [_FONT], "font.size": _TEXT, "text.color": INK, "text.parse_math": False,
    "text.usetex": False, "hatch.linewidth": 0.8, "figure.facecolor": "white",
    "axes.facecolor": "white", "svg.hashsalt": "funnel_lib", "svg.fonttype": "path",
}  # fmt: skip
# no date, and no addresses that would look like outside requests
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))


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
        ax.figure.savefig(drawing, format="svg", metadata=_NO_METADATA)
    svg = drawing.getvalue()
    return Picture(svg[svg.index("<svg") :], alt)  # without the prologue it may stand in a page


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
    counts = _counts(rows["n_reached"], rows["share_of_entered"], words)
    with mpl.rc_context(_STYLE):
        base = words.text(f"figure.{base}", n=entered)
        sheet = _open_sheet(ax, words, title, rows["step"], counts, _reached_key(rows), base)
        sheet.ax.set_xlim(0, entered)
        if drop := _find_drop(rows):
            _draw_drop(sheet, rows.loc[drop[0]], *drop, words)
        for n, row in enumerate(rows.itertuples()):
            _draw_reached(sheet, n, row)
    return sheet.ax


def _reached_key(rows: pd.DataFrame) -> list[tuple[str, str, str]]:
    """The signs that this funnel needs: sign, colour, word."""
    known = rows[rows["share_of_entered"].notna()]
    needed = {
        ("■", BLUE, "reached"): True,
        ("▨", BLUE, "unseen"): (known["n_unseen"] >= 0.5).any(),
        ("▬", GREY, "open"): (known["n_open"] >= 0.5).any(),
        ("⊢⊣", INK, "span"): (known["high"] - known["low"] > _THIN).any(),
    }
    return [sign for sign, is_needed in needed.items() if is_needed]


def _draw_reached(sheet: _Sheet, n: int, row) -> None:
    """Draw one step: with evidence, without, still open, and the interval."""
    if pd.isna(row.share_of_entered):
        _draw_unknown(sheet, n, row.n_entered)
        return
    seen = row.n_reached - row.n_unseen
    _bar(sheet, n, 0, seen, BLUE)
    _bar(sheet, n, seen, row.n_unseen, LIGHT, hatched=True)
    if row.n_open > 0:
        strip = sheet.tops[n] + _BAR - _STRIP / 2
        sheet.ax.barh(strip, row.n_open, _STRIP, left=row.n_reached, color=GREY, zorder=3)
    if row.high - row.low > _THIN:
        ends = np.array([row.low, row.high]) * row.n_entered
        middle = sheet.tops[n] + (_BAR - _STRIP) / 2
        sheet.ax.plot(ends, [middle, middle], "|-", color=INK, lw=1, ms=5, zorder=4)


def _find_drop(rows: pd.DataFrame) -> tuple[int, float] | None:
    """The row of the biggest drop between measurable steps, and how many stood before it."""
    reached = rows["n_reached"].where(rows["share_of_entered"].notna())
    before = reached.ffill().shift()
    drop = before - reached
    return (drop.idxmax(), before[drop.idxmax()]) if drop.max() >= 0.5 else None


def _draw_drop(sheet: _Sheet, row: pd.Series, n: int, before: float, words: Words) -> None:
    """Draw the lost part of a bar in the accent colour; its label inside, or after all marks."""
    entered, reached = row["n_entered"], row["n_reached"]
    _bar(sheet, n, reached, before - reached, ACCENT)
    label = words.text("figure.drop", n=before - reached)
    width = _width(label, _TEXT, "bold") + 8
    whisker = np.nanmax([reached, row["high"] * entered])
    look = {"va": "center_baseline", "zorder": 5, "weight": "bold"}
    y = sheet.tops[n] + (_BAR - _STRIP) / 2
    if (before - whisker) / entered * sheet.room > width:
        x = before - 4 * entered / sheet.room
        sheet.ax.text(x, y, label, color="white", ha="right", **look)
        return
    end = max(before, reached + row["n_open"], whisker)
    longest = max(entered, end * sheet.room / (sheet.room - width))
    sheet.ax.set_xlim(0, longest)
    sheet.ax.text(end + 4 * longest / sheet.room, y, label, color=ACCENT, **look)


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
    key = [part for part, name in zip(key, _ASKED, strict=True) if (rows[name] >= 0.5).any()]
    counts = _counts(rows["n_lost"], rows["share_of_lost"], words)
    with mpl.rc_context(_STYLE):
        base = words.text("figure.leads_axis", n=total)
        sheet = _open_sheet(ax, words, "losses", rows["missed_step"], counts, key, base)
        _draw_stacks(sheet, rows, words)
    return sheet.ax


class _Part(NamedTuple):
    """One part of a stacked bar: its length, colours, label, and whether that fits inside."""

    n: float
    colour: str
    label_inside: str
    label: str
    fits: bool


def _draw_stacks(sheet: _Sheet, rows: pd.DataFrame, words: Words) -> None:
    """Stack the parts of each bar; labels too wide for their part follow the bar's end."""
    longest = rows["n_lost"].max()
    points = 0.75 * sheet.room / longest  # a lead, at worst
    stacks = [_stack(row, points, words) for row in rows.to_dict("records")]
    beside = [sum(_width(p.label, _TEXT) + 6 for p in stack if not p.fits) for stack in stacks]
    room = 1 - np.array(beside) / sheet.room
    sheet.ax.set_xlim(0, max(longest, (rows["n_lost"] / room).max()))
    for n, stack in enumerate(stacks):
        _draw_stack(sheet, n, stack)


def _stack(row: dict, points: float, words: Words) -> list[_Part]:
    """The parts of one bar that are not empty; `points` is the length of a lead."""
    return [
        _Part(row[c], *look, label, _width(label, _TEXT) + 6 <= row[c] * points)
        for c, look in _ASKED.items()
        if row[c] >= 0.5 and (label := words.number(row[c]))
    ]


def _draw_stack(sheet: _Sheet, n: int, stack: list[_Part]) -> None:
    y, left = sheet.tops[n] + _BAR / 2, 0.0
    for part in stack:
        _bar(sheet, n, left, part.n, part.colour)
        if part.fits:
            look = {"ha": "center", "va": "center_baseline", "color": part.label_inside}
            sheet.ax.text(left + part.n / 2, y, part.label, **look)
        left += part.n
    points = sheet.room / sheet.ax.get_xlim()[1]
    for part in stack:
        if not part.fits:
            colour = MUTED if part.colour == GREY else part.colour
            sheet.ax.text(left + 5 / points, y, part.label, va="center_baseline", color=colour)
            left += (_width(part.label, _TEXT) + 6) / points


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
        points = (sheet.room - 16) / rows["n_reached"].max()  # 8 at each end for the marks
        sheet.ax.set_xlim(-8 / points, (sheet.room - 8) / points)
        for n, (_, row) in enumerate(reached.iterrows()):
            _draw_marks(sheet, n, row)
    return sheet.ax


def _draw_marks(sheet: _Sheet, n: int, row: pd.Series) -> None:
    y = sheet.tops[n] + _BAR / 2
    sheet.ax.plot([0, row.max()], [y, y], color=GREY, lw=1.5, zorder=1)
    for order, (rule, (_, mark, size, colour)) in enumerate(_RULES.items(), 2):
        fill, edge = ("none", colour) if rule == "any" else (colour, "white")
        look = {"mfc": fill, "mec": edge, "ms": size, "zorder": order, "clip_on": False}
        sheet.ax.plot(row[rule], y, mark, label=rule, **look)


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
        wide, high = WIDTH * 72, height + 2 * _PAD
        figure = Figure(figsize=(wide / 72, high / 72))  # all is placed to the point: no layout
        ax = figure.add_axes((_PAD / wide, _PAD / high, 1 - 2 * _PAD / wide, height / high))
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
    tops = bottoms - _BAR - _GAP
    _write(ax, _UNDER, [(words.text(f"figure.{title}"), INK)], size=_TITLE, weight="bold")
    _write(ax, _UNDER, [(base, MUTED)], right=True, size=_SMALL)
    _write_key(ax, _UNDER + _LINE + 4, key, words)
    for name, line, top in zip(names, counts, tops, strict=True):
        _write(ax, top - 5, [(name, INK)])
        _write(ax, top - 5, line, right=True)
    return _Sheet(ax, room, tops)


def _write_key(ax: Axes, y: float, key, words: Words) -> None:
    """Explain the colours in one line of words, each after its sign."""
    pieces = []
    for sign, colour, name in key:
        pieces += [(sign, colour), (words.text(f"figure.{name}"), MUTED)]
    _write(ax, y, pieces, size=_SMALL, gaps=(4, 13))


def _write(ax, y, pieces, *, right=False, size=_TEXT, gaps=(8,), weight="normal") -> None:
    """Write coloured pieces of text on the baseline y, from the left or up to the right edge."""
    widths = [
        _width(text, size, weight) + gaps[n % len(gaps)] for n, (text, _) in enumerate(pieces)
    ]
    for n, (text, colour) in enumerate(pieces):
        shift = -sum(widths[n + 1 :]) if right else sum(widths[:n])
        ax.annotate(
            text, (1 if right else 0, y), (shift, 0), xycoords=ax.get_yaxis_transform(),
            textcoords="offset points", ha="right" if right else "left", va="baseline",
            color=colour, size=size, weight=weight, linespacing=1.25,
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
        ax = _prepare(ax, 3 * _LINE)
        _write(ax, _UNDER, [(words.text(f"figure.{title}"), INK)], size=_TITLE, weight="bold")
        _write(ax, _UNDER + _LINE + 6, [(words.text("figure.nothing"), MUTED)])
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
    at_most = int(len(text) * room / max(_width(text, _TEXT), 1)) + 8  # letters that may fit
    for n in range(at_most, 4, -1):
        lines = textwrap.wrap(text, n) or [""]
        if max(_width(line, _TEXT) for line in lines) <= room:
            break
    return "\n".join(lines)
