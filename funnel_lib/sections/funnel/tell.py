"""Sentences about the funnel."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, if_small, name_steps


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
    these are neither won nor lost. Not measurable, as nothing in the data shows them: read.'
    """
    rows = funnel[funnel["part"] == "before_sale"]
    seen = rows[rows["share_of_entered"].notna()]
    if seen.empty or not seen["n_entered"].iloc[0] > 0:
        return words.text("sentence.nobody")
    parts = [_tell_drop(seen, words), *_tell_end(seen.iloc[-1], words), _tell_unseen(seen, words)]
    dark = rows.loc[rows["share_of_entered"].isna(), "step"]
    if len(dark):
        parts.append(words.text("sentence.not_measurable", steps=name_steps(dark, words)))
    told = " ".join(part for part in parts if part)
    return told + if_small(seen["n_entered"].iloc[0], words)


def _tell_drop(seen: pd.DataFrame, words: Words) -> str:
    """The biggest drop between measurable steps, and how much of it is still open."""
    before = seen[["n_reached", "n_open"]].shift()
    drop = before["n_reached"] - seen["n_reached"]
    if not drop.max() >= 0.5:
        return ""
    row = seen.loc[drop.idxmax()]
    previous = before.loc[row.name]
    waiting = row["n_open"] - previous["n_open"]
    return words.text(
        "sentence.funnel_drop",
        went_on=words.text("sentence.n_went_on", n=row["n_reached"]),
        step=words.step(row["step"]),
        previous=previous["n_reached"],
        share=words.share(row["share_of_previous"]),
        waiting=words.text("sentence.waiting", n=waiting) if waiting >= 0.5 else "",
    )


def _tell_end(last: pd.Series, words: Words) -> list[str]:
    """How many reached the last step, and how many may yet."""
    told = words.text(
        "sentence.funnel_end",
        reached=words.text("sentence.n_reached", n=last["n_reached"]),
        base=words.text("count.of_entered", n=last["n_entered"]),
        sale=words.step(last["step"]),
        share=words.share(last["share_of_entered"]),
        span=words.span(last["low"], last["high"]),
    )
    if not last["n_open"] >= 0.5:
        return [told]
    return [told, words.text("sentence.funnel_open", n=last["n_open"])]


def _tell_unseen(seen: pd.DataFrame, words: Words) -> str:
    """The step that most of those who passed it have no evidence of."""
    row = seen.loc[(seen["n_unseen"] / seen["n_reached"].clip(lower=1)).idxmax()]
    if not row["n_unseen"] >= 0.5:
        return ""
    return words.text(
        "sentence.funnel_unseen",
        passed=words.text("sentence.n_passed", n=row["n_unseen"]),
        step=words.step(row["step"]),
        reached=row["n_reached"],
    )
