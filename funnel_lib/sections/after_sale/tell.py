"""Sentences about what buyers do after the sale."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.groups import take_everybody
from funnel_lib.core.words import Words, hint_if_few, join_sentences
from funnel_lib.counting.reach import HORIZON
from funnel_lib.stats.incidence import FEW


def tell_repeats(repeats: pd.DataFrame, words: Words, horizon: int = HORIZON) -> str:
    """How many buyers buy again by the horizon (days), for how much, after how long? Currencies are
    told apart."""
    rows = take_everybody(repeats)
    rows = rows[rows["n_won"] >= 0.5]
    if rows.empty:
        return words.text("sentence.after_sale_nobody")
    if rows["n_again"].isna().all():
        return words.text("sentence.repeats_unknown")
    if not rows["n_again"].sum() >= 0.5:
        return _tell_again(rows[["n_won", "n_again"]].sum(), words, horizon)
    told = [_tell_again(row, words, horizon) for _, row in rows.iterrows()]
    if len(rows) == 1:
        return told[0]
    named = rows["currency"].replace("", words.text("sentence.no_currency"))
    return words.each("sentence.in_currency", rows.assign(currency=named, told=told), " ")


def _tell_again(row: pd.Series, words: Words, horizon: int) -> str:
    """The buyers of one currency who buy again."""
    few = hint_if_few(row["n_won"], words)
    if not row["n_again"] >= 0.5:
        return join_sentences(words.text("sentence.repeats_none", **row), few)
    if row["n_won"] < FEW or row["horizon_days"] < 1:
        return words.text("sentence.repeats_few", **row)
    return join_sentences(
        words.text("sentence.repeats", **row),
        row["amount_again"] > 0 and words.text("sentence.repeats_money", **row),
        pd.notna(row["median_days_to_again"]) and words.text("sentence.repeats_half", **row),
        row["horizon_days"] < horizon and words.text("sentence.after_sale_young"),
        few,
    )


def tell_after_sale(
    funnel: pd.DataFrame, words: Words, repeat: str | None = None, horizon: int = HORIZON
) -> str:
    """What do buyers do by the horizon (days) after the sale? Of one segment; the step `repeat`,
    that says who bought again, is left to `tell_repeats`."""
    rows = funnel[funnel["part"] == "after_sale"]
    if len(rows) and not rows["n_entered"].iloc[0] > 0:
        return words.text("sentence.after_sale_nobody")
    rows = rows[rows["share_of_entered"].notna() & (rows["step"] != repeat)]
    if rows.empty:
        return words.text("sentence.after_sale_none")
    n, by = rows[["n_entered", "horizon_days"]].iloc[0]
    if n < FEW:
        parts = words.each("sentence.after_sale_few_part", rows)
        return words.text("sentence.after_sale_few", n=n, parts=parts)
    if by < 1:
        return words.text("sentence.after_sale_too_young")
    parts = words.each("sentence.after_sale_part", rows)
    return join_sentences(
        words.text("sentence.after_sale", n=n, horizon_days=by, parts=parts),
        by < horizon and words.text("sentence.after_sale_young"),
        hint_if_few(n, words),
    )
