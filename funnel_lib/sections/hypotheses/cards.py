"""A card of HTML for each hypothesis."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.html import Html, render
from funnel_lib.core.words import Words
from funnel_lib.drawing.html import show_text
from funnel_lib.sections.hypotheses.tell import (
    list_beyond,
    name_segment,
    tell_nothing,
    tell_plan,
    write_gain,
)


def show_hypotheses(
    hypotheses: pd.DataFrame, segments: pd.DataFrame, words: Words, most: int = 5
) -> Html:
    """Show the hypotheses with most at stake as cards, a step each: gain, levers, test.

    A step whose gain cannot be told, or is not beyond chance, has no card.
    """
    key = ["segment", "step", "currency"]
    steps = [rows for _, rows in list_beyond(hypotheses).groupby(key, sort=False)][:most]
    if not steps:
        return show_text(tell_nothing(hypotheses, words))
    cards = [_write_card(n, rows, segments, words) for n, rows in enumerate(steps, 1)]
    return Html("".join(card.html for card in cards))


def _write_card(n: int, rows: pd.DataFrame, segments: pd.DataFrame, words: Words) -> Html:
    """Write one step's card: its levers are its rows."""
    first = rows.iloc[0]
    several = len(segments) > 1
    title = words.text(
        "sentence.hypothesis_title_in" if several else "sentence.hypothesis_title",
        n=n,
        name=name_segment(first["segment"], segments),
        **first,
    )
    gain, monthly = (write_gain(first, words, months, "step_") for months in (1, first["months"]))
    told = [
        words.text("sentence.hypothesis_now", **first),
        words.text("sentence.hypothesis_gain", gain=gain, monthly=monthly, **first),
    ]
    for row in rows.to_dict("records"):
        is_ask = row["lever"] == "ask"
        key = "sentence.hypothesis_ask" if is_ask else "sentence.hypothesis_help"
        told.append(words.text(key, gain=write_gain(row, words), **row))
    told.append(tell_plan(first, words))
    return render("card", title=title, told=told)
