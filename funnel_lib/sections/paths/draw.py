"""Draw how many segments there are, and which steps come in which order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb

from funnel_lib.core.words import NOTHING, Words
from funnel_lib.drawing import canvas
from funnel_lib.drawing.canvas import Item, label_segment
from funnel_lib.drawing.looks import (
    ACCENT,
    BAR,
    BLUE,
    GREY,
    INK,
    LIGHT,
    LINE,
    MUTED,
    SMALL,
    SMALL_LINE,
    TEXT,
)

_ROW = 24  # points from one number of segments to the next
_MARK = 5.5  # width of the diamond

# Steps alternate between green and blue and darken: neighbours differ in hue, the others in
# lightness, so that 24 remain apart, to colour-blind readers too, and none resembles the accent.
_SHADES = [
    LinearSegmentedColormap.from_list("steps", colours)
    for colours in (
        ("#9fefb3", "#73c189", "#489660", "#1a6c3a", "#003e1a"),
        ("#cadeff", "#76b4fd", "#448acf", "#0062a0", "#00375e"),
    )
]
_MOST_PLACES, _PERCENTILE = 30, 95  # journeys are cut at the smaller of the two
_CELL = 36  # points that a place is wide at most
_DRAWN, _LOWEST, _HIGHEST = 520, 1.5, 12  # points: all rows together; one row at least, at most
_PANEL = 28  # points that a panel is high at least
_SQUARE = 13  # points from a square of the key to its name


@canvas.in_style
def plot_choice(table: pd.DataFrame, words: Words, ax: Axes | None = None) -> Axes:
    """How many segments are there, and what does each more explain?

    A bar a number of segments, as long as the square root of its gain, which stands beside it; to
    the left of the line, in grey, where one more costs more than it explains. The chosen number is
    blue and bold. A diamond, its number in the same colour, is the gain without such a segment.

    Parameters
    ----------
    table : a row a number of segments tried: `n_segments`; `gain`, by how many nats this many
        describe the log shorter than one fewer (missing in the first row); `null_gain`, the
        largest gain on logs simulated with one fewer (not finite where not simulated, or where
        no log gave another segment); `chosen`
    """
    title = words.text("figure.choice")
    if table.empty:
        return canvas.draw_nothing(ax, words, title)
    rows = [_read_choice(row, words) for row in table.to_dict("records")]
    said = ["figure.choice_base", "figure.choice_note"]
    is_measured = any(np.isfinite(row.gain) for row in rows)
    base, *notes = [words.text(key) for key in said] if is_measured else [""]
    room = canvas.find_room(ax)
    heading = canvas.fit_heading(title, base, _list_key(rows), words, room)
    notes = canvas.fit_notes([("", MUTED, note) for note in notes], room)
    bottom = heading.height + _ROW * len(rows)
    ax = canvas.prepare_axes(ax, bottom + notes.height + 6)
    canvas.write_heading(ax, heading)
    canvas.write_notes(ax, bottom + 2, notes)
    _draw_choices(ax, rows, heading.height, room)
    return ax


class _Choice(NamedTuple):
    """One number of segments as it is drawn: lengths are square roots, the sign kept."""

    label: str
    gain: float
    null: float
    said_gain: tuple[str, str]  # text and colour
    said_null: tuple[str, str]
    colour: str
    weight: str

    def width(self, *said: tuple[str, str]) -> float:
        """Room that texts of this row take, the space before each with them."""
        return sum(8 + canvas.measure_width(text, TEXT, self.weight) for text, _ in said if text)


def _read_choice(row: dict, words: Words) -> _Choice:
    """The marks and texts of a number of segments."""
    gain, null = (x if np.isfinite(x) else np.nan for x in (row["gain"], row["null_gain"]))
    colour = BLUE if row["chosen"] else GREY if gain < 0 else LIGHT
    ink = BLUE if row["chosen"] else INK if gain >= 0 else MUTED
    start = NOTHING if row["n_segments"] > 1 else words.text("figure.one_path")
    said = start if np.isnan(gain) else _write_nats(gain, words)
    said_null = "" if np.isnan(null) else _write_nats(null, words)
    label = words.text("figure.n_segments", n=row["n_segments"])
    roots = (float(np.sign(x) * np.sqrt(abs(x))) for x in (gain, null))
    weight = "bold" if row["chosen"] else "normal"
    return _Choice(label, *roots, (said, ink), (said_null, ACCENT), colour, weight)


def _write_nats(gain: float, words: Words) -> str:
    return words.number(gain).replace("-", "−")


def _list_key(rows: list[_Choice]) -> list[Item]:
    """What these rows need of a key."""
    drawn = {row.colour for row in rows if np.isfinite(row.gain) or row.colour == BLUE}
    names = {BLUE: "chosen", LIGHT: "gains", GREY: "costs"}
    key = [("■", colour, name) for colour, name in names.items() if colour in drawn]
    if any(row.said_null[0] for row in rows):
        key.append(("◆", ACCENT, "no_segment"))
    return key


def _draw_choices(ax: Axes, rows: list[_Choice], top: float, room: float) -> None:
    """Draw the rows below `top`, on a scale that leaves room for the numbers beside the marks."""
    marks = np.nan_to_num([(row.gain, row.null, 0) for row in rows])
    names = 12 + max(canvas.measure_width(row.label, TEXT, row.weight) for row in rows)
    texts = np.array([row.width(row.said_gain, row.said_null) for row in rows])
    reach = marks.max(axis=1) - marks.min()
    free = np.maximum(room - names - texts - 2 * _MARK, 20)
    points = min(free[reach > 0] / reach[reach > 0], default=1.0)  # of a root of a nat
    line = names - marks.min() * points  # where the gain is 0, in points from the left
    ax.set_xlim(-line / points, (room - line) / points)
    middles = top + _ROW * (np.arange(len(rows)) + 0.5)
    for row, y in zip(rows, middles, strict=True):
        _draw_choice(ax, row, y, line, points)
    gains = middles[[np.isfinite(row.gain) for row in rows]]
    if len(gains):
        ends = [gains[0] - _ROW / 2, gains[-1] + _ROW / 2]
        ax.plot([0, 0], ends, color=MUTED, lw=0.8, zorder=3)


def _draw_choice(ax: Axes, row: _Choice, y: float, line: float, points: float) -> None:
    """Draw one bar, its diamond and their numbers, each after its mark where there is room."""
    look = {"weight": row.weight}
    canvas.write_pieces(ax, y + 4, [(row.label, BLUE if row.weight == "bold" else INK)], **look)
    if np.isfinite(row.gain):
        ax.barh(y, row.gain, BAR, color=row.colour, linewidth=0, zorder=2)
    bar = points * max(0, np.nan_to_num(row.gain))
    after = line + bar + (6 if np.isfinite(row.gain) else 0)
    said = [row.said_gain]
    if np.isfinite(row.null):
        ax.plot(row.null, y, "D", color=ACCENT, mec="white", ms=_MARK, zorder=4)
        mark = points * max(0, row.null)
        if mark - bar > row.width(row.said_gain) + _MARK:  # room between bar and diamond
            canvas.write_pieces(ax, y + 4, said, start=after, **look)
            said = []
        said = [row.said_null, *said] if mark > bar else [*said, row.said_null]
        after = max(after, line + mark + 3 + _MARK)
    canvas.write_pieces(ax, y + 4, said, start=after, **look)


@canvas.in_style
def plot_sequences(
    table: pd.DataFrame, words: Words, ax: Axes | None = None, *, sale: str = ""
) -> Axes:
    """Which steps do the leads of each segment take, in which order?

    A panel a segment, in the table's order, as high as its rows ask for; a line a lead, a cell a
    step, empty after the last. Journeys are cut at 30 places, or where 95 % of them have ended, and
    the figure says so. Steps are coloured from light to dark in the reader's order, those that it
    does not know come last.

    Parameters
    ----------
    table : a row an event shown: `segment`; its `name`, a code that `words.value` writes out,
        or any text; `n_leads` in the segment; `row` of the picture within the segment, from 0;
        `position` in the journey, from 0; `step`. The rows are an even sample of the leads: some
        hundred altogether
    sale : the step in the accent colour
    """
    title, room = words.text("figure.sequences"), canvas.find_room(ax)
    if table.empty:
        return canvas.draw_nothing(ax, words, title)
    colours = _choose_colours(table["step"], words, sale)
    places, is_cut = _count_places(table)
    heading = canvas.fit_heading(title, _say_rows(table, words), [], words, room)
    key, below = _fit_steps(colours, words, heading.height + 4, room)
    panels, bottom = _fit_panels(table, words, below + 8, room)
    ax = canvas.prepare_axes(ax, bottom + 2 * LINE + 6)
    ax.set_xlim(0, max(places, room / _CELL))
    canvas.write_heading(ax, heading)
    for x, y, name, colour in key:
        canvas.write_pieces(ax, y, [("■", colour)], size=SMALL, start=x)
        y += SMALL_LINE * name.count("\n")
        canvas.write_pieces(ax, y, [(name, MUTED)], size=SMALL, start=x + _SQUARE)
    for panel in panels:
        _draw_panel(ax, panel, colours, places)
    _write_places(ax, places, is_cut, bottom, words)
    return ax


class _Panel(NamedTuple):
    """One segment's place on the figure, in points from the top, and its events."""

    title: str
    top: float
    height: float
    events: pd.DataFrame


def _choose_colours(steps: pd.Series, words: Words, sale: str) -> dict[str, str]:
    """The colour of each step that occurs, in the order of the reader's steps."""
    found = canvas.sort_steps(steps.unique(), words)
    others = [step for step in found if step != sale]
    shades = np.linspace(0, 1, max(len(others), 2))
    colours = {s: to_hex(_SHADES[n % 2](shades[n])) for n, s in enumerate(others)}
    return {step: colours.get(step, ACCENT) for step in found}


def _count_places(table: pd.DataFrame) -> tuple[int, bool]:
    """How many places of the journeys are drawn, and is any journey longer?"""
    lengths = table.groupby(["segment", "row"])["position"].max() + 1
    most = int(np.percentile(lengths, _PERCENTILE, method="higher"))
    places = min(_MOST_PLACES, most)
    return places, bool(lengths.max() > places)


def _say_rows(table: pd.DataFrame, words: Words) -> str:
    """What a row is, and of how many leads the rows are a sample."""
    n_rows = len(table.drop_duplicates(["segment", "row"]))
    n_leads = table.drop_duplicates("segment")["n_leads"].sum()
    if n_rows >= round(n_leads):
        return words.text("figure.row_is_lead")
    return words.text("figure.row_is_sample", rows=n_rows, n=n_leads)


def _fit_steps(colours: dict[str, str], words: Words, y: float, room: float):
    """Place the steps' names in columns from the baseline y: (x, y, name, colour), and the end."""
    names = [words.step(step) for step in colours]
    longest = max(canvas.measure_width(name, SMALL) for name in names)
    n_columns = int(np.clip(room // (longest + _SQUARE + 10), 2, 4))
    n_lines = -(-len(names) // n_columns)
    placed, ends = [], [y]
    for n, (name, colour) in enumerate(zip(names, colours.values(), strict=True)):
        if n % n_lines == 0:
            line = y
        x = n // n_lines * room / n_columns
        text = canvas.wrap_text(name, room / n_columns - _SQUARE - 8, SMALL)
        placed.append((x, line, text, colour))
        line += LINE * (text.count("\n") + 1)
        ends.append(line - LINE)
    return placed, max(ends)


def _fit_panels(table: pd.DataFrame, words: Words, y: float, room: float):
    """Place a panel a segment from y downwards: the panels, and where the last one ends."""
    n_rows = table.groupby("segment", sort=False)["row"].max() + 1
    points = np.clip(_DRAWN / n_rows.sum(), _LOWEST, _HIGHEST)
    panels = []
    for segment, events in table.groupby("segment", sort=False):
        name, n_leads = events[["name", "n_leads"]].iloc[0]
        leads = f" · {words.text('count.leads', n=n_leads)}"
        free = room - canvas.measure_width(leads, TEXT, "bold")
        name = label_segment(name, words)
        title = canvas.wrap_text(name, free, TEXT, "bold", at_most=3) + leads
        top = y + LINE * (title.count("\n") + 1) + 5
        height = max(_PANEL, points * n_rows[segment])
        panels.append(_Panel(title, top, height, events))
        y = top + height + 8
    return panels, y - 8


def _draw_panel(ax: Axes, panel: _Panel, colours: dict[str, str], places: int) -> None:
    """Draw the events as one image, a pixel an event: small, and sharp at any size."""
    canvas.write_pieces(ax, panel.top - 5, [(panel.title, INK)], weight="bold")
    cells = np.full((panel.events["row"].max() + 1, places, 3), 255, np.uint8)
    shown = panel.events[panel.events["position"] < places]
    shades = {step: np.round(255 * np.array(to_rgb(c))) for step, c in colours.items()}
    cells[shown["row"], shown["position"]] = np.reshape(
        [shades[step] for step in shown["step"]], (-1, 3)
    )
    extent = (0, places, panel.top + panel.height, panel.top)
    ax.imshow(cells, extent=extent, aspect="auto", interpolation="none", origin="upper")


def _write_places(ax: Axes, places: int, is_cut: bool, y: float, words: Words) -> None:
    """Number the places below the panels, and say if journeys go on."""
    ticks = range(1, places + 1) if places < 10 else [1, *range(5, places + 1, 5)]
    for n in ticks:
        ax.text(n - 0.5, y + 12, words.number(n), ha="center", color=MUTED, size=SMALL)
    below = y + 12 + LINE
    canvas.write_pieces(ax, below, [(words.text("figure.place"), MUTED)], size=SMALL)
    if is_cut:
        cut = words.text("figure.cut", n=places)
        canvas.write_pieces(ax, below, [(cut, INK)], right=True, size=SMALL)
