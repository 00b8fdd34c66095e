"""Draw the tree of paths: a bar a place, of those who came there."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.html import Html, render
from funnel_lib.core.words import Words
from funnel_lib.counting.tree import FORK

# What became of those who came to a place -> its colour, and that of a label on it.
_PARTS = {
    "n_went_on": ("#0072b2", "#fff"),
    "n_lost_not_asked": ("#b84a00", "#fff"),
    "n_lost_asked": ("#e0a36f", "#1f2328"),
    "n_lost_unknown": ("#b9bec4", "#1f2328"),
    "n_open": ("#e6eaee", "#1f2328"),
}
_LEGIBLE = 0.07  # a part of a bar this wide has room for its number


def show_tree(tree: pd.DataFrame, words: Words) -> Html:
    """Show where on their paths clients go on, are lost, or wait.

    Rows of a shared beginning stand first, then those of each path; a bar's full length are those
    who came to the first place of its part. Places where all went on are left out.
    """
    shown = tree[tree["n_came"] > tree["n_went_on"]]
    used = [part for part in _PARTS if shown[part].sum() > 0]
    parts = [
        _describe_part(tree, tree[tree["segments"] == segments], words)
        for segments in tree["segments"].unique()
    ]
    key = [(_PARTS[part][0], words.text(f"figure.tree_{part[2:]}")) for part in used]
    return render("tree", key=key, parts=[part for part in parts if part["rows"]])


def _describe_part(tree: pd.DataFrame, rows: pd.DataFrame, words: Words) -> dict:
    """One part of the tree: its title, and its bars."""
    first, begin = rows["segments"].iloc[0], rows["n_came"].iloc[0]
    kind = "path"
    if first == tree["segments"].iloc[0]:
        kind = "shared" if rows["step"].iloc[-1] == FORK else "all"
    title = words.text(
        f"figure.tree_{kind}", segments=first, n_came=begin, n_bought=rows["n_went_on"].iloc[-1]
    )
    shown = rows[rows["n_came"] > rows["n_went_on"]].to_dict("records")
    return {"title": title, "rows": [_describe_bar(row, max(begin, 1), words) for row in shown]}


def _describe_bar(row: dict, begin: int, words: Words) -> dict:
    pieces = []
    for part, (colour, ink) in _PARTS.items():
        width = row[part] / begin
        title = f"{words.text(f'figure.tree_{part[2:]}')}: {words.number(row[part])}"
        label = words.number(row[part]) if width >= _LEGIBLE else ""
        pieces.append((round(100 * width, 2), colour, ink, label, title))
    name = words.value("next_steps", row["next_steps"])
    share = row["n_went_on"] / row["n_came"] if row["n_came"] else float("nan")
    return {
        "name": words.text("figure.tree_fork", steps=name) if row["step"] == FORK else name,
        "pieces": [piece for piece in pieces if piece[0]],
        "share": words.text("figure.tree_share", share=share),
    }
