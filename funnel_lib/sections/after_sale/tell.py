"""Sentences about what buyers do after the sale."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.groups import take_everybody
from funnel_lib.core.words import Words, if_small, say_within, write_currency_head


def tell_repeats(repeats: pd.DataFrame, words: Words) -> str:
    """How many buyers bought again, for how much, after how long? Currencies are told apart."""
    rows = take_everybody(repeats)
    rows = rows[rows["n_won"] >= 0.5]
    if rows.empty:
        return words.text("sentence.after_sale_nobody")
    if not rows["n_again"].sum() >= 0.5:
        n_won = rows["n_won"].sum()
        base = words.text("count.of_buyers", n=n_won)
        return words.text("sentence.repeats_none", base=base) + if_small(n_won, words)
    told = [
        write_currency_head(row["currency"], rows["currency"], words) + _tell_again(row, words)
        for _, row in rows.iterrows()
    ]
    return " ".join(told)


def _tell_again(row: pd.Series, words: Words) -> str:
    """The buyers of one currency who bought again."""
    base = words.text("count.of_buyers", n=row["n_won"])
    small = if_small(row["n_won"], words)
    if not row["n_again"] >= 0.5:
        return words.text("sentence.repeats_none", base=base) + small
    money, half, days = "", "", row["median_days_to_again"]
    if row["amount_again"] > 0:
        amount = words.money(row["amount_again"], row["currency"])
        money = words.text("sentence.repeats_money", amount=amount)
    if pd.notna(days):
        half = words.text("sentence.repeats_half", within=say_within(days, words))
    told = words.text(
        "sentence.repeats",
        n=row["n_again"],
        base=base,
        share=words.share(row["share"]),
        span=words.span(row["low"], row["high"]),
        money=money,
        half=half,
    )
    return told + small


def tell_after_sale(funnel: pd.DataFrame, words: Words) -> str:
    """What did buyers do after the sale? Of one segment."""
    rows = funnel[funnel["part"] == "after_sale"]
    if len(rows) and not rows["n_entered"].iloc[0] > 0:
        return words.text("sentence.after_sale_nobody")
    rows = rows[rows["share_of_entered"].notna()]
    if rows.empty:
        return words.text("sentence.after_sale_none")
    n_won, parts = rows["n_entered"].iloc[0], words.each("sentence.after_sale_part", rows)
    told = words.text("sentence.after_sale", n=n_won, parts=parts)
    return told + if_small(n_won, words)
