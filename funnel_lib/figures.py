"""Figures of the tables: every number stands beside its bar, so that a phone is wide enough."""

from __future__ import annotations

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
    MUTED,
    STRIP,
    STYLE,
    TEXT,
    Picture,
    Sheet,
    draw_bar,
    draw_nothing,
    draw_unknown,
    measure_width,
    open_sheet,
    show_figure,
)
from funnel_lib.errors import InputError
from funnel_lib.labels import Words

# part of the lost leads -> colour of its bar, colour of a label on it
_ASKED = {"n_not_asked": (ACCENT, "white"), "n_asked": (BLUE, "white"), "n_unknown": (GREY, INK)}
# rule -> its sign in the key, marker, size, colour: nested, so that equal ones stay visible
_RULES = {
    "passed": ("●", "o", 10, BLUE),
    "ordered": ("◆", "D", 5.5, ACCENT),
    "any": ("○", "o", 13, INK),
}
_RULE_COLOURS = [colour for *_, colour in _RULES.values()]

_THIN = 0.005  # intervals of shares thinner than this (2 points) are not drawn


def plot_funnel(
    table: pd.DataFrame, words: Words, ax: Axes | None = None, *, title: str = ""
) -> Axes:
    """How many of the leads that entered reached each step before the sale?

    Parameters
    ----------
    table : what `funnels.count_funnel` returns, one segment
    words : the reader's language and the names of the steps
    ax : where to draw; by default a new figure as high as the steps need
    title : stands in place of the usual title, e.g. the name of the segment; three lines at most

    Returns
    -------
    Axes. A bar a step: those who reached it, hatched where they did so without evidence, then the
    leads still open before it (thin, grey) and the 95% interval (whisker). The biggest drop from
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
    return _plot_reached(
        table, words, ax, "before_sale", title or words.text("figure.funnel"), "share_axis"
    )


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
    return _plot_reached(
        table, words, ax, "after_sale", words.text("figure.after_sale"), "buyers_axis"
    )


def _plot_reached(table, words: Words, ax, part: str, title: str, base: str) -> Axes:
    rows = _one_segment(table)
    rows = rows[rows["part"] == part].reset_index(drop=True)
    entered = rows["n_entered"].max() if len(rows) else 0
    if not entered > 0:
        return draw_nothing(ax, words, title)
    counts = _counts(rows["n_reached"], rows["share_of_entered"], words)
    with mpl.rc_context(STYLE):
        base = words.text(f"figure.{base}", n=entered)
        sheet = open_sheet(ax, words, title, rows["step"], counts, _reached_key(rows), base)
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


def _draw_reached(sheet: Sheet, n: int, row) -> None:
    """Draw one step: with evidence, without, still open, and the interval."""
    if pd.isna(row.share_of_entered):
        draw_unknown(sheet, n, row.n_entered)
        return
    seen = row.n_reached - row.n_unseen
    draw_bar(sheet, n, 0, seen, BLUE)
    draw_bar(sheet, n, seen, row.n_unseen, LIGHT, hatched=True)
    if row.n_open > 0:
        strip = sheet.tops[n] + BAR - STRIP / 2
        sheet.ax.barh(strip, row.n_open, STRIP, left=row.n_reached, color=GREY, zorder=3)
    if row.high - row.low > _THIN:
        ends = np.array([row.low, row.high]) * row.n_entered
        middle = sheet.tops[n] + (BAR - STRIP) / 2
        sheet.ax.plot(ends, [middle, middle], "|-", color=INK, lw=1, ms=5, zorder=4)


def _find_drop(rows: pd.DataFrame) -> tuple[int, float] | None:
    """The row of the biggest drop between measurable steps, and how many stood before it."""
    reached = rows["n_reached"].where(rows["share_of_entered"].notna())
    before = reached.ffill().shift()
    drop = before - reached
    return (drop.idxmax(), before[drop.idxmax()]) if drop.max() >= 0.5 else None


def _draw_drop(sheet: Sheet, row: pd.Series, n: int, before: float, words: Words) -> None:
    """Draw the lost part of a bar in the accent colour; its label inside, or after all marks."""
    entered, reached = row["n_entered"], row["n_reached"]
    draw_bar(sheet, n, reached, before - reached, ACCENT)
    label = words.text("figure.drop", n=before - reached)
    width = measure_width(label, TEXT, "bold") + 8
    whisker = np.nanmax([reached, row["high"] * entered])
    look = {"va": "center_baseline", "zorder": 5, "weight": "bold"}
    y = sheet.tops[n] + (BAR - STRIP) / 2
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
        return draw_nothing(ax, words, words.text("figure.losses"))
    key = [("■", colour, name.removeprefix("n_")) for name, (colour, _) in _ASKED.items()]
    key = [part for part, name in zip(key, _ASKED, strict=True) if (rows[name] >= 0.5).any()]
    counts = _counts(rows["n_lost"], rows["share_of_lost"], words)
    with mpl.rc_context(STYLE):
        base = words.text("figure.leads_axis", n=total)
        sheet = open_sheet(
            ax, words, words.text("figure.losses"), rows["missed_step"], counts, key, base
        )
        _draw_stacks(sheet, rows, words)
    return sheet.ax


class _Part(NamedTuple):
    """One part of a stacked bar: its length, colours, label, and whether that fits inside."""

    n: float
    colour: str
    label_inside: str
    label: str
    fits: bool


def _draw_stacks(sheet: Sheet, rows: pd.DataFrame, words: Words) -> None:
    """Stack the parts of each bar; labels too wide for their part follow the bar's end."""
    longest = rows["n_lost"].max()
    points = 0.75 * sheet.room / longest  # a lead, at worst
    stacks = [_stack(row, points, words) for row in rows.to_dict("records")]
    beside = [
        sum(measure_width(p.label, TEXT) + 6 for p in stack if not p.fits) for stack in stacks
    ]
    room = 1 - np.array(beside) / sheet.room
    sheet.ax.set_xlim(0, max(longest, (rows["n_lost"] / room).max()))
    for n, stack in enumerate(stacks):
        _draw_stack(sheet, n, stack)


def _stack(row: dict, points: float, words: Words) -> list[_Part]:
    """The parts of one bar that are not empty; `points` is the length of a lead."""
    return [
        _Part(row[c], *look, label, measure_width(label, TEXT) + 6 <= row[c] * points)
        for c, look in _ASKED.items()
        if row[c] >= 0.5 and (label := words.number(row[c]))
    ]


def _draw_stack(sheet: Sheet, n: int, stack: list[_Part]) -> None:
    y, left = sheet.tops[n] + BAR / 2, 0.0
    for part in stack:
        draw_bar(sheet, n, left, part.n, part.colour)
        if part.fits:
            look = {"ha": "center", "va": "center_baseline", "color": part.label_inside}
            sheet.ax.text(left + part.n / 2, y, part.label, **look)
        left += part.n
    points = sheet.room / sheet.ax.get_xlim()[1]
    for part in stack:
        if not part.fits:
            colour = MUTED if part.colour == GREY else part.colour
            sheet.ax.text(left + 5 / points, y, part.label, va="center_baseline", color=colour)
            left += (measure_width(part.label, TEXT) + 6) / points


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
        return draw_nothing(ax, words, words.text("figure.rules"))
    steps = rows.drop_duplicates("position").set_index("position")["step"]
    reached = rows.pivot_table("n_reached", "position", "rule").loc[steps.index]
    counts = []
    for _, row in reached[list(_RULES)].iterrows():
        texts = [words.number(n) for n in row]
        same = len(set(texts)) == 1
        counts.append([(texts[0], INK)] if same else list(zip(texts, _RULE_COLOURS, strict=True)))
    key = [(mark, colour, rule) for rule, (mark, _, _, colour) in _RULES.items()]
    with mpl.rc_context(STYLE):
        sheet = open_sheet(ax, words, words.text("figure.rules"), steps, counts, key)
        points = (sheet.room - 16) / rows["n_reached"].max()  # 8 at each end for the marks
        sheet.ax.set_xlim(-8 / points, (sheet.room - 8) / points)
        for n, (_, row) in enumerate(reached.iterrows()):
            _draw_marks(sheet, n, row)
    return sheet.ax


def _draw_marks(sheet: Sheet, n: int, row: pd.Series) -> None:
    y = sheet.tops[n] + BAR / 2
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
        return draw_nothing(ax, words, words.text("figure.necessity"))
    told = rows["n_won_with_evidence"] * rows["self_reported_share"].fillna(0)
    key = [("■", BLUE, "shown"), ("▨", BLUE, "told")][: 2 if told.any() else 1]
    counts = _counts(rows["n_won_with_evidence"], rows["share"], words)
    with mpl.rc_context(STYLE):
        base = words.text("figure.buyers_axis", n=won)
        sheet = open_sheet(
            ax, words, words.text("figure.necessity"), rows["step"], counts, key, base
        )
        sheet.ax.set_xlim(0, won)
        for n, (shown, share) in enumerate(rows[["n_won_with_evidence", "share"]].to_numpy()):
            if pd.isna(share):
                draw_unknown(sheet, n, won)
            else:
                draw_bar(sheet, n, 0, shown - told.iloc[n], BLUE)
                draw_bar(sheet, n, shown - told.iloc[n], told.iloc[n], LIGHT, hatched=True)
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


def picture_pipeline(pipeline: pd.DataFrame, words: Words, rule: str = "passed") -> list[Picture]:
    """How far did the same deals come by the CRM's stages, and by what the client did?

    Parameters
    ----------
    pipeline : what `pipeline.count_pipeline` returns
    words : the reader's language
    rule : the counting rule

    Returns
    -------
    Two pictures, drawn as `plot_funnel` does, to stand side by side; none without stages

    Examples
    --------
    >>> picture_pipeline(pd.DataFrame({"story": [], "rule": []}), Words("en"))
    []
    """
    pictures = []
    for story, rows in pipeline[pipeline["rule"] == rule].groupby("story", sort=False):
        title = words.text(_STORIES[story])
        shares = rows[["step", "share_of_entered"]].to_numpy()
        alt = "; ".join(f"{words.step(step)} {words.share(share)}" for step, share in shares)
        pictures.append(show_figure(plot_funnel(rows, words, title=title), f"{title}: {alt}"))
    return pictures


_STORIES = {
    "stages": "figure.story_stages",
    "snapshot": "figure.story_snapshot",
    "steps": "figure.story_steps",
}
