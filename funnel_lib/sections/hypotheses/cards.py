"""A card of HTML for each hypothesis."""

from __future__ import annotations

from html import escape

import pandas as pd

from funnel_lib.core.words import Words
from funnel_lib.drawing.html import CARD, Html, show_text
from funnel_lib.sections.hypotheses.tell import (
    list_beyond,
    name_segment,
    tell_gain,
    tell_nothing,
    tell_plan,
)


def show_hypotheses(
    hypotheses: pd.DataFrame, segments: pd.DataFrame, words: Words, most: int = 5
) -> Html:
    """Show the hypotheses with most at stake as cards, a step each: gain, levers, test.

    Parameters
    ----------
    hypotheses, segments : the audit's tables
    words : the reader's language
    most : how many cards

    Returns
    -------
    Html. A step whose gain cannot be told, or is not beyond chance, has no card.

    Examples
    --------
    >>> nothing = pd.DataFrame({"segment": [], "step": [], "currency": [], "extra_won": [],
    ...                         "low": []})
    >>> show_hypotheses(nothing, pd.DataFrame(), Words("en")).html[:48]
    '<p class="finding">What to change first cannot b'
    """
    key = ["segment", "step", "currency"]
    steps = [rows for _, rows in list_beyond(hypotheses).groupby(key, sort=False)][:most]
    if not steps:
        return show_text(tell_nothing(hypotheses, words))
    cards = [_hypothesis(n, rows, segments, words) for n, rows in enumerate(steps, 1)]
    return Html("".join(cards))


def _hypothesis(n: int, rows: pd.DataFrame, segments: pd.DataFrame, words: Words) -> str:
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
            gain=tell_gain(first, words, part="step_"),
            month=tell_gain(first, words, first["months"], "step_"),
        ),
    ]
    for lever, row in rows.set_index("lever").iterrows():
        key = "sentence.hypothesis_ask" if lever == "ask" else "sentence.hypothesis_help"
        told.append(words.text(key, n=row["n_lost"], gain=tell_gain(row, words)))
    told.append(tell_plan(first, words))
    told = "".join(f'<p style="margin:4px 0">{escape(t)}</p>' for t in told)
    return f'<section style="{CARD}"><h3 style="margin:0">{escape(title)}</h3>{told}</section>'
