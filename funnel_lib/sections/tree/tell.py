"""Sentences about the tree of paths."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, hint_if_few, join_sentences
from funnel_lib.counting.tree import FORK


def tell_tree(tree: pd.DataFrame, words: Words) -> str:
    """How many stop before the paths part, and how many go their path to the end?"""
    n_came = tree["n_came"].iloc[0]
    if not n_came > 0:
        return words.text("sentence.nobody")
    ends = find_ends(tree)
    forks = tree[tree["step"] == FORK]
    if forks.empty:
        told = words.each("sentence.tree_one", ends)
    else:
        first = forks.iloc[0]
        told = join_sentences(
            words.text("sentence.tree_fork", n_came=n_came, n_left=n_came - first["n_went_on"],
                       step=first["next_steps"]),
            words.each("sentence.tree_path", ends, " "),
            forks["n_went_on"].sum() > 0
            and tree["n_untold"].max() >= 0.5
            and words.text("sentence.tree_untold", n=_count_untold(tree)),
        )  # fmt: skip
    return join_sentences(told, hint_if_few(n_came, words))


def find_ends(tree: pd.DataFrame) -> list[dict]:
    """Each path's own part of the tree: segments, n_came to it, n_bought, share."""
    own = tree[~tree["node"].isin(tree["parent"].dropna())]
    begins = tree.drop_duplicates("segments").set_index("segments")["n_came"]
    return [
        {"segments": row["segments"], "n_came": begins[row["segments"]],
         "n_bought": row["n_went_on"],
         "share": row["n_went_on"] / max(begins[row["segments"]], 1)}
        for row in own[own["step"] != FORK].to_dict("records")
    ]  # fmt: skip


def _count_untold(tree: pd.DataFrame) -> int:
    """Leads past a fork whose path is not sure: where each part of the tree begins."""
    begins = tree.drop_duplicates("segments")
    return int(begins.loc[begins["parent"].notna(), "n_untold"].sum())
