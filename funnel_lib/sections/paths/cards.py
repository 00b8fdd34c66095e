"""A card of HTML for each segment."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.html import Html, render
from funnel_lib.core.words import Words, split_path
from funnel_lib.sections.paths.tell import tell_path, tell_traits

WORTH_WORD = 0.01  # of a segment's leads, badly explained
_OF_CARD = ("segment_paths", "segment_traits", "segment_examples")


def show_cards(
    tables: dict[str, pd.DataFrame], steps: pd.DataFrame, gap: float, words: Words
) -> Html:
    """Show each segment as a card: its path as a row of steps, size, buyers, trust, what it does.

    A step's bar is its share of those who went on to the segment's own part of the tree, as of
    `count_own_steps`; steps before that have none. A dashed step is optional. `gap` are the points
    by which drop-out before the paths part may differ.
    """
    cards = [
        _write_card(row, tables, steps, gap, words) for row in tables["segments"].to_dict("records")
    ]
    return Html("".join(card.html for card in cards))


def _write_card(row: dict, tables: dict, steps: pd.DataFrame, gap: float, words: Words) -> Html:
    """Write one segment's card."""
    mine = {n: t[t["segment"] == row["segment"]] for n, t in tables.items() if n in _OF_CARD}
    name, traits = words.value("name", row["name"]), mine["segment_traits"]
    examples = mine["segment_examples"].to_dict("records")
    is_alone = len(tables["segments"]) == 1
    told = [
        not is_alone and words.text("sentence.card_bounds", gap=gap, **row),
        tell_path(mine["segment_paths"], words),
        *([tell_traits(traits, words)] if len(traits) else []),
        *(words.text("sentence.card_example", **lead) for lead in examples),
        *([words.text("sentence.card_trust", **row)] if row["trust"] else []),
        row["share_badly"] >= WORTH_WORD and words.text("sentence.card_badly", **row),
    ]
    facts = "sentence.card_all" if is_alone else "sentence.card"
    if pd.isna(row["n_parted"]):
        facts = "sentence.card_bought"
    elif not is_alone and not row["n_parted_mature"] > 0:
        facts = "sentence.card_young"
    elif not is_alone and row["n_parted_mature"] < row["n_parted"]:
        facts = "sentence.card_mature"
    own = steps[steps["segment"] == row["segment"]].set_index("step")["share"].dropna().to_dict()
    path = [step for block in split_path(row["path"]) for step in block]
    return render(
        "segment_card",
        title=name[:1].upper() + name[1:],
        facts=words.text(facts, **row),
        steps=_list_steps(path, mine["segment_paths"], own, words),
        told=told,
    )


def _list_steps(
    path: list[str], path_steps: pd.DataFrame, own: dict[str, float], words: Words
) -> list[dict]:
    """List the path's steps, each with its share of those on the path, where it is the path's own,
    also as a whole percentage for its bar."""
    optional = set(path_steps.query("is_optional")["step"])
    return [
        {
            "name": words.step(step),
            "share": words.percent(own[step]) if step in own else "",
            "percent": round(100 * own.get(step, 0)),
            "is_optional": step in optional,
        }
        for step in path
    ]
