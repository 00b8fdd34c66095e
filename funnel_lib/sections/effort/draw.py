"""Draw effort against money."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas
from funnel_lib.drawing.canvas import Item
from funnel_lib.drawing.looks import ACCENT, BLUE, GREY, INK, MUTED
from funnel_lib.sections.effort.count import ABOVE, BELOW, EVEN, UNSURE

# how effort stands to the money -> its colour, its text in the key
_EFFORT = {
    ABOVE: (ACCENT, "effort_above"),
    BELOW: (BLUE, "effort_below"),
    EVEN: (MUTED, "effort_even"),
    UNSURE: (MUTED, "effort_even"),
}
# share -> its character in the key, marker, text in the key, how far below the bar's top it stands
_SHARES = {
    "share_of_actions": ("●", "o", "value_actions", 4),
    "share_of_amount": ("◆", "D", "value_amount", 13),
}


@canvas.in_style
def plot_effort(
    value_ranges: pd.DataFrame,
    words: Words,
    ax: Axes | None = None,
    names: Mapping[str, str] | None = None,
) -> Axes:
    """Is managers' effort spent where the money comes from?

    A row a segment: its share of the managers' actions above its share of the money won, each with
    its 95 % interval; in the accent colour where effort is above the money beyond chance, blue
    where it is below. Of several currencies the one with most buyers is drawn, and the title names
    it. With one segment, or where money or actions are not known, the figure says that there is
    nothing to draw.

    Parameters
    ----------
    value_ranges : what `effort.find_money_ranges` returns
    names : segment -> its name, as `paths.describe_segments` gives it; default the segment
    """
    if value_ranges.loc[value_ranges["segment"] != "all", "segment"].nunique() < 2:
        return canvas.draw_nothing(ax, words, words.text("figure.value_single"))
    judged = value_ranges.dropna(subset=["effort", "value"])
    currency = _choose_currency(value_ranges, judged)
    if currency is None:
        return canvas.draw_nothing(ax, words, words.text("figure.value_unknown"))
    rows = judged[judged["currency"] == currency]
    title = words.text("figure.value")
    if len(value_ranges["currency"].unique()) > 1:
        title += f" · {currency or words.text('sentence.no_currency')}"
    segments = {s: own.set_index("measure") for s, own in rows.groupby("segment", sort=False)}
    labels = [canvas.label_segment((names or {}).get(s, s), words) for s in segments]
    said = [[_say_share(own.loc[share], words) for share in _SHARES] for own in segments.values()]
    sheet = canvas.open_sheet(ax, words, title, labels, said, _list_key(rows))
    canvas.leave_room_for_marks(sheet, max(rows[["value", "high"]].max().max(), 1e-6))
    for top, own in zip(sheet.tops, segments.values(), strict=True):
        for share, (_, marker, _, below) in _SHARES.items():
            _draw_share(sheet.ax, top + below, own.loc[share], marker)
    return sheet.ax


def _choose_currency(value_ranges: pd.DataFrame, judged: pd.DataFrame) -> str | None:
    """Of the currencies with segments to compare the one with most buyers, the first by name."""
    counts = judged.groupby("currency")["segment"].nunique()
    is_won = (value_ranges["measure"] == "n_won") & (value_ranges["segment"] == "all")
    won = value_ranges[is_won].drop_duplicates("currency").set_index("currency")["value"]
    known = sorted(counts.index[counts > 1])
    return max(known, key=lambda currency: won.get(currency, 0), default=None)


def _list_key(rows: pd.DataFrame) -> list[Item]:
    """What these rows need of a key."""
    key = [(character, INK, text) for character, _, text, _ in _SHARES.values()]
    key += dict.fromkeys(
        ("■", *_EFFORT[effort]) for effort in _EFFORT if effort in set(rows["effort"])
    )
    return [*key, ("⊢⊣", INK, "span")] if rows["high"].notna().any() else key


def _say_share(row: pd.Series, words: Words) -> tuple[str, str]:
    character, *_ = _SHARES[row.name]
    return f"{character} {words.share(row['value'])}", _EFFORT[row["effort"]][0]


def _draw_share(ax: Axes, y: float, row: pd.Series, marker: str) -> None:
    colour = _EFFORT[row["effort"]][0]
    ax.plot([0, row["value"]], [y, y], color=GREY, lw=1.5, zorder=1, clip_on=False)
    canvas.draw_interval(ax, y, row["low"], row["high"], colour)
    ax.plot(row["value"], y, marker, color=colour, ms=8, mec="white", zorder=5, clip_on=False)
