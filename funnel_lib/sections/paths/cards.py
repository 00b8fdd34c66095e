"""A card of HTML for each segment."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.html import Html, render
from funnel_lib.core.words import Words
from funnel_lib.sections.paths.tell import tell_path, tell_traits


def show_cards(tables: dict[str, pd.DataFrame], words: Words) -> Html:
    """Show each segment as a card: its path as a row of steps, size, buyers, trust, what it does.

    A step's bar is its share of those who entered; a dashed step is optional.
    """
    cards = [_write_card(row, tables, words) for row in tables["segments"].to_dict("records")]
    return Html("".join(card.html for card in cards))


def _write_card(row: dict, tables: dict[str, pd.DataFrame], words: Words) -> Html:
    """Write one segment's card."""
    mine = {n: t[t["segment"] == row["segment"]] for n, t in tables.items() if n in _OF_CARD}
    name, traits = words.value("name", row["name"]), mine["segment_traits"]
    parting = mine["segment_parting"].dropna(subset="last_step").to_dict("records")
    examples = mine["segment_examples"].to_dict("records")
    told = [
        tell_path(mine["segment_paths"], words),
        *(words.text("sentence.before_parting", **step) for step in parting),
        *([tell_traits(traits, words)] if len(traits) else []),
        *(words.text("sentence.card_example", **lead) for lead in examples),
        *([words.text("sentence.card_trust", **row)] if row["trust"] else []),
    ]
    return render(
        "segment_card",
        title=name[:1].upper() + name[1:],
        facts=words.text("sentence.card", **row),
        steps=_list_steps(mine["funnel"], mine["segment_paths"], words),
        told=told,
    )


_OF_CARD = ("funnel", "segment_paths", "segment_parting", "segment_traits", "segment_examples")


def _list_steps(funnel: pd.DataFrame, path_steps: pd.DataFrame, words: Words) -> list[dict]:
    """List the path's steps, each with its share of those who entered, also as a whole percentage
    for its bar."""
    steps = funnel[funnel["part"] == "before_sale"]
    optional = set(path_steps.query("is_optional")["step"])
    return [
        {
            "name": words.step(step),
            "share": words.text("figure.not_measurable") if pd.isna(x) else words.percent(x),
            "percent": 0 if pd.isna(x) else round(100 * x),
            "is_optional": step in optional,
        }
        for step, x in zip(steps["step"], steps["share_of_entered"], strict=True)
    ]
