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
    cards = [_write_card(row, tables, words) for row in tables["segments"].itertuples()]
    return Html("".join(card.html for card in cards))


def _write_card(row, tables: dict[str, pd.DataFrame], words: Words) -> Html:
    """Write one segment's card."""
    name = words.value("name", row.name)
    facts = words.text(
        "sentence.card",
        n_leads=words.text("count.leads", n=row.n_leads),
        share=words.share(row.share_of_leads),
        won=words.share(row.share_won),
        span=words.span(row.low, row.high),
        unsure=row.n_undetermined,
    )
    told, mine = [], {n: t[t["segment"] == row.segment] for n, t in tables.items() if n in _OF_CARD}
    if "segment_paths" in mine:
        told += [tell_path(mine["segment_paths"], words)]
    for step in mine.get("segment_parting", pd.DataFrame({"last_step": []}))["last_step"].dropna():
        told.append(words.text("sentence.before_parting", step=words.step(step)))
    if len(mine.get("segment_traits", ())):
        told += [tell_traits(mine["segment_traits"], words)]
    for lead in mine.get("segment_examples", pd.DataFrame()).itertuples():
        journey = words.value("journey", lead.journey)
        told.append(words.text("sentence.card_example", lead=str(lead.lead_id), journey=journey))
    if row.trust:
        stability = words.share(row.stability, 0)
        trust = words.value("trust", row.trust)
        told.append(words.text("sentence.card_trust", trust=trust, stability=stability))
    title, steps = name[:1].upper() + name[1:], _list_steps(mine, words)
    return render("segment_card", title=title, facts=facts, steps=steps, told=told)


_OF_CARD = ("funnel", "segment_paths", "segment_parting", "segment_traits", "segment_examples")


def _list_steps(mine: dict[str, pd.DataFrame], words: Words) -> list[dict]:
    """List the path's steps, each with its share of those who entered, also as a whole percentage
    for its bar."""
    steps = mine["funnel"][mine["funnel"]["part"] == "before_sale"]
    optional = set()
    if "segment_paths" in mine:
        optional = set(mine["segment_paths"].query("is_optional")["step"])
    return [
        {
            "name": words.step(step),
            "share": words.text("figure.not_measurable") if pd.isna(x) else words.percent(x),
            "percent": 0 if pd.isna(x) else round(100 * x),
            "is_optional": step in optional,
        }
        for step, x in zip(steps["step"], steps["share_of_entered"], strict=True)
    ]
