"""A card of HTML for each hypothesis."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.html import Html, render
from funnel_lib.core.words import Words
from funnel_lib.drawing.html import show_text
from funnel_lib.sections.hypotheses.tell import (
    list_beyond,
    tell_nothing,
    tell_plan,
    write_gains,
)

_LEVERS = {"ask": "sentence.hypothesis_ask", "help": "sentence.hypothesis_help"}


def show_hypotheses(
    hypotheses: pd.DataFrame, segments: pd.DataFrame, words: Words, most: int = 3
) -> Html:
    """Show the hypotheses with most at stake as cards, a step each: gain, levers, test.

    A step whose gain cannot be told, or is not beyond chance, has no card.
    """
    steps = [rows for _, rows in list_beyond(hypotheses).groupby("node", sort=False)][:most]
    if not steps:
        return show_text(tell_nothing(hypotheses, words))
    cards = [_write_card(n, rows, segments, words) for n, rows in enumerate(steps, 1)]
    return Html("".join(card.html for card in cards))


def _write_card(n: int, rows: pd.DataFrame, segments: pd.DataFrame, words: Words) -> Html:
    """Write one step's card: its levers are its rows."""
    first = rows.iloc[0]
    several = len(segments) > 1
    key = "sentence.hypothesis_title_in" if several else "sentence.hypothesis_title"
    told = []
    for lever, own in rows.groupby("lever", sort=False):
        row = own.iloc[0].to_dict() | {"n_decided": own["n_decided"].sum()}
        if lever == "help":
            told.append(words.text("sentence.hypothesis_now", **row))
        gain, monthly = (write_gains(own, words, months) for months in (1, row["months"]))
        told.append(words.text(_LEVERS[lever], gain=gain, monthly=monthly, **row))
    told.append(tell_plan(first, words))
    return render("card", title=words.text(key, n=n, **first), told=told)
