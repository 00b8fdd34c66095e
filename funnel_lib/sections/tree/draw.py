"""Draw the tree of paths: a bar a place, of those who came there."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.html import Html, render
from funnel_lib.core.words import Words
from funnel_lib.counting.tree import FORK
from funnel_lib.drawing.looks import ASKED, GROUND, INK, NOT_ASKED, OPEN, UNKNOWN, WENT_ON
from funnel_lib.sections.tree.tell import find_direct

# What became of those who came to a place -> its colour, and that of a label on it.
_PARTS = {
    "went_on": (WENT_ON, GROUND),
    "lost_not_asked": (NOT_ASKED, INK),
    "lost_asked": (ASKED, INK),
    "lost_unknown": (UNKNOWN, INK),
    "open": (OPEN, INK),
}
_SIDE = 130  # width of the shares beside a bar, from 0 to 100 %
_CHARACTER = 0.019  # of a bar's width on a narrow page; a number that does not fit is left out


def show_tree(tree: pd.DataFrame, words: Words, asks: pd.DataFrame | None = None) -> Html:
    """Show where on their paths clients go on, are lost, or wait; and beside it, of the table
    `asks`, how many of a hundred go on when the step is proposed, and when it is not.

    Rows of a shared beginning stand first, then those of each path; a bar's full length are those
    who came to the first place of its part. Places where all went on are left out.
    """
    shown = tree[tree["n_came"] > tree["n_went_on"]]
    shares = _list_shares(asks)
    used = [part for part in _PARTS if shown[f"n_{part}"].sum() > 0]
    parts = [
        _describe_part(tree, tree[tree["segments"] == segments], words, shares)
        for segments in tree["segments"].unique()
    ]
    key = [(_PARTS[part][0], words.text(f"figure.tree_{part}")) for part in used]
    direct = [
        {"title": words.text("figure.tree_direct", **path), "rows": []}
        for path in find_direct(tree)
    ]
    parts = [*(part for part in parts if part["rows"]), *direct]
    colours = {"go": WENT_ON, "rest": NOT_ASKED, "side": _SIDE if shares else 0}
    return render("tree", words=words, key=key, parts=parts, **colours)


def _list_shares(asks: pd.DataFrame | None) -> dict[int, tuple[float, float]]:
    """Of a place of the tree the shares that go on, with a proposal and without."""
    if asks is None:
        return {}
    told = asks[asks["difference"].notna()].drop_duplicates("node")
    both = zip(told["share_asked"], told["share_not_asked"], strict=True)
    return dict(zip(told["node"], both, strict=True))


def _describe_part(tree: pd.DataFrame, rows: pd.DataFrame, words: Words, shares: dict) -> dict:
    """One part of the tree: its title, and its bars."""
    first, begin = rows["segments"].iloc[0], rows["n_came"].iloc[0]
    kind = "path"
    if first == tree["segments"].iloc[0]:
        kind = "shared" if rows["step"].iloc[-1] == FORK else "all"
    title = words.text(
        f"figure.tree_{kind}", segments=first, n_came=begin, n_end=rows["n_went_on"].iloc[-1]
    )
    shown = rows[rows["n_came"] > rows["n_went_on"]].to_dict("records")
    bars = [
        _describe_bar(row, max(begin, 1), words)
        | {"shares": _describe_shares(shares.get(row["node"]), words)}
        for row in shown
    ]
    return {"title": title, "rows": bars}


def _describe_shares(shares: tuple[float, float] | None, words: Words) -> dict | None:
    """Where the two dots stand, what is written at them, and on which side of each."""
    if shares is None:
        return None
    asked, not_asked = shares
    labels = [words.number(100 * share) for share in shares]
    told = words.text("figure.tree_shares", asked=asked, not_asked=not_asked)
    x = [round(_SIDE * share, 1) for share in shares]
    return {"told": told, "x": x, "labels": labels, "apart": x[0] >= x[1]}


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
        "name": words.text("figure.tree_fork") if row["step"] == FORK else name,
        "note": words.text("figure.tree_fork_note", steps=name) if row["step"] == FORK else "",
        "pieces": [piece for piece in pieces if piece[0]],
        "share": words.text("figure.tree_share", share=share),
    }
