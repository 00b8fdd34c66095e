"""Draw the tree of paths: a bar a place, of those who came there."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.html import Html, render
from funnel_lib.core.words import Words
from funnel_lib.counting.tree import FORK
from funnel_lib.sections.tree.tell import find_direct

# What became of those who came to a place -> its colour, and that of a label on it.
_PARTS = {
    "went_on": ("#0072b2", "#fff"),
    "lost_not_asked": ("#b84a00", "#fff"),
    "lost_asked": ("#e0a36f", "#1f2328"),
    "lost_unknown": ("#b9bec4", "#1f2328"),
    "open": ("#e6eaee", "#1f2328"),
}
_CHARACTER = 0.019  # of a bar's width on a narrow page; a number that does not fit is left out


def show_tree(tree: pd.DataFrame, words: Words) -> Html:
    """Show where on their paths clients go on, are lost, or wait.

    Rows of a shared beginning stand first, then those of each path; a bar's full length are those
    who came to the first place of its part. Places where all went on are left out.
    """
    shown = tree[tree["n_came"] > tree["n_went_on"]]
    used = [part for part in _PARTS if shown[f"n_{part}"].sum() > 0]
    parts = [
        _describe_part(tree, tree[tree["segments"] == segments], words)
        for segments in tree["segments"].unique()
    ]
    key = [(_PARTS[part][0], words.text(f"figure.tree_{part}")) for part in used]
    direct = [
        {"title": words.text("figure.tree_direct", **path), "rows": []}
        for path in find_direct(tree)
    ]
    return render("tree", key=key, parts=[*(part for part in parts if part["rows"]), *direct])


def _describe_part(tree: pd.DataFrame, rows: pd.DataFrame, words: Words) -> dict:
    """One part of the tree: its title, and its bars."""
    first, begin = rows["segments"].iloc[0], rows["n_came"].iloc[0]
    kind = "path"
    if first == tree["segments"].iloc[0]:
        kind = "shared" if rows["step"].iloc[-1] == FORK else "all"
    title = words.text(
        f"figure.tree_{kind}", segments=first, n_came=begin, n_end=rows["n_went_on"].iloc[-1]
    )
    shown = rows[rows["n_came"] > rows["n_went_on"]].to_dict("records")
    return {"title": title, "rows": [_describe_bar(row, max(begin, 1), words) for row in shown]}


def _describe_bar(row: dict, begin: int, words: Words) -> dict:
    pieces = []
    for part, (colour, ink) in _PARTS.items():
        n = row[f"n_{part}"]
        width = n / begin
        title = f"{words.text(f'figure.tree_{part}')}: {words.number(n)}"
        label = words.number(n)
        label = label if width >= _CHARACTER * (len(label) + 1) else ""
        pieces.append((round(100 * width, 2), colour, ink, label, title))
    name = words.value("next_steps", row["next_steps"])
    share = row["n_went_on"] / row["n_came"] if row["n_came"] else float("nan")
    return {
        "name": words.text("figure.tree_fork", steps=name) if row["step"] == FORK else name,
        "pieces": [piece for piece in pieces if piece[0]],
        "share": words.text("figure.tree_share", share=share),
    }
