"""Show which journeys leads walk most."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.html import Html, render
from funnel_lib.core.words import NOTHING, Words
from funnel_lib.drawing.looks import OPEN, UNKNOWN, WENT_ON

_FEWEST = 2  # journeys: one is a sentence


def show_sequences(sequences: pd.DataFrame, words: Words) -> Html | None:
    """Which are the commonest journeys, how many leads walk each, and how many of them buy?

    A row a journey, of what `paths.list_sequences` returns: its steps, how many leads, the share
    that bought of those whose outcome is known, and a bar of those who bought, were lost, are open.
    None where there is one journey at the most.
    """
    if len(sequences) < _FEWEST:
        return None
    most = sequences["n_leads"].max()
    rows = []
    for row in sequences.to_dict("records"):
        lost = row["n_leads"] - row["n_won"] - row["n_open"]
        parts = ((row["n_won"], WENT_ON), (lost, UNKNOWN), (row["n_open"], OPEN))
        share = NOTHING if pd.isna(row["share_won"]) else words.percent(row["share_won"])
        rows.append({
            "steps": [words.step(step) for step in row["journey"].split(" > ")],
            "told": words.text("figure.journey", n=row["n_leads"], share=share),
            "parts": [(round(100 * n / most, 2), colour) for n, colour in parts if n > 0],
        })  # fmt: skip
    told = words.text(
        "figure.journeys", n=sequences["n_leads"].sum(), share=sequences["share_of_leads"].sum(),
        journeys=len(sequences),
    )  # fmt: skip
    key = [
        (WENT_ON, words.text("figure.bought")),
        (UNKNOWN, words.text("figure.lost")),
        (OPEN, words.text("figure.open")),
    ]
    return render("journeys", told=told, key=key, rows=rows)
