"""Sentences about what buyers do after the sale."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.groups import take_everybody
from funnel_lib.core.words import Words, hint_if_few, join_sentences


def tell_repeats(repeats: pd.DataFrame, words: Words) -> str:
    """How many buyers bought again, for how much, after how long? Currencies are told apart."""
    rows = take_everybody(repeats)
    rows = rows[rows["n_won"] >= 0.5]
    if rows.empty:
        return words.text("sentence.after_sale_nobody")
    if not rows["n_again"].sum() >= 0.5:
        return _tell_again(rows[["n_won", "n_again"]].sum(), words)
    told = [_tell_again(row, words) for _, row in rows.iterrows()]
    if len(rows) == 1:
        return told[0]
    named = rows["currency"].replace("", words.text("sentence.no_currency"))
    return words.each("sentence.in_currency", rows.assign(currency=named, told=told), " ")


def _tell_again(row: pd.Series, words: Words) -> str:
    """The buyers of one currency who bought again."""
    if not row["n_again"] >= 0.5:
        told = words.text("sentence.repeats_none", **row)
    else:
        key = {
            (False, False): "sentence.repeats",
            (True, False): "sentence.repeats_money",
            (False, True): "sentence.repeats_half",
            (True, True): "sentence.repeats_money_half",
        }[row["amount_again"] > 0, pd.notna(row["median_days_to_again"])]
        told = words.text(key, **row)
    return join_sentences(told, hint_if_few(row["n_won"], words))


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
    return join_sentences(told, hint_if_few(n_won, words))
