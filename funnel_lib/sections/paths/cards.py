"""A card of HTML for each segment."""

from __future__ import annotations

from html import escape

import pandas as pd

from funnel_lib.core.words import Words
from funnel_lib.drawing.html import CARD, FLEX, Html
from funnel_lib.sections.paths.tell import tell_path, tell_traits


def show_cards(tables: dict[str, pd.DataFrame], words: Words) -> Html:
    """Show each segment as a card: its path as a row of steps, size, buyers, trust, what it does.

    A step's bar is its share of those who entered; a dashed step is optional. The styles stand in
    the HTML itself, so that a card looks the same in a notebook.
    """
    cards = [_write_card(row, tables, words) for row in tables["segments"].itertuples()]
    return Html("".join(cards))


def _write_card(row, tables: dict[str, pd.DataFrame], words: Words) -> str:
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
    told = "".join(f'<p style="margin:4px 0">{escape(t)}</p>' for t in told)
    return (
        f'<section style="{CARD}">'
        f'<h3 style="margin:0">{escape(name[:1].upper() + name[1:])}</h3>'
        f'<p style="margin:2px 0 8px">{escape(facts)}</p>'
        f'<div style="{FLEX}gap:6px 4px;margin:0 0 8px">{_write_chips(mine, words)}</div>'
        f"{told}</section>"
    )


_OF_CARD = ("funnel", "segment_paths", "segment_parting", "segment_traits", "segment_examples")


def _write_chips(mine: dict[str, pd.DataFrame], words: Words) -> str:
    """Write the path as a row of steps, each with its share of those who entered as a bar."""
    steps = mine["funnel"][mine["funnel"]["part"] == "before_sale"]
    optional = set()
    if "segment_paths" in mine:
        optional = set(mine["segment_paths"].query("is_optional")["step"])
    chips = []
    for step, share in zip(steps["step"], steps["share_of_entered"], strict=True):
        filled = 0 if pd.isna(share) else round(100 * share)
        style = (
            f"border:1px {'dashed' if step in optional else 'solid'} #0072b2;border-radius:5px;"
            f"padding:2px 7px;background:linear-gradient(90deg,#cfe4f3 {filled}%,#fff {filled}%)"
        )
        known = words.text("figure.not_measurable") if pd.isna(share) else words.share(share, 0)
        text = f"{escape(words.step(step))} <b>{escape(known)}</b>"
        chips.append(f'<span style="{style}">{text}</span>')
    arrow = '<span aria-hidden="true" style="padding:3px 0">→</span>'
    return arrow.join(chips)
