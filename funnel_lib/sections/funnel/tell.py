"""Sentences about the funnel."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, hint_if_few, join_sentences


def tell_funnel(funnel: pd.DataFrame, words: Words) -> str:
    """Where does the funnel narrow most, how many buy, which steps cannot be seen?

    Of one segment.

    Examples
    --------
    >>> funnel = pd.DataFrame({
    ...     "step": ["ask", "read", "pay"], "n_entered": 80.0, "n_reached": [80.0, 30.0, 20.0],
    ...     "n_unseen": [0.0, 20.0, 0.0], "n_open": [0.0, 6.0, 9.0], "part": "before_sale",
    ...     "share_of_entered": [1, None, 0.25], "share_of_previous": [1, None, 0.25],
    ...     "low": [0.95, None, 0.17], "high": [1, None, 0.35]})
    >>> tell_funnel(funnel, Words("en"))
    'The largest drop comes before “pay”: 20 of 80 went on (25.0%); 9 of the rest are still open.
    20 of 80 who entered reached “pay” (25.0%, 95% interval 17.0–35.0%). Still open before it: 9;
    these are neither won nor lost. Not measurable, as nothing in the data shows them: “read”.'
    """
    rows = funnel[funnel["part"] == "before_sale"]
    seen = rows[rows["share_of_entered"].notna()]
    if seen.empty or not seen["n_entered"].iloc[0] > 0:
        return words.text("sentence.nobody")
    last, dark = seen.iloc[-1], rows.loc[rows["share_of_entered"].isna(), "step"]
    return join_sentences(
        _tell_drop(seen, words),
        words.text("sentence.funnel_end", **last),
        last["n_open"] >= 0.5 and words.text("sentence.funnel_open", **last),
        _tell_unseen(seen, words),
        not dark.empty and words.text("sentence.not_measurable", steps=dark),
        hint_if_few(last["n_entered"], words),
    )


def _tell_drop(seen: pd.DataFrame, words: Words) -> str:
    """The biggest drop between measurable steps, and how much of it is still open."""
    before = seen[["n_reached", "n_open"]].shift()
    drop = before["n_reached"] - seen["n_reached"]
    if not drop.max() >= 0.5:
        return ""
    row, previous = seen.loc[drop.idxmax()], before.loc[drop.idxmax()]
    waiting = row["n_open"] - previous["n_open"]
    key = "sentence.funnel_drop_open" if waiting >= 0.5 else "sentence.funnel_drop"
    return words.text(key, **row, n_before=previous["n_reached"], n_waiting=waiting)


def _tell_unseen(seen: pd.DataFrame, words: Words) -> str:
    """The step that most of those who passed it have no evidence of."""
    row = seen.loc[(seen["n_unseen"] / seen["n_reached"].clip(lower=1)).idxmax()]
    return words.text("sentence.funnel_unseen", **row) if row["n_unseen"] >= 0.5 else ""
