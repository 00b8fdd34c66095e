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
    title = f"{n}. {words.step(first['step'])}"
    if len(segments) > 1:
        title += f" · {name_segment(first['segment'], segments, words)}"
    told = [
        words.text(
            "sentence.hypothesis_now",
            n=first["n_decided"],
            share=words.share(first["share_now"]),
            reference=words.value("reference", first["reference"]),
            target=words.share(first["share_reference"]),
        ),
        words.text(
            "sentence.hypothesis_gain",
            won=words.number(first["step_won"], 1),
            gain=write_gain(first, words, part="step_"),
            month=write_gain(first, words, first["months"], "step_"),
        ),
    ]
    for lever, row in rows.set_index("lever").iterrows():
        key = "sentence.hypothesis_ask" if lever == "ask" else "sentence.hypothesis_help"
        told.append(words.text(key, n=row["n_lost"], gain=write_gain(row, words)))
    told.append(tell_plan(first, words))
    return render("card", title=title, told=told)
