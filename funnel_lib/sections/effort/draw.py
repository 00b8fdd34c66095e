"""Draw effort against money."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas
from funnel_lib.drawing.canvas import Item
from funnel_lib.drawing.looks import ACCENT, ASKED, GROUND, INK, MUTED, WENT_ON
from funnel_lib.sections.effort.count import ABOVE, BELOW, EVEN, UNSURE

# how effort stands to the money -> its colour, its text in the key
_EFFORT = {
    ABOVE: (ACCENT, "effort_above"),
    BELOW: (WENT_ON, "effort_below"),
    EVEN: (MUTED, "effort_even"),
    UNSURE: (MUTED, "effort_even"),
}
_FEWEST = 3  # segments that are drawn where effort and money do not differ: fewer are a sentence
# share -> its character beside its number, mark, text in the key, points below the bar's top
_SHARES = {
    "share_of_actions": ("●", "dot", "value_actions", 4),
    "share_of_amount": ("◆", "diamond", "value_amount", 13),
}


@canvas.in_style
def plot_effort(
    value_ranges: pd.DataFrame,
    words: Words,
    names: Mapping[str, str] | None = None,
) -> Axes | None:
    """Is managers' effort spent where the money comes from?

    A row a segment: its share of the managers' actions above its share of the money won, each with
    its 95 % interval; in the accent colour where effort is above the money beyond chance, blue
    where it is below. Of several currencies the one with most buyers is drawn, and the title names
    it. None with one segment, where money or actions are not known, and with two that do not
    differ beyond chance: the sentence says it.

    Parameters
    ----------
    value_ranges : what `effort.find_money_ranges` returns
    names : segment -> its name, as `paths.describe_segments` gives it; default the segment
    """
    judged = value_ranges.dropna(subset=["effort", "value"])
    currency = _choose_currency(value_ranges, judged)
    if currency is None:
        return None
    rows = judged[judged["currency"] == currency]
    is_sure = rows["effort"].isin([ABOVE, BELOW]).any()
    if not is_sure and rows["segment"].nunique() < _FEWEST:
        return None
    title = words.text("figure.value")
    if len(value_ranges["currency"].unique()) > 1:
        title += f" · {currency or words.text('sentence.no_currency')}"
    segments = {s: own.set_index("measure") for s, own in rows.groupby("segment", sort=False)}
    labels = [canvas.label_segment((names or {}).get(s, s), words) for s in segments]
    said = [[_say_share(own.loc[share], words) for share in _SHARES] for own in segments.values()]
    sheet = canvas.open_sheet(words, title, labels, said, _list_key(rows))
    canvas.leave_room_for_marks(sheet, max(rows[["value", "high"]].max().max(), 1e-6))
    for top, own in zip(sheet.tops, segments.values(), strict=True):
        for share, (_, mark, _, below) in _SHARES.items():
            _draw_share(sheet.ax, top + below, own.loc[share], mark)
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
    key = [(mark, INK, text) for _, mark, text, _ in _SHARES.values()]
    key += dict.fromkeys(
        ("bar", *_EFFORT[effort]) for effort in _EFFORT if effort in set(rows["effort"])
    )
    return [*key, ("span", INK, "span")] if rows["high"].notna().any() else key


def _say_share(row: pd.Series, words: Words) -> tuple[str, str]:
    character, *_ = _SHARES[row.name]
    return f"{character} {words.share(row['value'])}", _EFFORT[row["effort"]][0]


def _draw_share(ax: Axes, y: float, row: pd.Series, mark: str) -> None:
    colour = _EFFORT[row["effort"]][0]
    ax.plot([0, row["value"]], [y, y], color=ASKED, lw=1.5, zorder=1, clip_on=False)
    canvas.draw_interval(ax, y, row["low"], row["high"], colour)
    canvas.draw_mark(ax, row["value"], y, mark, colour, mec=GROUND)
