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
    ends = [end for end in find_ends(tree) if end["n_came"]]
    forks = tree[tree["step"] == FORK]
    if forks.empty:
        told = words.each("sentence.tree_one", ends)
    else:
        first, untold = forks.iloc[0], _count_untold(tree)
        told = join_sentences(
            words.text("sentence.tree_fork", n_came=n_came, n_left=n_came - first["n_went_on"],
                       step=first["next_steps"]),
            words.each("sentence.tree_path", ends, " "),
            words.each("sentence.tree_direct", find_direct(tree), " "),
            untold > 0 and words.text("sentence.tree_untold", n=untold),
        )  # fmt: skip
    return join_sentences(told, hint_if_few(n_came, words))


def find_ends(tree: pd.DataFrame) -> list[dict]:
    """Each path's own part of the tree: segments, n_came to it, n_end at its end, share."""
    last = tree[~tree["node"].isin(tree["parent"].dropna()) & (tree["step"] != FORK)]
    begins = tree.drop_duplicates("segments").set_index("segments")["n_came"]
    return [
        {"segments": row["segments"], "n_came": begins[row["segments"]], "n_end": row["n_went_on"],
         "share": row["n_went_on"] / max(begins[row["segments"]], 1)}
        for row in last.to_dict("records")
    ]  # fmt: skip


def find_direct(tree: pd.DataFrame) -> list[dict]:
    """The paths on which the sale is the next step at a fork, so that the tree has no place behind
    it: segments, and n who bought so."""
    found = []
    for fork in tree[tree["step"] == FORK].to_dict("records"):
        parts = tree[tree["parent"] == fork["node"]]
        own = [
            s
            for s in fork["segments"].split("+")
            if s not in {*"+".join(parts["segments"]).split("+")}
        ]
        n = fork["n_went_on"] - parts["n_came"].sum()
        if own and n:
            found.append({"segments": "+".join(own), "n": n})
    return found


def _count_untold(tree: pd.DataFrame) -> int:
    """Leads on a path of their own that is not sure."""
    ends = [end["segments"] for end in find_ends(tree)]
    begins = tree[tree["segments"].isin(ends)].drop_duplicates("segments")
    return int(begins["n_untold"].sum())
